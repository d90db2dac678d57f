/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stint's C API: WebAssembly modules inside your own program.
 *
 *     stint_engine    shared by threads: configuration and types
 *     stint_module    shared by threads: a validated module
 *     stint_linker    shared by threads once filled: what modules may import, by name
 *     stint_store     of one thread at a time: instances and everything that belongs to them
 *     stint_instance, stint_func, stint_memory, stint_table, stint_global, stint_tag
 *                     in a store, and gone with it: nothing to free
 *
 * Functions that can fail return `enum stint_status` and take, last, a `struct stint_error *` for
 * the details; it may be NULL, and must be zeroed (`= {0}`) when it is not. What they give back
 * goes to parameters named ret_…, which stay untouched on failure. A trap of the guest is
 * STINT_TRAP with the code in error->trap; the store can be used on afterwards.
 *
 * Names are NUL-terminated unless a length stands beside them. Sizes carry their unit in the name.
 *
 * Each function is marked: "Stable" keeps its meaning and binary interface in all 1.x versions,
 * "Experimental" may change with any version. Structs that end in `reserved` are filled by their
 * _init function before use, so that they can grow.
 */
#ifndef STINT_H
#define STINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint_status.h"

#ifndef STINT_API
#define STINT_API __attribute__((visibility("default")))
#endif

#ifndef STINT_CHECK
#define STINT_CHECK __attribute__((warn_unused_result))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stint_config stint_config;
typedef struct stint_engine stint_engine;
typedef struct stint_module stint_module;
typedef struct stint_linker stint_linker;
typedef struct stint_wasi_config stint_wasi_config;
typedef struct stint_store stint_store;
typedef struct stint_instance stint_instance;
typedef struct stint_func stint_func;
typedef struct stint_memory stint_memory;
typedef struct stint_table stint_table;
typedef struct stint_global stint_global;
typedef struct stint_tag stint_tag;
typedef struct stint_call stint_call;
typedef struct stint_pool stint_pool;

/* Text with its length; not NUL-terminated. */
struct stint_name {
    const char *text;
    size_t bytes;
};

/* "1.2.3". Stable. */
STINT_API const char *stint_version(void);
/* "invalid module", "out of bounds memory access", …; never NULL. Stable. */
STINT_API const char *stint_status_text(enum stint_status status);
STINT_API const char *stint_trap_text(enum stint_trap trap);

/* ---- Types ------------------------------------------------------------------------------- */

/*
 * A value type is one word; equal types are equal words within an engine. The reference types here
 * are the nullable abstract ones; what else a module declares comes out of introspection.
 */
typedef uint32_t stint_valtype;

#define STINT_TYPE_I32 ((stint_valtype)0x7f)
#define STINT_TYPE_I64 ((stint_valtype)0x7e)
#define STINT_TYPE_F32 ((stint_valtype)0x7d)
#define STINT_TYPE_F64 ((stint_valtype)0x7c)
#define STINT_TYPE_V128 ((stint_valtype)0x7b)
#define STINT_TYPE_FUNCREF ((stint_valtype)0xffff7063)
#define STINT_TYPE_EXTERNREF ((stint_valtype)0xffff6f63)
#define STINT_TYPE_ANYREF ((stint_valtype)0xffff6e63)
#define STINT_TYPE_EQREF ((stint_valtype)0xffff6d63)
#define STINT_TYPE_I31REF ((stint_valtype)0xffff6c63)
#define STINT_TYPE_STRUCTREF ((stint_valtype)0xffff6b63)
#define STINT_TYPE_ARRAYREF ((stint_valtype)0xffff6a63)
#define STINT_TYPE_EXNREF ((stint_valtype)0xffff6963)

/* How a value of a type is held in `struct stint_value`. */
enum stint_kind {
    STINT_KIND_I32,
    STINT_KIND_I64,
    STINT_KIND_F32,
    STINT_KIND_F64,
    STINT_KIND_V128,
    STINT_KIND_FUNC,   /* of.func */
    STINT_KIND_EXTERN, /* of.ref, and so are the two below */
    STINT_KIND_ANY,
    STINT_KIND_EXN
};

/* The kind of a type, typed references included. Stable. */
STINT_API enum stint_kind stint_valtype_kind(const stint_engine *engine, stint_valtype type);
/* Whether null is a value of it: false for numbers. Stable. */
STINT_API bool stint_valtype_is_nullable(stint_valtype type);
/* Writes "i32", "(ref null func)", …, at most `text_bytes` with the NUL; returns text. Stable. */
STINT_API char *stint_valtype_format(stint_valtype type, char *text, size_t text_bytes);

struct stint_func_type {
    const stint_valtype *params;
    size_t param_count;
    const stint_valtype *results;
    size_t result_count;
};

/* Sizes of a memory in pages of 64 KiB, of a table in elements. */
struct stint_limits {
    uint64_t min;
    uint64_t max; /* UINT64_MAX: none */
    bool is_64;   /* 64-bit addresses */
    bool is_shared;
};

struct stint_table_type {
    stint_valtype element;
    struct stint_limits limits;
};

struct stint_global_type {
    stint_valtype type;
    bool is_mutable;
};

enum stint_extern_kind {
    STINT_EXTERN_FUNC,
    STINT_EXTERN_TABLE,
    STINT_EXTERN_MEMORY,
    STINT_EXTERN_GLOBAL,
    STINT_EXTERN_TAG
};

/* The type of an import or export. */
struct stint_extern_type {
    enum stint_extern_kind kind;
    union {
        struct stint_func_type func; /* of tags too: the parameters are the payload */
        struct stint_table_type table;
        struct stint_limits memory;
        struct stint_global_type global;
    } of;
};

/* ---- Configuration and engine ------------------------------------------------------------ */

/* A configuration with all of Wasm 3.0 on and no limits; NULL when memory is out. Stable. */
STINT_API stint_config *stint_config_new(void);
/* Accepts NULL. Stable. */
STINT_API void stint_config_free(stint_config *config);

/* Switches a proposal: "simd", "gc", …, as 'stint run -W help' lists them. STINT_NOT_FOUND for
 * other names. Stable. */
STINT_API enum stint_status stint_config_set_feature(stint_config *config, const char *name,
                                                     bool on);
/* Whether code is metered: needed for fuel, timeouts and interruption; off by default. Stable. */
STINT_API void stint_config_set_metering(stint_config *config, bool on);
/* The most that the engine and all that belongs to it may allocate, together. Stable. */
STINT_API void stint_config_set_budget_bytes(stint_config *config, size_t bytes);

/*
 * A source of memory in place of the C library's. As realloc: `new_bytes` 0 frees and returns
 * NULL, `old_bytes` 0 allocates; blocks are aligned to 16. Called from all threads that use the
 * engine.
 */
typedef void *(*stint_alloc_fn)(void *context, void *block, size_t old_bytes, size_t new_bytes);
/* Linear memories, stacks and heaps come from the system as pages all the same. Stable. */
STINT_API void stint_config_set_allocator(stint_config *config, stint_alloc_fn resize,
                                          void *context);
/* Collects garbage at every allocation, to find missing roots. Experimental. */
STINT_API void stint_config_set_gc_stress(stint_config *config, bool on);

/*
 * Machine code; see docs/aot.md. Where it comes from: the user's cache, artefacts that this user
 * compiled or trusts (the functions below that make modules read them like any binary), and the
 * plug-in libstint-compiler.so, which is loaded when something is to be compiled.
 */
enum stint_tier {
    STINT_TIER_INTERP, /* none: everything is interpreted */
    STINT_TIER_JIT,    /* a thread compiles what runs hot, while the guest runs; where the plug-in
                          is not there, the module is interpreted */
    STINT_TIER_AOT     /* all of a module when it is made: stint_module_new compiles it, or finds it
                          compiled, and fails where it can do neither */
};
/* STINT_TIER_INTERP unless set. The others meter: see stint_config_set_metering. STINT_UNSUPPORTED
 * in builds that run no machine code. Experimental. */
STINT_API STINT_CHECK enum stint_status stint_config_set_tier(stint_config *config,
                                                              enum stint_tier tier);
/* Machine code whose backtraces and memory at a trap are those of the interpreter. Experimental. */
STINT_API void stint_config_set_strict_traps(stint_config *config, bool on);
/* How much is optimised, 0 to 3; 2 unless set, more than 3 counts as 3. Experimental. */
STINT_API void stint_config_set_opt_level(stint_config *config, unsigned level);
/* Whether compiled code is looked for in the user's cache, and put there; on by default.
 * Experimental. */
STINT_API void stint_config_set_cache(stint_config *config, bool on);

/* An engine of this configuration (copied), or of the default one with NULL. Stable. */
STINT_API STINT_CHECK enum stint_status stint_engine_new(const stint_config *config,
                                                         stint_engine **ret_engine,
                                                         struct stint_error *error);
/* One more owner; each owner releases once. Returns the engine. Stable. */
STINT_API stint_engine *stint_engine_retain(stint_engine *engine);
/* Modules, linkers and stores keep their engine alive. Accepts NULL. Stable. */
STINT_API void stint_engine_release(stint_engine *engine);
/* What is allocated now, and the most that ever was. Either pointer may be NULL. Stable. */
STINT_API void stint_engine_memory(const stint_engine *engine, size_t *ret_used_bytes,
                                   size_t *ret_peak_bytes);

/* ---- Modules ----------------------------------------------------------------------------- */

/* Decodes and validates a binary, which is copied. Stable. */
STINT_API STINT_CHECK enum stint_status stint_module_new(stint_engine *engine, const uint8_t *bytes,
                                                         size_t size_bytes,
                                                         stint_module **ret_module,
                                                         struct stint_error *error);
/* The same without a copy: the bytes must stay as they are until the module is gone. Stable. */
STINT_API STINT_CHECK enum stint_status stint_module_new_lent(stint_engine *engine,
                                                              const uint8_t *bytes,
                                                              size_t size_bytes,
                                                              stint_module **ret_module,
                                                              struct stint_error *error);
/* From a file with a binary. Stable. */
STINT_API STINT_CHECK enum stint_status stint_module_new_from_file(stint_engine *engine,
                                                                   const char *path,
                                                                   stint_module **ret_module,
                                                                   struct stint_error *error);
/* From the text format; STINT_UNSUPPORTED in builds without it. Stable. */
STINT_API STINT_CHECK enum stint_status stint_module_new_from_text(stint_engine *engine,
                                                                   const char *text,
                                                                   size_t text_bytes,
                                                                   stint_module **ret_module,
                                                                   struct stint_error *error);
/* One more owner; each owner releases once. Returns the module. Stable. */
STINT_API stint_module *stint_module_retain(stint_module *module);
/* Instances keep their module alive. Accepts NULL. Stable. */
STINT_API void stint_module_release(stint_module *module);

/* How many of the module's own functions have machine code by now. Experimental. */
STINT_API uint32_t stint_module_compiled_count(const stint_module *module);
/* Why machine code that the module's file carries is not used, such as "nobody signed it, nor did
 * you compile it"; NULL when it is used, or there is none. Lives as long as the module.
 * Experimental. */
STINT_API const char *stint_module_code_refused(const stint_module *module);

struct stint_import {
    struct stint_name module, name;
    struct stint_extern_type type;
};

struct stint_export {
    struct stint_name name;
    struct stint_extern_type type;
};

/* What a module imports and exports, in its order; the results live as long as it. Stable. */
STINT_API size_t stint_module_import_count(const stint_module *module);
STINT_API size_t stint_module_export_count(const stint_module *module);
/* `index` must be below the count. Stable. */
STINT_API void stint_module_import(const stint_module *module, size_t index,
                                   struct stint_import *ret_import);
STINT_API void stint_module_export(const stint_module *module, size_t index,
                                   struct stint_export *ret_export);
/* The content of the first custom section of this name; false when there is none. Stable. */
STINT_API bool stint_module_custom_section(const stint_module *module, const char *name,
                                           const uint8_t **ret_bytes, size_t *ret_size_bytes);

/* ---- Values ------------------------------------------------------------------------------ */

/*
 * A handle on an object of the collected heap, an i31 or a host pointer; {0} is null. The object
 * stays alive until stint_ref_release, or the end of the store. Handles in arguments of a host
 * function are the runtime's, and valid during that call: stint_ref_copy keeps one. Handles in
 * results, of stint_func_call and of host functions alike, belong to whoever gets them.
 */
typedef struct stint_ref {
    uint32_t handle;
} stint_ref;

typedef struct stint_value {
    enum stint_kind kind;
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        uint8_t v128[16]; /* lane 0 first, each little-endian */
        stint_func *func; /* NULL: null */
        stint_ref ref;
    } of;
} stint_value;

/* Stable. */
static inline stint_value stint_i32(int32_t value)
{
    stint_value v;
    v.kind = STINT_KIND_I32;
    v.of.i32 = value;
    return v;
}
static inline stint_value stint_i64(int64_t value)
{
    stint_value v;
    v.kind = STINT_KIND_I64;
    v.of.i64 = value;
    return v;
}
static inline stint_value stint_f32(float value)
{
    stint_value v;
    v.kind = STINT_KIND_F32;
    v.of.f32 = value;
    return v;
}
static inline stint_value stint_f64(double value)
{
    stint_value v;
    v.kind = STINT_KIND_F64;
    v.of.f64 = value;
    return v;
}
static inline stint_value stint_funcref(stint_func *func)
{
    stint_value v;
    v.kind = STINT_KIND_FUNC;
    v.of.func = func;
    return v;
}
static inline stint_value stint_externref(stint_ref ref)
{
    stint_value v;
    v.kind = STINT_KIND_EXTERN;
    v.of.ref = ref;
    return v;
}

/* ---- Store ------------------------------------------------------------------------------- */

struct stint_store_limits {
    uint64_t memory_bytes_max;   /* of each linear memory */
    uint64_t table_elements_max; /* of each table */
    uint64_t gc_heap_bytes_max;
    uint32_t stack_bytes_max; /* of the guest's values and calls */
    uint32_t call_depth_max;
    size_t budget_bytes; /* of everything in the store, memories included */
    uint64_t reserved[8];
};

/* Fills in the defaults. Stable. */
STINT_API void stint_store_limits_init(struct stint_store_limits *ret_limits);

/* A store; `limits` NULL: the defaults. Stable. */
STINT_API STINT_CHECK enum stint_status stint_store_new(stint_engine *engine,
                                                        const struct stint_store_limits *limits,
                                                        stint_store **ret_store,
                                                        struct stint_error *error);
/* Frees the store and everything in it; not while a call in it runs. Accepts NULL. Stable. */
STINT_API void stint_store_free(stint_store *store);
/* A pointer of yours. Stable. */
STINT_API void stint_store_set_user(stint_store *store, void *user);
STINT_API void *stint_store_user(const stint_store *store);

/*
 * Metering; the engine must have it on (stint_config_set_metering).
 *
 * Fuel is charged for every instruction; the same program with the same input always uses the same
 * amount. Without any left a call ends with STINT_FUEL. UINT64_MAX: no limit. Stable.
 */
STINT_API void stint_store_set_fuel(stint_store *store, uint64_t fuel);
/* Since the store was made. Stable. */
STINT_API uint64_t stint_store_fuel_used(const stint_store *store);
/* From now on; a call that runs longer ends with STINT_TIMEOUT. 0: no limit. Stable. */
STINT_API void stint_store_set_timeout_ns(stint_store *store, uint64_t timeout_ns);
/* Ends the running call, or else the next one, with STINT_INTERRUPTED. From any thread, and from
 * signal handlers. Stable. */
STINT_API void stint_store_interrupt(stint_store *store);

struct stint_stats {
    uint64_t fuel_used;
    uint64_t calls;         /* from the host */
    uint64_t memory_bytes;  /* linear memories, now */
    uint64_t gc_live_bytes; /* after the last collection */
    uint64_t gc_collections;
    uint64_t store_bytes; /* allocated for the store, now */
    uint64_t store_peak_bytes;
    uint64_t reserved[8];
};

/* Stable. */
STINT_API void stint_store_stats(const stint_store *store, struct stint_stats *ret_stats);

/* ---- Functions --------------------------------------------------------------------------- */

/*
 * A function of the host. `args` has one value a parameter, `ret_results` one a result, of the
 * right kind and zero. Anything but STINT_OK ends the guest's call with that status: use
 * stint_call_trap and its like to say why.
 *
 * Host functions return before the guest goes on. Ones that suspend the guest and are resumed later
 * will be defined by functions of their own, with a callback type of their own; this one stays.
 */
typedef enum stint_status (*stint_host_fn)(stint_call *call, void *env, const stint_value *args,
                                           stint_value *ret_results);

/* What a stint_word_fn gives: STINT_OK and the result, or why the guest's call ends. */
struct stint_word {
    uint64_t word;
    enum stint_status status;
};

/*
 * A host function that is spared the conversion, for at most four parameters and one result, all of
 * them numbers and none a v128. Each is a 64-bit word: i32 and f32 in its low half (the upper half of
 * an argument means nothing, that of a result need not be set), f64 by its bits. Words beyond the
 * parameters mean nothing, nor does the result's where there is none. All else is as for
 * stint_host_fn. Experimental.
 */
typedef struct stint_word (*stint_word_fn)(stint_call *call, void *env, uint64_t a, uint64_t b,
                                           uint64_t c, uint64_t d);

/* During a host function: where the call came from; the instance is NULL when the host called its
 * function itself. Stable. */
STINT_API stint_store *stint_call_store(stint_call *call);
STINT_API stint_instance *stint_call_instance(stint_call *call);
/* The caller's memory 0, or NULL: what a pointer among the arguments refers to. Stable. */
STINT_API stint_memory *stint_call_memory(stint_call *call);
/* Say why a host function fails, and give the status to return. Stable. */
STINT_API enum stint_status stint_call_trap(stint_call *call, const char *message);
STINT_API enum stint_status stint_call_exit(stint_call *call, uint32_t exit_code);
/* Throws an exception (an exnref) into the guest. Experimental. */
STINT_API enum stint_status stint_call_throw(stint_call *call, stint_ref exception);

/* A host function of one store; `env_free` (may be NULL) gets `env` when the store goes. On failure
 * it is not called. Stable. */
STINT_API STINT_CHECK enum stint_status stint_func_new(
    stint_store *store, const struct stint_func_type *type, stint_host_fn fn, void *env,
    void (*env_free)(void *env), stint_func **ret_func, struct stint_error *error);
/* Its type, which lives as long as the engine. Stable. */
STINT_API struct stint_func_type stint_func_type_of(stint_func *func);

/*
 * Calls a function. The counts must be those of its type, and arguments of its kinds
 * (STINT_ARGUMENT otherwise). Results are written on success only; release the references among
 * them. May be used in host functions too. Stable.
 */
STINT_API STINT_CHECK enum stint_status stint_func_call(stint_store *store, stint_func *func,
                                                        const stint_value *args, size_t arg_count,
                                                        stint_value *ret_results,
                                                        size_t result_count,
                                                        struct stint_error *error);
/*
 * The same without conversion, for numbers only: one 64-bit word each (i32 and f32 in the low half,
 * v128 two words), arguments in and results out, so there must be room for the more of both.
 * Nothing is checked. Experimental.
 */
STINT_API STINT_CHECK enum stint_status stint_func_call_unchecked(stint_store *store,
                                                                  stint_func *func, uint64_t *words,
                                                                  struct stint_error *error);

struct stint_frame {
    stint_instance *instance;
    uint32_t func_index;
    uint32_t offset_bytes; /* of the instruction in the module's binary */
};

/* The frames of the last trap in the store, innermost first: returns how many there were and writes
 * at most `limit`. Valid until the next call. Stable. */
STINT_API size_t stint_store_backtrace(stint_store *store, struct stint_frame *ret_frames,
                                       size_t limit);
/* The same as text, a line a frame, cut off at `text_bytes` with the NUL; returns how long it is
 * uncut. With `with_lines`, source lines where the module has DWARF. Experimental. */
STINT_API size_t stint_store_format_backtrace(stint_store *store, bool with_lines, char *text,
                                              size_t text_bytes);

/* ---- Memories, tables, globals, tags ----------------------------------------------------- */

/* A memory of the host. `limits` in pages. Stable. */
STINT_API STINT_CHECK enum stint_status stint_memory_new(stint_store *store,
                                                         const struct stint_limits *limits,
                                                         stint_memory **ret_memory,
                                                         struct stint_error *error);
/* Its bytes. The address never changes, the size does. Stable. */
STINT_API uint8_t *stint_memory_data(stint_memory *memory);
STINT_API uint64_t stint_memory_bytes(const stint_memory *memory);
/* Copies out of and into a memory; false when not all of it lies inside. Stable. */
STINT_API STINT_CHECK bool stint_memory_read(const stint_memory *memory, uint64_t at,
                                             void *ret_bytes, size_t bytes);
STINT_API STINT_CHECK bool stint_memory_write(stint_memory *memory, uint64_t at, const void *bytes,
                                              size_t size_bytes);
/* Adds pages; the old size in pages goes to `ret_pages` (may be NULL). Stable. */
STINT_API STINT_CHECK enum stint_status stint_memory_grow(stint_memory *memory, uint64_t pages,
                                                          uint64_t *ret_pages);
/* Its limits as declared. Stable. */
STINT_API struct stint_limits stint_memory_type(const stint_memory *memory);

/* A table of the host, filled with `init`. Stable. */
STINT_API STINT_CHECK enum stint_status stint_table_new(stint_store *store,
                                                        const struct stint_table_type *type,
                                                        const stint_value *init,
                                                        stint_table **ret_table,
                                                        struct stint_error *error);
/* In elements. Stable. */
STINT_API uint64_t stint_table_count(const stint_table *table);
/* STINT_TRAP with STINT_TRAP_TABLE_BOUNDS past the end. Stable. */
STINT_API STINT_CHECK enum stint_status stint_table_get(stint_table *table, uint64_t at,
                                                        stint_value *ret_value,
                                                        struct stint_error *error);
STINT_API STINT_CHECK enum stint_status stint_table_set(stint_table *table, uint64_t at,
                                                        const stint_value *value,
                                                        struct stint_error *error);
STINT_API STINT_CHECK enum stint_status stint_table_grow(stint_table *table, uint64_t count,
                                                         const stint_value *init,
                                                         struct stint_error *error);
STINT_API struct stint_table_type stint_table_type_of(const stint_table *table);

/* A global of the host. Stable. */
STINT_API STINT_CHECK enum stint_status stint_global_new(stint_store *store,
                                                         const struct stint_global_type *type,
                                                         const stint_value *value,
                                                         stint_global **ret_global,
                                                         struct stint_error *error);
STINT_API STINT_CHECK enum stint_status stint_global_get(stint_global *global,
                                                         stint_value *ret_value,
                                                         struct stint_error *error);
/* STINT_ARGUMENT where it is constant. Stable. */
STINT_API STINT_CHECK enum stint_status stint_global_set(stint_global *global,
                                                         const stint_value *value,
                                                         struct stint_error *error);
STINT_API struct stint_global_type stint_global_type_of(const stint_global *global);

/* A tag for exceptions; the parameters of `type` are the payload. Experimental. */
STINT_API STINT_CHECK enum stint_status stint_tag_new(stint_store *store,
                                                      const struct stint_func_type *type,
                                                      stint_tag **ret_tag,
                                                      struct stint_error *error);
STINT_API struct stint_func_type stint_tag_type(const stint_tag *tag);

/* ---- References -------------------------------------------------------------------------- */

enum stint_ref_kind {
    STINT_REF_NULL,
    STINT_REF_I31,
    STINT_REF_STRUCT,
    STINT_REF_ARRAY,
    STINT_REF_HOST, /* made by stint_ref_from_pointer */
    STINT_REF_EXN
};

/* Wraps a pointer as an externref, which also is an anyref. `finalizer` (may be NULL) gets the
 * pointer once nothing refers to it, and at the latest when the store goes. Stable. */
STINT_API STINT_CHECK enum stint_status stint_ref_from_pointer(stint_store *store, void *pointer,
                                                               void (*finalizer)(void *pointer),
                                                               stint_ref *ret_ref,
                                                               struct stint_error *error);
/* The pointer again; false when the reference is none of these. Stable. */
STINT_API bool stint_ref_pointer(const stint_store *store, stint_ref ref, void **ret_pointer);
/* A 31-bit integer as a reference; the upper bit is cut off. Stable. */
STINT_API STINT_CHECK enum stint_status stint_ref_from_i31(stint_store *store, int32_t value,
                                                           stint_ref *ret_ref,
                                                           struct stint_error *error);
STINT_API bool stint_ref_i31(const stint_store *store, stint_ref ref, int32_t *ret_value);
STINT_API enum stint_ref_kind stint_ref_kind_of(const stint_store *store, stint_ref ref);
/* A second handle on the same object. Stable. */
STINT_API STINT_CHECK enum stint_status stint_ref_copy(stint_store *store, stint_ref ref,
                                                       stint_ref *ret_ref,
                                                       struct stint_error *error);
/* Gives a handle back. Accepts null. Stable. */
STINT_API void stint_ref_release(stint_store *store, stint_ref ref);
/* Whether both refer to the same object, as ref.eq does. Stable. */
STINT_API bool stint_ref_equal(const stint_store *store, stint_ref a, stint_ref b);
/* Collects garbage now. Experimental. */
STINT_API void stint_store_collect(stint_store *store);

/* An exception with its payload, one value a parameter of the tag. Experimental. */
STINT_API STINT_CHECK enum stint_status stint_exception_new(stint_store *store, stint_tag *tag,
                                                            const stint_value *payload,
                                                            size_t count, stint_ref *ret_exception,
                                                            struct stint_error *error);
/* The exception with which the last call ended in STINT_EXCEPTION; null when there is none, and
 * when it was taken already. Release it. Experimental. */
STINT_API stint_ref stint_store_take_exception(stint_store *store);
/* Of an exception; NULL and STINT_ARGUMENT for anything else. Experimental. */
STINT_API stint_tag *stint_exception_tag(const stint_store *store, stint_ref exception);
STINT_API STINT_CHECK enum stint_status stint_exception_payload(stint_store *store,
                                                                stint_ref exception,
                                                                stint_value *ret_payload,
                                                                size_t count,
                                                                struct stint_error *error);

/* ---- Linking and instances --------------------------------------------------------------- */

struct stint_extern {
    enum stint_extern_kind kind;
    union {
        stint_func *func;
        stint_table *table;
        stint_memory *memory;
        stint_global *global;
        stint_tag *tag;
    } of;
};

/* A linker without definitions. Fill it first, then use it from any thread. Stable. */
STINT_API STINT_CHECK enum stint_status stint_linker_new(stint_engine *engine,
                                                         stint_linker **ret_linker,
                                                         struct stint_error *error);
/* What was instantiated through it lives on. Accepts NULL. Stable. */
STINT_API void stint_linker_free(stint_linker *linker);

/*
 * Defines a host function `module`.`name` for all stores. A definition replaces an older one of the
 * same name. `env_free` (may be NULL) gets `env` when the linker and all stores that use the
 * function are gone; on failure it is not called. Stable.
 */
STINT_API STINT_CHECK enum stint_status stint_linker_define_func(
    stint_linker *linker, const char *module, const char *name, const struct stint_func_type *type,
    stint_host_fn fn, void *env, void (*env_free)(void *env), struct stint_error *error);
/* The same for a function that takes words; STINT_ARGUMENT where the type does not allow it.
 * Experimental. */
STINT_API STINT_CHECK enum stint_status stint_linker_define_word_func(
    stint_linker *linker, const char *module, const char *name, const struct stint_func_type *type,
    stint_word_fn fn, void *env, void (*env_free)(void *env), struct stint_error *error);
/* Defines something that is in a store; for instantiation in that store only. Stable. */
STINT_API STINT_CHECK enum stint_status stint_linker_define(stint_linker *linker,
                                                            stint_store *store, const char *module,
                                                            const char *name,
                                                            const struct stint_extern *what,
                                                            struct stint_error *error);
/* Defines all exports of an instance. Stable. */
STINT_API STINT_CHECK enum stint_status stint_linker_define_instance(stint_linker *linker,
                                                                     const char *module,
                                                                     stint_instance *instance,
                                                                     struct stint_error *error);
/* Offers WASI preview 1, also under its old name; stores get their own with
 * stint_store_set_wasi. Stable. */
STINT_API void stint_linker_define_wasi(stint_linker *linker);

/* Whether the linker has something under the name of this import of the module. Stable. */
STINT_API bool stint_linker_knows(const stint_linker *linker, const stint_module *module,
                                  size_t import_index);

/*
 * Instantiates a module with what the linker has and runs its start function, not _start.
 * STINT_UNLINKABLE names the imports that are missing or do not match. Stable.
 */
STINT_API STINT_CHECK enum stint_status stint_linker_instantiate(stint_linker *linker,
                                                                 stint_store *store,
                                                                 stint_module *module,
                                                                 stint_instance **ret_instance,
                                                                 struct stint_error *error);
/* The same with one definition an import, in order. Stable. */
STINT_API STINT_CHECK enum stint_status stint_instance_new(stint_store *store, stint_module *module,
                                                           const struct stint_extern *imports,
                                                           size_t import_count,
                                                           stint_instance **ret_instance,
                                                           struct stint_error *error);

STINT_API stint_module *stint_instance_module(stint_instance *instance);
/* An export by name; false when there is none. Stable. */
STINT_API bool stint_instance_export(stint_instance *instance, const char *name,
                                     struct stint_extern *ret_extern);
/* An export by its place among the module's exports. Stable. */
STINT_API void stint_instance_export_at(stint_instance *instance, size_t index,
                                        struct stint_extern *ret_extern);
/* An export of this kind by name, or NULL. Stable. */
STINT_API stint_func *stint_instance_func(stint_instance *instance, const char *name);
STINT_API stint_memory *stint_instance_memory(stint_instance *instance, const char *name);

/* ---- WASI preview 1 ---------------------------------------------------------------------- */

/* What a guest may use: nothing at first, stdin, stdout and stderr included. NULL when memory is
 * out. Stable. */
STINT_API stint_wasi_config *stint_wasi_config_new(void);
/* Accepts NULL. Stable. */
STINT_API void stint_wasi_config_free(stint_wasi_config *config);
/* The strings are copied. Stable. */
STINT_API STINT_CHECK enum stint_status stint_wasi_config_add_arg(stint_wasi_config *config,
                                                                  const char *arg);
STINT_API STINT_CHECK enum stint_status stint_wasi_config_add_env(stint_wasi_config *config,
                                                                  const char *name,
                                                                  const char *value);
/* Opens the directory `host_path` to the guest as `guest_path`. Stable. */
STINT_API STINT_CHECK enum stint_status stint_wasi_config_add_dir(stint_wasi_config *config,
                                                                  const char *host_path,
                                                                  const char *guest_path,
                                                                  bool read_only);
/* File descriptors of ours for the guest's 0, 1 and 2; -1: none. They stay ours. Stable. */
STINT_API void stint_wasi_config_set_stdio(stint_wasi_config *config, int stdin_fd, int stdout_fd,
                                           int stderr_fd);
/* Gives a store its WASI, before it instantiates; the configuration can be used again.
 * STINT_IO names the directory that cannot be opened. Stable. */
STINT_API STINT_CHECK enum stint_status stint_store_set_wasi(stint_store *store,
                                                             const stint_wasi_config *config,
                                                             struct stint_error *error);
/*
 * Runs a WASI command: calls _start. STINT_OK and 0 when it returns, STINT_OK and the code when it
 * exits; other statuses as stint_func_call. Stable.
 */
STINT_API STINT_CHECK enum stint_status stint_instance_run(stint_instance *instance,
                                                           uint32_t *ret_exit_code,
                                                           struct stint_error *error);

/* ---- Pools ------------------------------------------------------------------------------- */

/*
 * Warm instances of one module, for hosts that run many short guests: taking one, calling it and
 * giving it back takes microseconds. Each has a store of its own; when it is given back, the store
 * becomes again what it was right after instantiation, without a trace of what the guest did. Start
 * functions run at every take. All of this is experimental.
 */
struct stint_pool_options {
    const stint_linker *linker;              /* NULL: the module imports nothing */
    const stint_wasi_config *wasi;           /* of each instance, or NULL */
    const struct stint_store_limits *limits; /* of each store; NULL: the defaults */
    /* Called after each use: resets what your host functions keep for the store. Anything but
     * STINT_OK ends this instance instead of using it again. May be NULL. */
    enum stint_status (*reset)(void *env, stint_store *store);
    void *env;
    uint64_t start_fuel;       /* what start functions may use; UINT64_MAX, the default: no limit */
    uint64_t start_timeout_ns; /* 0, the default: no limit */
    uint32_t slots_max;        /* instances at a time; 0: what memory and addresses allow */
    uint32_t slots_warm;       /* made at once, at least 1 */
    size_t keep_bytes;         /* written pages of each memory that stay in memory between uses */
    bool skip_initialize;      /* leave calling the export `_initialize` to you */
    bool without_scan;         /* as on Linux before 6.7; for measurements */
    uint64_t reserved[8];
};

STINT_API void stint_pool_options_init(struct stint_pool_options *ret_options);
/* A pool with its first instances. The module is kept; linker and WASI configuration have to stay as
 * they are, and outlive the pool. `options` NULL: the defaults. Experimental. */
STINT_API STINT_CHECK enum stint_status stint_pool_new(stint_module *module,
                                                       const struct stint_pool_options *options,
                                                       stint_pool **ret_pool,
                                                       struct stint_error *error);
/* When all instances are back. Accepts NULL. Experimental. */
STINT_API void stint_pool_free(stint_pool *pool);
/*
 * From any thread: an instance whose start function has run, and `_initialize`, and its store, both
 * of this thread until they are given back. STINT_LIMIT when all are taken; else what
 * instantiation or the start function ended with. Experimental.
 */
STINT_API STINT_CHECK enum stint_status stint_pool_take(stint_pool *pool, stint_store **ret_store,
                                                        stint_instance **ret_instance,
                                                        struct stint_error *error);
/* No handle, function or memory of the store may be used afterwards, nor the store interrupted.
 * Experimental. */
STINT_API void stint_pool_give(stint_pool *pool, stint_instance *instance);
/* Ends idle instances until at most `keep` are left. Experimental. */
STINT_API void stint_pool_trim(stint_pool *pool, uint32_t keep);

struct stint_pool_stats {
    uint32_t slots_max;
    uint32_t slots; /* there are now, taken or idle */
    uint32_t idle;
    bool scans; /* the kernel tells which pages were written (PAGEMAP_SCAN) */
    uint64_t takes;
    uint64_t failures;     /* instances that could not be reset, and were ended */
    uint64_t copied_bytes; /* by resets */
    uint64_t dropped;      /* times that resets gave pages back to the system */
    uint64_t reserved[8];
};
STINT_API void stint_pool_stats(stint_pool *pool, struct stint_pool_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
