/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded component: its definitions in the order of the binary, as indices into the index spaces
 * that they build up (component-model Binary.md, Explainer.md).
 *
 * component_create decodes and validates; what is here afterwards is known to be valid, so the parts
 * that flatten and run it (component/plan.h) check no form again. A component is immutable then and
 * may be shared by threads. Nested components are part of their parent. Everything lives in the
 * component's arena and in its bytes.
 *
 * Each definition appends to one index space, that of its sort; DEF_EXPORT appends an alias of what
 * it exports. Types are kept as written; what they mean in an instance is worked out there, since
 * resource types differ from instance to instance.
 */
#ifndef COMPONENT_COMPONENT_H
#define COMPONENT_COMPONENT_H

#include "component/ctype.h"
#include "runtime/store.h"

struct component;

/* What an index refers to. The values are not the binary's. */
enum comp_sort {
    SORT_CORE_FUNC,
    SORT_CORE_TABLE,
    SORT_CORE_MEMORY,
    SORT_CORE_GLOBAL,
    SORT_CORE_TAG,
    SORT_CORE_TYPE,
    SORT_CORE_MODULE,
    SORT_CORE_INSTANCE,
    SORT_FUNC,
    SORT_VALUE,
    SORT_TYPE,
    SORT_COMPONENT,
    SORT_INSTANCE,
    SORT_COUNT,
};

struct comp_sortidx {
    uint8_t sort; /* enum comp_sort */
    uint32_t index;
};

/* ---- Types as written -------------------------------------------------------------------- */

/* A value type: a primitive (enum ctype_kind up to CTYPE_PRIMITIVE_LAST), or a type index. */
struct comp_valtype {
    uint8_t is_index; /* 2: there is none (`result`, `stream`, `future`, a case without payload) */
    uint32_t value;
};
enum { COMP_PRIMITIVE, COMP_INDEX, COMP_NONE };

struct comp_label {
    struct wasm_name name; /* text NULL for the elements of tuples and the like */
    struct comp_valtype type;
};

enum comp_type_kind {
    COMP_TYPE_VALUE, /* `value_kind` tells which */
    COMP_TYPE_FUNC,
    COMP_TYPE_COMPONENT,
    COMP_TYPE_INSTANCE,
    COMP_TYPE_RESOURCE,
};

struct comp_defs {
    uint32_t count;
    struct comp_def *items;
};

struct comp_type {
    uint8_t kind;       /* enum comp_type_kind */
    uint8_t value_kind; /* enum ctype_kind */
    bool is_async;      /* functions */
    bool has_dtor;      /* resources */
    /*
     * Fields, cases, labels of flags and enums; elements of tuples; of option, list, stream, future
     * one; of result two (ok, error), of map two (key, value), of a plain primitive one; of functions
     * the parameters.
     */
    uint32_t label_count;
    const struct comp_label *labels;
    struct comp_valtype result; /* functions */
    uint32_t length;            /* lists of fixed length */
    uint32_t index;             /* own, borrow: the resource's type index */
    valtype rep;                /* resources: VT_I32 (or VT_I64) */
    uint32_t dtor;              /* resources: core function index */
    struct comp_defs decls; /* components and instances: core type, type, alias, import, export */
};

/* A core type: a function type (or another one that the core registry knows), or a module type. */
struct comp_core_import {
    struct wasm_name module, field;
};
struct comp_core_extern {
    uint8_t kind; /* enum extern_kind */
    union {
        const struct type_def *func; /* also of tags */
        struct table_type table;
        struct memory_type memory;
        struct global_type global;
    };
};
struct comp_core_type {
    bool is_module;
    const struct type_def *type;
    uint32_t import_count, export_count; /* of a module type */
    const struct comp_core_import *import_names;
    const struct comp_core_extern *imports;
    const struct wasm_name *export_names;
    const struct comp_core_extern *exports;
};

/* What an import or export is: `index` is a type index of the sort's kind. */
enum comp_bound { BOUND_EQ, BOUND_SUB_RESOURCE };
struct comp_extern_type {
    uint8_t
        sort; /* SORT_CORE_MODULE, SORT_FUNC, SORT_VALUE, SORT_TYPE, SORT_COMPONENT, SORT_INSTANCE */
    uint8_t bound; /* enum comp_bound: of types and values (BOUND_SUB_RESOURCE: of `value_type`) */
    uint32_t index;
    struct comp_valtype value_type;
};

/* ---- Canonical definitions --------------------------------------------------------------- */

enum comp_encoding { ENCODING_UTF8, ENCODING_UTF16, ENCODING_LATIN1_UTF16 };

enum { COMP_NO_INDEX = 0xffffffff };

struct comp_options {
    uint8_t encoding; /* enum comp_encoding */
    bool is_async;
    uint32_t memory; /* core memory index or COMP_NO_INDEX; likewise functions below */
    uint32_t realloc;
    uint32_t post_return;
    uint32_t callback;
};

struct comp_canon {
    uint8_t
        op; /* the binary's code: 0x00 lift, 0x01 lower, 0x02 resource.new, 0x03 drop, 0x04 rep, … */
    uint32_t func;     /* lift: core function; lower: function */
    uint32_t type;     /* lift: the function's type; resource.…, stream.…, future.…: the type */
    bool flag;         /* async?, cancel?, shared? of the asynchronous built-ins */
    uint32_t index;    /* their memory, table or slot */
    valtype core_type; /* context.get and .set */
    struct comp_valtype result; /* task.return */
    struct comp_options options;
};
enum {
    CANON_LIFT = 0x00,
    CANON_LOWER = 0x01,
    CANON_RESOURCE_NEW = 0x02,
    CANON_RESOURCE_DROP = 0x03,
    CANON_RESOURCE_REP = 0x04,
};

/* ---- Definitions ------------------------------------------------------------------------- */

enum comp_def_kind {
    DEF_CORE_MODULE,       /* module */
    DEF_CORE_INSTANTIATE,  /* index: of the core module; args, all of SORT_CORE_INSTANCE */
    DEF_CORE_EXPORTS,      /* a core instance from args */
    DEF_CORE_TYPE,         /* core_type */
    DEF_COMPONENT,         /* component */
    DEF_INSTANTIATE,       /* index: of the component; args */
    DEF_EXPORTS,           /* an instance from args */
    DEF_ALIAS_EXPORT,      /* sort; index: of the instance; name */
    DEF_ALIAS_CORE_EXPORT, /* sort; index: of the core instance; name */
    DEF_ALIAS_OUTER,       /* sort; outer_count, index */
    DEF_TYPE,              /* type */
    DEF_CANON,             /* canon; its sort is SORT_FUNC for a lift, else SORT_CORE_FUNC */
    DEF_START,             /* index: of the function; start_args; result_count: values */
    DEF_IMPORT,            /* name, extern_type; sort says which index space */
    DEF_EXPORT,            /* name, sort, index, extern_type if has_extern_type */
    DEF_EXPORT_DECL,       /* in types: name, extern_type */
    DEF_VALUE,             /* type_of_value, bytes */
};

/* What stands beside a name: nothing of it matters to types or linking. Text NULL: not given. */
struct comp_attributes {
    struct wasm_name implements, version_suffix, external_id;
};

struct comp_arg {
    struct wasm_name name;
    const struct comp_attributes *attributes; /* of an inline export; NULL: none */
    struct comp_sortidx what;
};

struct comp_def {
    uint8_t kind; /* enum comp_def_kind */
    uint8_t sort; /* enum comp_sort: the index space that it appends to */
    bool has_extern_type;
    uint32_t offset_bytes; /* in the component's binary, for messages */
    uint32_t index, outer_count, result_count;
    struct wasm_name name;
    const struct comp_attributes *attributes; /* of an import or export; NULL: none */
    uint32_t arg_count;
    const struct comp_arg *args;
    struct comp_extern_type extern_type;
    union {
        uint32_t module; /* index in the root's modules (component_module) */
        const struct comp_core_type *core_type;
        const struct component *component;
        const struct comp_type *type;
        const struct comp_canon *canon;
        const uint32_t *start_args;
        struct {
            const uint8_t *bytes;
            uint32_t size_bytes;
            struct comp_valtype type;
        } value;
    };
};

/* One component: the root, or nested. */
struct component {
    struct comp_defs defs;
    uint32_t counts[SORT_COUNT]; /* of the index spaces at the end */
    const struct component *parent;
    const struct component_file *file;
    uint32_t offset_bytes, size_bytes; /* in the file */
};

/* What component_create makes: the root and what all of it shares. */
struct component_file {
    atomic_uint references;
    struct stint_engine *engine;
    struct alloc *alloc;
    struct arena arena;
    const uint8_t *bytes;
    size_t size_bytes;
    uint8_t *owned_bytes; /* NULL: lent by the caller */
    struct component *root;
    uint32_t module_count; /* core modules of all nested components, in the order of the binary */
    /* Over the bytes here: whoever retains one needs the file as well. */
    struct stint_module **modules;
    uint32_t *module_offsets; /* in `bytes` */
    /* Of a composition (component/compose.h): whose modules these are. */
    struct component_file **parts;
    uint32_t part_count;
};

/* Whether the bytes begin like a binary component (magic, version 0x0d, layer 1). */
bool component_is_binary(const uint8_t *bytes, size_t size_bytes);

/*
 * Decodes and validates `size_bytes`. With `lend` the bytes are not copied and must outlive the
 * component. STINT_MALFORMED, STINT_INVALID, STINT_UNSUPPORTED …: `error` says what and at which byte.
 */
MUST_CHECK enum stint_status component_create(struct stint_engine *engine, const uint8_t *bytes,
                                              size_t size_bytes, bool lend,
                                              struct component_file **ret_file,
                                              struct stint_error *error);
/*
 * The same, where something is known of core modules: `make` is called for each, in the order of the
 * binary, instead of rt_module_create, with its bytes and where they lie in the component's. The module
 * may have other bytes behind it if they are the same.
 */
struct component_maker {
    enum stint_status (*make)(void *context, struct stint_engine *engine, const uint8_t *wasm,
                              size_t wasm_bytes, uint32_t offset_bytes,
                              struct stint_module **ret_module, struct stint_error *error);
    void *context;
};
MUST_CHECK enum stint_status component_create_made(struct stint_engine *engine,
                                                   const uint8_t *bytes, size_t size_bytes,
                                                   bool lend, const struct component_maker *maker,
                                                   struct component_file **ret_file,
                                                   struct stint_error *error);
struct component_file *component_retain(struct component_file *file);
/* Room for `count` parts, once a file, which are released with it; false when memory is out. */
MUST_CHECK bool component_keep_parts(struct component_file *file, uint32_t count);
void component_release(struct component_file *file); /* accepts NULL */

#endif
