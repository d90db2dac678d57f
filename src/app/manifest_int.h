/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From trees of TOML to an application. shape_check has said what is wrong with the form; what is read
 * here takes a default where the form is wrong, and goes on, so that all problems are found at once.
 */
#ifndef APP_MANIFEST_INT_H
#define APP_MANIFEST_INT_H

#include "app/app.h"
#include "app/shape.h"

enum {
    MANIFEST_BYTES_MAX = 4 << 20, /* of any file that is read here */
    MANIFEST_DEPTH_MAX = 64,
    MANIFEST_ITEMS_MAX = 10000, /* of components, triggers, … each */
};

/* Where values of variables come from, in the order in which they are asked. */
struct provider {
    const struct toml_value *values; /* a table; NULL: the environment */
    struct app_pairs pairs;          /* of the command line */
    const char *prefix;
    struct app_pairs dotenv; /* of a file; after the environment itself */
    struct provider *next;
};

struct reader {
    const struct app_config *config;
    struct app *app;
    struct app_problems *problems;
    const char *file; /* lives as long as the problems */
    struct arena scratch; /* trees */
    const struct toml_value *root, *runtime; /* may be NULL */
    const char *runtime_file, *runtime_folder;
    struct provider *providers;
    bool opens_files;
    bool is_out_of_memory;
    /* Grown in `alloc`, copied to the arena at the end. */
    struct app_component *components;
    const struct toml_value **component_tables;
    size_t component_count, component_capacity, table_capacity;
};

/* ---- Problems: all at a value of the manifest, or of the runtime configuration ------------ */

void reader_error(struct reader *r, const struct toml_value *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
void reader_warning(struct reader *r, const struct toml_value *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
void reader_runtime_error(struct reader *r, const struct toml_value *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* ---- Values: `table` may be NULL, and have no such key ------------------------------------ */

const char *reader_copy(struct reader *r, const char *text, size_t bytes); /* never NULL */
const char *reader_format(struct reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
void *reader_array(struct reader *r, size_t count, size_t each_bytes); /* zeroed, or NULL */
const char *get_text(struct reader *r, const struct toml_value *table, const char *key,
                     const char *standard);
bool get_boolean(const struct toml_value *table, const char *key, bool standard);
uint64_t get_integer(const struct toml_value *table, const char *key, uint64_t standard);
double get_number(const struct toml_value *table, const char *key, double standard);
/* "unlimited" is APP_UNLIMITED. */
uint64_t get_count(const struct toml_value *table, const char *key, uint64_t standard);
uint64_t get_size(const struct toml_value *table, const char *key, uint64_t standard);
uint64_t get_duration(const struct toml_value *table, const char *key, uint64_t standard);
/* A string, or an array of them. */
struct app_texts get_texts(struct reader *r, const struct toml_value *table, const char *key);
struct app_pairs get_pairs(struct reader *r, const struct toml_value *table, const char *key);
struct app_blocks get_blocks(struct reader *r, const struct toml_value *table, const char *key);
/* A path, behind `folder` unless it is absolute. */
const char *reader_path(struct reader *r, const char *folder, const char *path);
const char *get_path(struct reader *r, const char *folder, const struct toml_value *table,
                     const char *key, const char *standard);
/* An array of tables, or one table: its first element; the others by `next`. */
const struct toml_value *first_table(const struct toml_value *value);
bool is_text(const struct toml_value *value);

/* A whole file; false: said so. The bytes are in `scratch`. */
bool reader_load(struct reader *r, const char *path, const char **ret_text, size_t *ret_bytes,
                 enum stint_status *ret_status, struct stint_error *error);

/* ---- Parts -------------------------------------------------------------------------------- */

void read_providers(struct reader *r);
void read_variables(struct reader *r, const struct toml_value *variables);
/* A text with {{ name }} replaced. `ret_secret` (may be NULL) is set where a secret is in it. NULL: it
 * is wrong, which was said, or a variable has no value. */
const char *resolve_template(struct reader *r, const struct toml_value *value, const char *where,
                             bool *ret_secret);

void read_runtime(struct reader *r);
void read_stores(struct reader *r);

/* Adds a component; its index. `table` is its own. */
uint32_t add_component(struct reader *r, const char *id, const struct toml_value *table,
                       const struct toml_value *key);
void read_components(struct reader *r);
/* Index of a component that a manifest names at `at`, or APP_NONE, which was said. */
uint32_t find_named_component(struct reader *r, const struct toml_value *at, const char *where);
void read_limits(struct reader *r, const struct toml_value *table, struct app_limits *limits);

void read_triggers(struct reader *r, const struct toml_value *trigger);
void read_triggers_1(struct reader *r, const struct toml_value *trigger);
void check_routes(struct reader *r);

void read_server(struct reader *r, const struct toml_value *stint);
void read_regions(struct reader *r, const struct toml_value *regions);

#endif
