/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a running program (core specification 4.2): engine, module, store, instance,
 * function, table, memory, global, tag.
 *
 * An engine and its modules are shared by threads and reference-counted. A store and everything in
 * it belong to one thread at a time and live until the store is freed, except memories marked
 * shared. Layouts are read by the interpreter and by machine code, hence the plain structs.
 *
 * A value in flight is one 64-bit slot (v128: two, low half first): i32 and f32 in the low half
 * with the upper half unspecified on the operand stack, references as
 *   funcref                      pointer to struct func, or 0
 *   anyref, externref, exnref    gc_ref (runtime/gc.h) in the low half, upper half zero
 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include <stdatomic.h>

#include "runtime/engine.h"
#include "runtime/tier.h"
#include "wasm/module.h"

struct gc_heap;
struct native_run;
struct native_code;
struct native_image;

/* ---- Engine and module ------------------------------------------------------------------- */

struct engine_config {
    uint32_t features;     /* FEATURE_… */
    bool is_metered;       /* translate with fuel; needed for fuel, timeouts and interruption */
    bool gc_stress;        /* collect at every allocation */
    bool is_timed;         /* take the time of decoding and validating */
    size_t budget_bytes;   /* of everything the engine allocates; SIZE_MAX: no limit */
    alloc_fn alloc_resize; /* the embedder's source of memory; NULL: the C library */
    void *alloc_context;
    struct tier_config tier; /* a mode other than TIER_INTERP needs is_metered */
};

struct stint_engine {
    atomic_uint references;
    struct alloc alloc;
    struct type_registry *types;
    const struct engine_ops *ops;
    struct engine_config config;
};

/* Features on, no metering, no limit. */
struct engine_config engine_config_default(void);
MUST_CHECK enum stint_status engine_create(const struct engine_config *config,
                                           const struct engine_ops *ops,
                                           struct stint_engine **ret_engine);
struct stint_engine *engine_retain(struct stint_engine *engine);
void engine_release(struct stint_engine *engine); /* accepts NULL */

struct stint_module {
    atomic_uint references;
    struct stint_engine *engine;
    struct wasm_module *wasm;
    struct module_code *code; /* the engine's (runtime/engine.h) */
    _Atomic(struct native_code *) native; /* its images (runtime/native.h), or NULL */
    uint8_t *owned_bytes;     /* a copy of the binary, where the caller did not lend it */
    size_t owned_size_bytes;
    uint8_t wasm_sha256[32]; /* of the binary; filled in at need */
    bool has_sha256;
    uint64_t decode_ns, validate_ns; /* what its creation took, where the engine is timed */
    struct tier *tier; /* what is known of its hot spots (runtime/tier.h), or NULL */
    void *source;      /* of its maker: module_known.source, or NULL */
    void (*source_free)(struct stint_engine *engine, void *source);
    const struct module_origin *origin; /* module_known.origin */
};

/* Decodes and validates. With `lend` the bytes are not copied and must outlive the module. */
MUST_CHECK enum stint_status rt_module_create(struct stint_engine *engine, const uint8_t *bytes,
                                              size_t size_bytes, bool lend,
                                              struct stint_module **ret_module,
                                              struct stint_error *error);
/*
 * What the cache knows of a module beforehand (aot/cache.h). Zeroed: nothing, and that is what
 * rt_module_create assumes.
 */
struct module_known {
    bool is_valid; /* the bytes are the cache's own copy: see module_decode_known */
    struct module_tables tables;
    const uint8_t *wasm_sha256; /* of the bytes; NULL: not known */
    /* Given to the module, in this order, also when it fails. */
    struct native_image *const *images;
    uint32_t image_count;
    /* What the bytes lie in, or NULL: freed with the module, and when it is not made. */
    void *source;
    void (*source_free)(struct stint_engine *engine, void *source);
    /* The file that the bytes lie in (aot/load.h), for a cache to remember; NULL: none. It has to stay
     * as long as the module. */
    const struct module_origin *origin;
};
/* The same, with `lend`, for a module of which something is known. */
MUST_CHECK enum stint_status rt_module_create_known(struct stint_engine *engine,
                                                    const uint8_t *bytes, size_t size_bytes,
                                                    const struct module_known *known,
                                                    struct stint_module **ret_module,
                                                    struct stint_error *error);
struct stint_module *rt_module_retain(struct stint_module *module);
void rt_module_release(struct stint_module *module); /* accepts NULL */

/* ---- Store ------------------------------------------------------------------------------- */

struct store_limits {
    uint64_t memory_bytes_max;   /* of each linear memory; UINT64_MAX: no limit but the type's */
    uint64_t table_elements_max; /* of each table */
    uint32_t stack_bytes_max;    /* of the interpreter's value stack */
    uint32_t call_depth_max;     /* nested calls */
    uint64_t gc_heap_bytes_max;  /* both halves together; at most 4 GiB count */
    size_t budget_bytes;         /* of everything the store allocates, memories included */
};

/* No limit on memories beyond their types (64-bit ones: 16 GiB unless they start larger), 10
 * million elements a table, 8 MiB of stack, 200,000 calls, 1 GiB of heap, no budget. */
struct store_limits store_limits_default(void);

struct stint_store {
    struct stint_engine *engine;
    struct alloc alloc;
    struct store_limits limits;
    struct exec *exec;  /* the engine's execution state; made at the first call */
    struct gc_heap *gc; /* made when first needed */
    void *user;         /* the embedder's */
    struct pool_slot *slot; /* of the pool that keeps the store warm, or NULL (runtime/pool.h) */
    struct native_run *run; /* machine code's part; made when first needed (runtime/native.h) */
    struct waiter *waiter;  /* who waits for the guest (runtime/waiter.h); NULL: its thread does */
    struct tier_steps tier_steps;
    /* A memory trap in code that need not be exact: what the guest's memory holds is not to be
     * relied on, and every later call fails with STINT_POISONED. */
    bool is_poisoned;
    /* A guest's failure is passing outwards: frames are added to those of the last trap. */
    bool is_failing;
    struct stint_error *call_error; /* of the innermost call of a guest; never NULL while one runs */
    /* The public API's own; freed with the store, once no guest and no host function is left. */
    void *api_state;
    void (*api_state_free)(void *api_state);

    /* Everything below is owned and freed with the store. The arena holds the objects and their
     * small arrays; pages, table elements and segments of references are on their own. */
    struct arena arena;
    struct const_roots *const_roots; /* of the constant expression being evaluated, or NULL */
    struct stint_instance *instances;
    struct func *host_funcs;
    struct table *tables;
    struct memory *memories;
    struct global *globals;
    struct tag *tags;

    /* Metering: see rt_fuel_*. The engine counts the current slice down on its own. */
    bool has_fuel;
    uint64_t fuel_reserve; /* left beyond the current slice */
    uint64_t fuel_slice;   /* size of the current slice; 0 when there is none */
    uint64_t fuel_used;    /* by finished slices */
    uint64_t deadline_ns;  /* OS_CLOCK_MONOTONIC; 0: none */
    atomic_bool interrupt; /* set from any thread or signal handler: stop at the next slice */
    uint64_t call_count;   /* calls from the host */
};

MUST_CHECK enum stint_status store_create(struct stint_engine *engine,
                                          const struct store_limits *limits,
                                          struct stint_store **ret_store);
void store_free(struct stint_store *store); /* accepts NULL */

/* ---- Functions --------------------------------------------------------------------------- */

/*
 * What a host function gets. `slots` holds the arguments; the results go to the same place
 * (room for the larger of both). References in slots are not roots: a host function that allocates
 * in the collected heap roots them first (gc_root_push).
 * Anything but STINT_OK ends the guest's call: STINT_TRAP with call->error filled (error_set_trap or
 * error_set), STINT_EXIT with error->exit_code, …
 */
struct host_call {
    struct stint_store *store;
    struct stint_instance *caller; /* NULL when the host called the function itself */
    void *env;
    const struct type_def *type;
    struct stint_error *error; /* never NULL */
};

typedef enum stint_status (*host_fn)(struct host_call *call, uint64_t *slots);

/*
 * A second way into a host function whose type fits (type_fits_words): slots by value, so that what
 * both sides compute with need not pass through memory. Words beyond the parameters are unspecified,
 * as are the upper halves of i32 and f32, and `word` where there is no result. Such functions begin
 * and end with runtime/host_words.h, and do what the first way does. The caller is never NULL.
 */
struct host_result {
    uint64_t word;
    uint64_t status; /* enum stint_status */
};
typedef struct host_result (*host_words_fn)(struct stint_instance *caller, struct func *func,
                                            uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/*
 * A function of a store; a funcref is its address. Module-defined ones lie in an array of their
 * instance and are filled when first asked for (instance_func).
 */
struct func {
    const struct type_def *type;     /* NULL: not filled yet */
    struct stint_instance *instance; /* NULL: a host function */
    uintptr_t native_key;    /* the type's address | NATIVE_CLASS_… where there is native_code */
    const void *native_code; /* machine code (runtime/native.h), callable by code of that class */
    union {
        const void *code;    /* the engine's entry for module-defined ones (struct interp_func) */
        host_words_fn words; /* host functions; or NULL: only `host` */
    };
    host_fn host; /* host functions */
    void *host_env;
    union {
        void (*host_env_free)(void *env); /* host functions; may be NULL */
        const void *native_entry;         /* module-defined ones, where there is native_code */
    };
    uint32_t index; /* in its instance's module */
    union {
        struct func *next;                     /* of the store's host functions */
        const struct native_code *native_seen; /* the module's newest image when last looked */
    };
};

/* ---- Memories, tables, globals, tags ----------------------------------------------------- */

/*
 * A linear memory. The base never moves. A 32-bit memory reserves 8 GiB and slack where address
 * space allows, else its declared maximum and a guard; bounds are always checked by the
 * interpreter. `bytes` is the current size.
 */
struct memory {
    uint8_t *base;
    uint64_t bytes;
    uint64_t bytes_max;      /* growth stops here: type, store limit and reservation */
    struct memory_type type; /* as declared; min is the declared one */
    size_t reserved_bytes;
    struct stint_store *store;
    struct memory *next;
};

struct table {
    uint64_t *elements; /* slots; grows, so reload after anything that may grow it */
    uint64_t count;
    uint64_t count_max;
    uint64_t capacity;
    struct table_type type;
    bool is_traced; /* its elements are gc_refs */
    struct stint_store *store;
    struct table *next;
};

struct global {
    uint64_t cell[2];
    struct global_type type;
    bool is_traced; /* its cell is a gc_ref */
    struct stint_store *store;
    struct global *next;
};

struct tag {
    const struct type_def *type;
    struct stint_store *store;
    struct tag *next;
};

/* ---- Instances --------------------------------------------------------------------------- */

struct elem_instance {
    uint64_t *refs; /* slots; NULL once dropped */
    uint32_t count;
};

struct stint_instance {
    /* The context of machine code (runtime/native_abi.h: NATIVE_CONTEXT_…). */
    struct native_run *run; /* NULL until machine code of this instance runs */
    uint8_t *memory0_base;  /* NULL when there is no memory, as is the next one */
    struct memory *memory0;
    struct memory **memories; /* by index, imports first; likewise below */
    struct table **tables;
    struct global **globals;
    struct tag **tags;
    struct func **import_funcs; /* import_func_count */
    struct func *own_funcs;     /* the module-defined ones, filled on demand */
    const struct type_def **types; /* module->wasm->types */

    struct stint_store *store;
    struct stint_module *module;
    struct module_code *code; /* module->code */
    struct elem_instance *elems;
    uint8_t *data_dropped; /* a byte a segment */
    void *user;
    struct stint_instance *next;
    struct global own_globals[]; /* the module-defined ones */
};

/* What satisfies one import. */
enum { EXTERN_MISSING = 0xff }; /* nothing does: instance_create reports "unknown import" */

struct extern_value {
    uint8_t kind; /* enum extern_kind, or EXTERN_MISSING */
    union {
        struct func *func;
        struct table *table;
        struct memory *memory;
        struct global *global;
        struct tag *tag;
    };
};

/*
 * Instantiates (4.5.4): checks `imports` (one an import, in order) against the module, allocates,
 * evaluates initialisers, copies active segments, runs the start function. STINT_UNLINKABLE names
 * the import; STINT_TRAP with what trapped. An instance whose initialisation trapped stays in the
 * store, since tables may refer to it, but is not returned.
 */
MUST_CHECK enum stint_status instance_create(struct stint_store *store, struct stint_module *module,
                                             const struct extern_value *imports,
                                             struct stint_instance **ret_instance,
                                             struct stint_error *error);
/* The two halves of it: all but the start function, and the start function. */
MUST_CHECK enum stint_status instance_prepare(struct stint_store *store,
                                              struct stint_module *module,
                                              const struct extern_value *imports,
                                              struct stint_instance **ret_instance,
                                              struct stint_error *error);
MUST_CHECK enum stint_status instance_start(struct stint_instance *instance,
                                            struct stint_error *error);
/* Whether `value` may stand for an import; on mismatch the reason goes to `error`. */
MUST_CHECK enum stint_status extern_matches(const struct wasm_module *module,
                                            const struct wasm_import *import,
                                            const struct extern_value *value,
                                            struct stint_error *error);

/* The function with this index (imports first). Never fails: the room is there. */
struct func *instance_func(struct stint_instance *instance, uint32_t index);
/* What the instance has at this place of an index space; the index is in range. */
struct extern_value instance_extern(struct stint_instance *instance, enum extern_kind kind,
                                    uint32_t index);
/* False when there is no such export. */
bool instance_export(struct stint_instance *instance, const char *name, size_t name_bytes,
                     struct extern_value *ret_value);

/* Objects made by the host. `env_free` (may be NULL) is called with `env` when the store goes. */
MUST_CHECK enum stint_status rt_func_create(struct stint_store *store, uint32_t type_id,
                                            host_fn host, void *env, void (*env_free)(void *),
                                            struct func **ret_func);
/* Its second way (may be NULL), where its type fits; else it has none. */
void rt_func_set_words(struct func *func, host_words_fn words);
MUST_CHECK enum stint_status rt_memory_create(struct stint_store *store,
                                              const struct memory_type *type,
                                              struct memory **ret_memory,
                                              struct stint_error *error);
MUST_CHECK enum stint_status rt_table_create(struct stint_store *store,
                                             const struct table_type *type, uint64_t init,
                                             struct table **ret_table, struct stint_error *error);
MUST_CHECK enum stint_status rt_global_create(struct stint_store *store,
                                              const struct global_type *type,
                                              const uint64_t cell[2], struct global **ret_global);
MUST_CHECK enum stint_status rt_tag_create(struct stint_store *store, const struct type_def *type,
                                           struct tag **ret_tag);

/*
 * Calls a function from the host. `slots` holds the arguments and receives the results: room for
 * the larger of param_slots and result_slots of func->type. A pending exception at the end is
 * STINT_EXCEPTION; the exception is then in store's gc (gc_take_exception).
 */
MUST_CHECK enum stint_status rt_call(struct stint_store *store, struct func *func, uint64_t *slots,
                                     struct stint_error *error);

/* ---- Fuel, time, interruption ------------------------------------------------------------ */

/* Needs an engine with is_metered. UINT64_MAX: none. */
void rt_fuel_set(struct stint_store *store, uint64_t fuel);
/* Fuel used since the store was made; exact between calls. */
uint64_t rt_fuel_used(const struct stint_store *store);
/* From now; 0 takes the deadline away. */
void rt_timeout_set(struct stint_store *store, uint64_t timeout_ns);
/* Safe in signal handlers and from other threads. Ends the running call, else the next one, with
 * STINT_INTERRUPTED, and is over then. */
void rt_interrupt(struct stint_store *store);

enum { FUEL_SLICE = 200000 }; /* operators between two looks at the clock: well under 1 ms */

/*
 * The engine calls this when a slice is used up: `overdraft` operators were charged beyond it.
 * Looks at interruption, deadline and reserve. STINT_OK with the next slice's size in
 * `ret_slice`, else STINT_FUEL, STINT_TIMEOUT or STINT_INTERRUPTED with `error` filled.
 */
MUST_CHECK enum stint_status rt_fuel_next_slice(struct stint_store *store, uint64_t overdraft,
                                                int64_t *ret_slice, struct stint_error *error);
/*
 * The end of the outermost call, or of any slice: `left` (which may be below zero) of it was not
 * used and goes back to the reserve. Afterwards there is no slice, and the engine's fuel_pending
 * has to be 0; it asks for the next slice with an overdraft of 0. After rt_fuel_next_slice failed
 * there is no slice either.
 */
void rt_fuel_return(struct stint_store *store, int64_t left);

/* ---- Backtraces -------------------------------------------------------------------------- */

struct frame_info {
    struct stint_instance *instance;
    uint32_t func_index;
    uint32_t offset_bytes; /* of the instruction in the module's binary */
};

#endif
