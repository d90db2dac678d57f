/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of component_new. What it writes, in this order:
 *
 *     types and imports      an instance type for each interface that is used, with what is used of it
 *     core module            as it came, without its `component-type` sections
 *     shim                   a module of functions that call through a table: they stand in for lowered
 *                            functions that need the memory of the module which imports them
 *     core instances         what the module imports, and the module's own
 *     fixup                  a module that puts the lowered functions into the table, and whose start
 *                            calls _initialize
 *     lifted functions, and for each exported interface a component that gives its types their names
 *
 * component_new.c matches the module with its world; component_new_types.c writes types where they are
 * needed; component_new_core.c writes the two helper modules; component_new_root.c the rest.
 */
#ifndef COMPONENT_COMPONENT_NEW_INT_H
#define COMPONENT_COMPONENT_NEW_INT_H

#include "base/map.h"
#include "component/component_new.h"
#include "component/wit_int.h"

/* A type of an interface that is needed. */
struct new_type {
    struct new_type *next;
    struct wasm_name name;
    const struct wit_type *type;
    uint32_t dtor_slot; /* exported resources: the shim's function, or COMP_NO_INDEX … */
    const struct wasm_export *dtor; /* … and what it stands for */
};

/* A function of an interface that is needed. */
struct new_func {
    struct new_func *next;
    struct wasm_name name;
    struct wit_func func;
    const struct ctype_func *type;
    struct ctype_flat flat;
    bool needs_memory, needs_realloc;
    uint32_t index;                 /* imports: the root's function, COMP_NO_INDEX: none yet */
    const struct wasm_export *core; /* exports: what is lifted … */
    const struct wasm_export *post; /* … and its post-return, or NULL */
};

struct new_interface {
    struct wasm_name name; /* empty for the world's own items */
    bool is_export, is_begun;
    struct new_type *types, **types_end;
    struct new_func *funcs, **funcs_end;
    uint32_t instance; /* once it is imported or exported, else COMP_NO_INDEX */
};

/* What the module imports, in its order. */
enum new_import_kind { NEW_LOWER, NEW_RESOURCE_DROP, NEW_RESOURCE_NEW, NEW_RESOURCE_REP };
struct new_import {
    uint8_t kind;     /* enum new_import_kind */
    bool is_repeated; /* an earlier one has the same names */
    const struct wasm_import *core;
    const struct type_def *type;
    struct new_interface *interface;
    struct new_func *func;           /* NEW_LOWER */
    const struct wit_type *resource; /* else */
    uint32_t slot;                   /* the shim's function, or COMP_NO_INDEX */
    uint32_t core_func;              /* the root's core function */
};

/* A place where types are written: definitions of the component, or declarations of a type. */
enum new_place { PLACE_ROOT, PLACE_INSTANCE, PLACE_WRAP_IMPORTS, PLACE_WRAP_EXPORTS };
struct new_known {
    const void *key;       /* a new_interface or a comp_type … */
    struct wasm_name name; /* … and a name in it, or empty */
    uint32_t index;
};
struct new_space {
    uint8_t place;                   /* enum new_place */
    struct new_interface *interface; /* of an instance type or a wrapper */
    struct buf *out;
    uint32_t types, decls;
    struct new_known *known;
    size_t known_count, known_capacity;
    struct new_space *imports; /* PLACE_WRAP_EXPORTS: the same component's first half */
    struct buf *args;          /* PLACE_WRAP_IMPORTS: what it is instantiated with */
    uint32_t arg_count;
};

struct component_new {
    struct alloc *alloc;
    struct arena arena;
    struct stint_error *error;
    enum stint_status status;
    const struct wasm_module *core;
    struct buf *out, *details;
    struct wit wit;
    struct component_file **sections; /* that the worlds are from */
    size_t section_count, section_capacity;
    uint8_t encoding; /* enum comp_encoding */

    struct new_interface **interfaces; /* all of the world, and last its own items */
    size_t interface_count, interface_capacity;
    struct map owners; /* struct wit_interface * -> struct new_interface * */
    struct map ctypes; /* struct wit_type * -> struct ctype * */
    uint32_t depth;
    struct new_import *imports; /* core->import_count */

    const struct wasm_export *memory, *realloc, *initialize;
    uint32_t shim_count;                /* functions of the shim … */
    const struct type_def **shim_types; /* … and their types */

    /* How many the component has so far. */
    uint32_t core_modules, core_instances, core_funcs, core_memories, core_tables;
    uint32_t funcs, instances, components;
    uint32_t shim_instance, main_instance, memory_index, realloc_index;
    struct new_space root; /* its types */
};

/* ---- component_new.c ---------------------------------------------------------------------- */

/* Records a failure; false, so that `return new_fail(…)` works. */
bool new_fail(struct component_new *n, enum stint_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool new_fail_nomem(struct component_new *n);
/* The interface that a named type belongs to. */
struct new_interface *new_owner(struct component_new *n, const struct wit_type *type);
/* Name of `bytes` bytes as printf's %.*s wants it, shortened. */
#define NAME_ARGS(name) (int)((name).bytes < 100 ? (name).bytes : 100), (name).text

/* ---- component_new_match.c ---------------------------------------------------------------- */

/* The canonical shape of a type; marks the named types in it as needed. */
bool new_ctype(struct component_new *n, const struct wit_scope *scope, struct comp_valtype type,
               const struct ctype **ret_type);
/* Finds for every import and export of the module what it is in the world. */
bool new_match(struct component_new *n);

/* ---- component_new_types.c ---------------------------------------------------------------- */

/* The binary's codes of value types, by enum ctype_kind. */
extern const uint8_t new_type_codes[];

/* The index of a type that has a name, in the space: written there when it is not yet. */
uint32_t new_named(struct component_new *n, struct new_space *space, const struct wit_type *type);
uint32_t new_func_type(struct component_new *n, struct new_space *space, struct wit_func func);
/* Notes the index of a named type; forgets all those of an interface. */
void new_know(struct component_new *n, struct new_space *space, const struct wit_type *type,
              uint32_t index);
void new_forget(struct new_space *space, const struct new_interface *interface);
void new_space_free(struct component_new *n, struct new_space *space);
/* Imports an interface, and before it those whose types it uses. */
bool new_import_interface(struct component_new *n, struct new_interface *interface);

/* ---- component_new_core.c ----------------------------------------------------------------- */

bool new_put_module(struct component_new *n);
bool new_put_shim(struct component_new *n);
bool new_put_fixup(struct component_new *n);

/* ---- component_new_root.c ----------------------------------------------------------------- */

bool new_put_component(struct component_new *n);
/* Section `id` with the content, which is emptied. */
bool new_put_section(struct component_new *n, struct buf *out, uint8_t id, struct buf *content);
void new_put_name(struct buf *out, const char *text, size_t bytes);

enum {
    SECTION_COMP_CUSTOM,
    SECTION_COMP_CORE_MODULE,
    SECTION_COMP_CORE_INSTANCE,
    SECTION_COMP_CORE_TYPE,
    SECTION_COMP_COMPONENT,
    SECTION_COMP_INSTANCE,
    SECTION_COMP_ALIAS,
    SECTION_COMP_TYPE,
    SECTION_COMP_CANON,
    SECTION_COMP_START,
    SECTION_COMP_IMPORT,
    SECTION_COMP_EXPORT,
};

#endif
