/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the script runner share. */
#ifndef WAST_RUNNER_INT_H
#define WAST_RUNNER_INT_H

#include "base/map.h"
#include "component/cvalue.h"
#include "component/plan.h"
#include "runtime/store.h"
#include "wast/script.h"
#include "wast/wast.h"

/* The host module "spectest", made in a store once. */
struct spectest {
    struct extern_value values[16];
    uint32_t count;
};

/* What a binary turned out to be: exactly one is not NULL. */
struct runner_loaded {
    struct stint_module *module;
    struct component_file *component;
};

/*
 * Definitions and instances that a script can name. They live until the file ends. One that could not
 * be made since something of it is not supported is kept as skipped: so is what is done with it.
 */
struct runner_definition {
    struct runner_definition *next;
    struct runner_loaded loaded;
    bool is_skipped;
};
struct runner_instance {
    struct runner_instance *next;
    struct stint_instance *core;          /* of a module … */
    struct component_instance *component; /* … or of a component */
    bool is_skipped;
};

struct runner {
    struct stint_engine *engine;
    struct alloc *alloc;
    struct stint_store *store;
    const struct wast_options *options;
    struct wast_counts *counts;
    const char *path;
    const struct script *script;
    const char *text; /* of the file */
    size_t text_bytes;
    struct spectest spectest;
    struct arena arena;                    /* of definitions and instances */
    struct runner_instance *current;       /* the last one; NULL when it failed */
    struct runner_definition *definition;  /* likewise */
    struct map instances, definitions;     /* by identifier, to pointers */
    struct map registered;                 /* by name, to instances of modules */
    struct runner_instance *all_instances; /* newest first */
    struct runner_definition *all_definitions;
};

/* ---- runner.c ---------------------------------------------------------------------------- */

/* Reports that a command failed, as the format says. */
void runner_report(struct runner *r, uint32_t line, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- spectest.c -------------------------------------------------------------------------- */

MUST_CHECK enum stint_status spectest_create(struct runner *r, struct stint_error *error);
/* False when it has no such export. */
bool spectest_export(const struct spectest *spectest, struct wasm_name name,
                     struct extern_value *ret_value);

/* ---- runner_value.c ---------------------------------------------------------------------- */

enum { VALUE_TEXT_BYTES = 120 };

/* Puts arguments into slots, for parameters of these types. */
MUST_CHECK enum stint_status values_to_slots(struct runner *r, const struct type_def *type,
                                             const struct script_action *action, uint64_t *slots,
                                             struct stint_error *error);
/* Whether the value of `type` at `slots` is one that `result` allows. */
bool value_matches(struct runner *r, const struct script_result *result, valtype type,
                   const uint64_t *slots);
/* For messages: what came, and what was expected. Returns `text`. */
char *runner_value_format(struct runner *r, valtype type, const uint64_t *slots, char *text,
                          size_t size);
char *result_format(const struct script_result *result, char *text, size_t size);

/* ---- runner_component_value.c ------------------------------------------------------------ */

/* Instantiates a component, which has nothing to import, in the runner's store. */
MUST_CHECK enum stint_status runner_component_create(struct runner *r, struct component_file *file,
                                                     struct component_instance **ret_instance,
                                                     struct stint_error *error);
void runner_component_free(struct component_instance *instance); /* accepts NULL */

/* Calls an export. The result is in `arena`; its type is NULL where the function has none. */
MUST_CHECK enum stint_status runner_component_invoke(struct runner *r,
                                                     struct component_instance *instance,
                                                     const struct script_action *action,
                                                     struct arena *arena, struct cvalue *ret_result,
                                                     struct stint_error *error);
/* Whether a value is the one that a script wants. */
bool runner_component_matches(const struct script_value *wanted, const struct cvalue *value);
/* For messages: what came, and what was expected. Returns `text`. */
char *runner_component_format(const struct cvalue *value, char *text, size_t size);
char *runner_component_format_wanted(const struct script_value *wanted, char *text, size_t size);

/* ---- custom_check.c ---------------------------------------------------------------------- */

/* False when a custom section that is known here is not as it should be. */
bool custom_sections_are_valid(const struct wasm_module *module);

#endif
