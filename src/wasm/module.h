/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded module: the sections of a binary as arrays (core specification 2.5, 5.5).
 *
 * module_decode checks the form of everything except function bodies, which stay bytes;
 * module_validate then checks all bodies. After both, nothing that runs the module checks its form
 * again. A module is immutable then and may be shared by threads. Index spaces start with the
 * imports. All types in it are canonical (wasm/types.h). Everything lives in the module's arena
 * and in the module's bytes.
 */
#ifndef WASM_MODULE_H
#define WASM_MODULE_H

#include "base/arena.h"
#include "wasm/op.h"
#include "wasm/types.h"

/* Bytes inside the module's binary, not NUL-terminated. */
struct wasm_name {
    const char *text;
    uint32_t bytes;
};

enum extern_kind { EXTERN_FUNC, EXTERN_TABLE, EXTERN_MEMORY, EXTERN_GLOBAL, EXTERN_TAG };

struct wasm_limits {
    uint64_t min, max; /* pages or elements; max is UINT64_MAX where none is given */
    bool has_max;
    bool is_64;
    bool is_shared;
};

struct table_type {
    valtype element;
    struct wasm_limits limits;
};

struct memory_type {
    struct wasm_limits limits;
};

struct global_type {
    valtype type;
    bool is_mutable;
};

/*
 * A constant expression. The common single-instruction forms are decoded; the rest is code to be
 * evaluated from the bytes (validated with the module).
 */
enum const_kind {
    CONST_BITS,       /* number or vector: in `bits` */
    CONST_REF_NULL,
    CONST_REF_FUNC,   /* index */
    CONST_GLOBAL_GET, /* index */
    CONST_CODE,       /* offset_bytes …: instructions up to and with `end` */
};

struct const_expr {
    uint8_t kind;         /* enum const_kind */
    valtype type;         /* what it must give: of the global, offset or element it stands for */
    uint32_t index;
    uint32_t offset_bytes; /* of the expression in the module, in every kind */
    uint32_t size_bytes;
    uint64_t bits[2];     /* low half first */
};

struct wasm_import {
    struct wasm_name module, field;
    uint8_t kind;   /* enum extern_kind */
    uint32_t index; /* in the kind's index space */
};

struct wasm_export {
    struct wasm_name name;
    uint8_t kind;
    uint32_t index;
};

struct wasm_table {
    struct table_type type;
    bool has_init;
    struct const_expr init; /* else null */
};

struct wasm_global {
    struct global_type type;
    struct const_expr init; /* of module-defined ones */
};

enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARED };

struct wasm_elem {
    uint8_t mode; /* enum segment_mode */
    valtype type;
    uint32_t table;
    struct const_expr offset; /* active ones */
    uint32_t count;
    /* Exactly one of the two is set, where count > 0. */
    const uint32_t *functions;     /* function indices */
    const struct const_expr *exprs;
};

struct wasm_data {
    uint8_t mode;
    uint32_t memory;
    struct const_expr offset;
    const uint8_t *bytes;
    uint32_t size_bytes;
};

/* A function body: `size_bytes` at `offset_bytes`, beginning with the local declarations. */
struct wasm_body {
    uint32_t offset_bytes;
    uint32_t size_bytes;
};

/* The large arrays of a module, for module_decode_known. */
struct module_tables {
    const struct wasm_body *bodies;
    const uint32_t *func_types;     /* as wasm_module.func_types */
    const uint32_t *elem_functions; /* of all segments of function indices, one after the other */
    uint32_t body_count, func_type_count, elem_function_count;
};

struct wasm_custom {
    struct wasm_name name;
    uint32_t offset_bytes; /* of its content, after the name */
    uint32_t size_bytes;
};

struct wasm_module {
    struct alloc *alloc;
    struct arena arena;
    struct type_registry *types_registry; /* the engine's */
    const uint8_t *bytes;
    size_t size_bytes;
    uint32_t features; /* FEATURE_… that were on */

    uint32_t type_count;
    const struct type_def **types; /* by the module's type index */

    uint32_t import_count;
    struct wasm_import *imports;
    uint32_t import_func_count, import_table_count, import_memory_count, import_global_count,
        import_tag_count;

    uint32_t func_count;            /* imports included, as in all counts of index spaces */
    const uint32_t *func_types;     /* indices into types; see module_func_type */
    const struct wasm_body *bodies; /* func_count - import_func_count */
    /* One bit a function: may ref.func name it in code (3.5: the context's refs). */
    uint8_t *func_declared;

    uint32_t table_count;
    struct wasm_table *tables;
    uint32_t memory_count;
    struct memory_type *memories;
    uint32_t global_count;
    struct wasm_global *globals;
    uint32_t tag_count;
    const struct type_def **tag_types;

    uint32_t export_count;
    struct wasm_export *exports;
    bool has_start;
    uint32_t start;
    uint32_t elem_count;
    struct wasm_elem *elems;
    uint32_t data_count;
    struct wasm_data *datas;
    bool has_data_count;

    uint32_t custom_count;
    struct wasm_custom *customs;
    uint32_t code_offset_bytes; /* of the code section's content; DWARF counts from it */
};

/*
 * Decodes a binary of `size_bytes`. The bytes are not copied: they must outlive the module and
 * stay as they are. `alloc` carries the budget. On failure nothing is left behind and `error` says
 * what and at which byte.
 */
MUST_CHECK enum stint_status module_decode(struct alloc *alloc, struct type_registry *types,
                                           const uint8_t *bytes, size_t size_bytes,
                                           uint32_t features, struct wasm_module **ret_module,
                                           struct stint_error *error);
/*
 * The same for bytes that are known to be valid with these features, and of which `known` says what an
 * earlier decoding found (NULL, or counts of 0: nothing). Does not read again what it says and takes
 * its arrays as they are, so both must outlive the module. To be fed from nothing but copies that were
 * verified and that nobody else can change (aot/cache.h): what is wrong here ends in undefined
 * behaviour. Not to be followed by module_validate.
 */
MUST_CHECK enum stint_status module_decode_known(struct alloc *alloc, struct type_registry *types,
                                                 const uint8_t *bytes, size_t size_bytes,
                                                 uint32_t features,
                                                 const struct module_tables *known,
                                                 struct wasm_module **ret_module,
                                                 struct stint_error *error);
/* The type of a function of the index space. */
static inline const struct type_def *module_func_type(const struct wasm_module *module,
                                                      uint32_t function)
{
    return module->types[module->func_types[function]];
}
/* Validates every function body (3.3, 3.4). What memory it needs depends on the largest one only. */
MUST_CHECK enum stint_status module_validate(const struct wasm_module *module,
                                             struct stint_error *error);
void module_free(struct wasm_module *module);

/* The export of this name, or NULL. */
const struct wasm_export *module_find_export(const struct wasm_module *module, const char *name,
                                             size_t name_bytes);

/* Whether the bytes begin like a binary module (magic and version 1). */
bool module_is_binary(const uint8_t *bytes, size_t size_bytes);

/* Limits as import matching reads them (3.2: "limits match"). */
bool limits_match(const struct wasm_limits *given, uint64_t given_now, const struct wasm_limits *wanted);

#endif
