/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard C API over stint.h: what its files share.
 *
 * wasm_config_t, wasm_engine_t and wasm_shared_module_t are stint's objects under another name.
 * Everything that can be a wasm_ref_t is one struct, so that the conversions between func, extern
 * and ref are casts. Counts:
 *
 *   handles  what the user has and will delete; each also counts in its store, which lives until
 *            the last one is gone, so that objects can be deleted in any order
 *   holds    objects of the collected heap that wrap it as an externref
 *
 * Functions, tables, memories, globals, tags and instances live as long as the store, and so does
 * their one wrapper: host info is a property of the object, not of a handle.
 */
#ifndef API_WASM_C_INT_H
#define API_WASM_C_INT_H

#include "api/api_int.h"
#include "base/map.h"
#include "wasm.h"

/* The first ones are enum stint_extern_kind. */
enum ref_kind {
    REF_FUNC,
    REF_TABLE,
    REF_MEMORY,
    REF_GLOBAL,
    REF_TAG,
    REF_INSTANCE,
    REF_LIVES_WITH_STORE = REF_INSTANCE, /* the last of those that do */
    REF_MODULE,
    REF_TRAP,
    REF_FOREIGN,
    REF_VALUE, /* something in the collected heap that is none of the above */
};

struct wasm_store_t {
    stint_store *store;
    size_t handles;
    struct map objects;      /* address of an object of the runtime to its wasm_ref_t */
    struct wasm_ref_t *refs; /* those in `objects` */
    /* A trap that a callback returned, on its way to the caller: its handle is not counted here. */
    struct wasm_ref_t *trap;
};

struct trap_info {
    char message[STINT_ERROR_MESSAGE_BYTES];
    size_t frame_count;
    struct stint_frame *frames;
};

struct wasm_ref_t {
    uint8_t kind; /* enum ref_kind */
    uint32_t handles, holds;
    wasm_store_t *store;
    void *host_info;
    void (*host_info_free)(void *host_info);
    struct wasm_ref_t *next;
    const void *key; /* of those in the store's map: the object's address */
    union {
        struct stint_extern external;
        stint_instance *instance;
        stint_module *module;
        struct trap_info *trap;
        stint_ref value;
    } of;
};

/* ---- References (wasm_c_ref.c) ----------------------------------------------------------- */

/* All handles are this struct. */
static inline struct wasm_ref_t *ref_of(const void *handle)
{
    return (struct wasm_ref_t *)(uintptr_t)handle;
}

/* A new object with one handle, or NULL. */
MUST_CHECK struct wasm_ref_t *ref_new(wasm_store_t *store, enum ref_kind kind);
/* The wrapper of an object that lives with the store, without a new handle; or NULL. */
MUST_CHECK struct wasm_ref_t *ref_borrow(wasm_store_t *store, const struct stint_extern *external,
                                         stint_instance *instance);
/* The same with a new handle. */
MUST_CHECK struct wasm_ref_t *ref_wrap(wasm_store_t *store, const struct stint_extern *external);
MUST_CHECK struct wasm_ref_t *ref_wrap_instance(wasm_store_t *store, stint_instance *instance);
struct wasm_ref_t *ref_retain(struct wasm_ref_t *ref);
void ref_release(struct wasm_ref_t *ref); /* accepts NULL */
/* Frees what has neither handles nor holds. */
void ref_destroy(struct wasm_ref_t *ref);
/* Counts a handle on the store itself. */
void store_retain(wasm_store_t *store);
void store_release(wasm_store_t *store);

/* ---- Values (wasm_c_value.c) ------------------------------------------------------------- */

/* As a value of `type`; false when it is of another kind. References become new handles. */
MUST_CHECK bool val_to_stint(wasm_store_t *store, stint_valtype type, const wasm_val_t *val,
                             stint_value *ret_value);
/* Takes over the handle in `value`. False when memory is out; the handle is gone then too. */
MUST_CHECK bool val_from_stint(wasm_store_t *store, const stint_value *value, wasm_val_t *ret_val);
/* The same for a reference alone, of a table say. */
MUST_CHECK bool ref_to_stint(wasm_store_t *store, stint_valtype type, struct wasm_ref_t *ref,
                             stint_value *ret_value);

/* ---- Types (wasm_c_type.c) --------------------------------------------------------------- */

struct wasm_valtype_t {
    wasm_valkind_t kind;
    stint_valtype type;
};

/* The kinds of types for import and export begin with their kind. */
struct wasm_externtype_t {
    uint8_t kind; /* wasm_externkind_t */
};

struct wasm_functype_t {
    struct wasm_externtype_t base;
    wasm_valtype_vec_t params, results;
};

struct wasm_globaltype_t {
    struct wasm_externtype_t base;
    wasm_mutability_t mutability;
    wasm_valtype_t *content;
};

struct wasm_tabletype_t {
    struct wasm_externtype_t base;
    wasm_limits_t limits;
    wasm_valtype_t *element;
};

struct wasm_memorytype_t {
    struct wasm_externtype_t base;
    wasm_limits_t limits;
};

enum { EXTERNTYPE_TAG = 4 };

wasm_valkind_t valkind_of(const struct type_registry *types, stint_valtype type);
MUST_CHECK wasm_externtype_t *externtype_from(const struct type_registry *types,
                                              const struct stint_extern_type *type);
struct stint_limits limits_to_stint(const wasm_limits_t *limits);

/* ---- Traps (wasm_c_trap.c) --------------------------------------------------------------- */

/* Keeps a trap of a callback, which is taken over, until trap_from asks for it. */
void trap_keep(wasm_trap_t *trap);
/* What a failed call gives its caller: the trap that a callback made, or a new one. */
MUST_CHECK wasm_trap_t *trap_from(wasm_store_t *store, enum stint_status status,
                                  const struct stint_error *error);

#endif
