/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the public API share. Public handles are the runtime's objects under another
 * name: stint_engine, stint_module, stint_store and stint_instance are the very structs, the rest
 * is cast here and nowhere else.
 */
#ifndef API_API_INT_H
#define API_API_INT_H

#include "runtime/gc.h"
#include "runtime/store.h"
#include "stint.h"

static inline struct func *func_of(stint_func *func)
{
    return (struct func *)func;
}
static inline stint_func *func_handle(struct func *func)
{
    return (stint_func *)func;
}
static inline struct memory *memory_of(const stint_memory *memory)
{
    return (struct memory *)(uintptr_t)memory;
}
static inline stint_memory *memory_handle(struct memory *memory)
{
    return (stint_memory *)memory;
}
static inline struct table *table_of(const stint_table *table)
{
    return (struct table *)(uintptr_t)table;
}
static inline stint_table *table_handle(struct table *table)
{
    return (stint_table *)table;
}
static inline struct global *global_of(const stint_global *global)
{
    return (struct global *)(uintptr_t)global;
}
static inline stint_global *global_handle(struct global *global)
{
    return (stint_global *)global;
}
static inline struct tag *tag_of(const stint_tag *tag)
{
    return (struct tag *)(uintptr_t)tag;
}
static inline stint_tag *tag_handle(struct tag *tag)
{
    return (stint_tag *)tag;
}
static inline struct host_call *call_of(stint_call *call)
{
    return (struct host_call *)call;
}

/* "out of memory". */
enum stint_status api_no_memory(struct stint_error *error);

struct extern_value api_extern_of(const struct stint_extern *what);
struct stint_extern api_extern_handle(const struct extern_value *value);
struct stint_func_type api_func_type(const struct type_def *type);

/* ---- Values ------------------------------------------------------------------------------ */

enum stint_kind api_kind(const struct type_registry *types, valtype type);
/* A slot (v128: two) of this type as a value; a reference gets a handle. */
MUST_CHECK enum stint_status api_value_read(stint_store *store, valtype type, const uint64_t *slots,
                                            stint_value *ret_value, struct stint_error *error);
/* The reverse; the handle stays. STINT_ARGUMENT where the value is not of the type: `what` says
 * which one ("argument 2"). Nothing may allocate in the heap before the slot is a root. */
MUST_CHECK enum stint_status api_value_write(stint_store *store, valtype type,
                                             const stint_value *value, const char *what,
                                             uint64_t *ret_slots, struct stint_error *error);
/* Gives the handles among the values back. */
void api_values_release(stint_store *store, const stint_value *values, size_t count);

/* The heap reference behind a handle. */
gc_ref api_ref_get(const stint_store *store, stint_ref ref);
MUST_CHECK enum stint_status api_ref_make(stint_store *store, gc_ref ref, stint_ref *ret_ref,
                                          struct stint_error *error);

/* ---- Host functions ---------------------------------------------------------------------- */

struct wasi_p1_config;

/* A definition of the embedder, shared by a linker and stores; reference-counted. */
struct host_def;

MUST_CHECK enum stint_status host_def_create(stint_engine *engine,
                                             const struct stint_func_type *type, stint_host_fn fn,
                                             void *env, struct host_def **ret_def,
                                             struct stint_error *error);
/* The same for a function that takes words: STINT_ARGUMENT where its type does not fit. */
MUST_CHECK enum stint_status host_def_create_words(stint_engine *engine,
                                                   const struct stint_func_type *type,
                                                   stint_word_fn fn, void *env,
                                                   struct host_def **ret_def,
                                                   struct stint_error *error);
void host_def_release(struct host_def *def); /* accepts NULL */
/* From here on the last release frees `env`. */
void host_def_own_env(struct host_def *def, void (*env_free)(void *env));
/* Makes it a function of a store. */
MUST_CHECK enum stint_status host_def_add(struct host_def *def, stint_store *store,
                                          struct func **ret_func, struct stint_error *error);

/* What the linker has for all imports of the module, in order; each begins as zero. */
MUST_CHECK enum stint_status api_linker_resolve(const stint_linker *linker, stint_store *store,
                                                const stint_module *module,
                                                struct extern_value *ret_values,
                                                struct stint_error *error);
struct store_limits api_store_limits(const struct stint_store_limits *limits); /* or NULL */

/* ---- WASI -------------------------------------------------------------------------------- */

/* For stores of a pool that have their WASI: what is there is what each use begins with. */
MUST_CHECK enum stint_status api_wasi_keep(stint_store *store, struct stint_error *error);
MUST_CHECK enum stint_status api_wasi_restart(stint_store *store, const stint_wasi_config *config);

/* What a configuration says; its strings stay the configuration's. */
struct wasi_p1_config api_wasi_config(const stint_wasi_config *config);
/* Rules of what WASI 0.2 may reach; they are right. */
MUST_CHECK enum stint_status api_wasi_add_rule(stint_wasi_config *config, const char *rule);
const char *const *api_wasi_rules(const stint_wasi_config *config, size_t *ret_count);

/* Whether an import names a function of WASI. */
bool api_wasi_has(const struct wasm_import *import);
/* The store's function for such an import: STINT_ARGUMENT when the store has no WASI,
 * STINT_UNLINKABLE when the module wants it with another type. */
MUST_CHECK enum stint_status api_wasi_find(stint_store *store, const stint_module *module,
                                           const struct wasm_import *import, struct func **ret_func,
                                           struct stint_error *error);

#endif
