/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan consists of. Private to src/component.
 *
 * Everything that a component instantiates is known from its definitions, so each nested component
 * instance, core instance, function and resource type has a number in the plan. Numbers that steps
 * refer to are made by earlier steps.
 */
#ifndef COMPONENT_PLAN_INT_H
#define COMPONENT_PLAN_INT_H

#include "component/canon_code.h"
#include "component/plan.h"

enum { PLAN_NONE = 0xffffffff };

enum core_source { CORE_NONE, CORE_EXPORT, CORE_TRAMPOLINE };

/* A core function, table, memory, global or tag. */
struct core_ref {
    uint8_t source;  /* enum core_source; CORE_NONE: an option that is not given */
    uint8_t kind;    /* enum extern_kind */
    uint32_t number; /* of the core instance, or the trampoline */
    uint32_t index;  /* in that instance's index space of `kind` */
};

struct plan_options {
    uint8_t encoding; /* enum comp_encoding */
    bool is_async;
    struct core_ref memory, realloc, post_return;
};

/* `canon lift`. */
struct plan_lift {
    const struct ctype_func *type;
    struct ctype_flat flat;
    struct core_ref core;
    struct plan_options options;
    const struct ctype *params; /* as one tuple, where they go through memory */
    uint32_t part;              /* whose function it is */
    bool is_made;               /* a step makes it */
};

/* A function of a component, lifted or the host's. */
struct plan_function {
    const struct ctype_func *type;
    bool is_host;
    uint32_t number; /* of the lift, or the import */
};

enum trampoline_kind {
    TRAMPOLINE_HOST,  /* lowers an import */
    TRAMPOLINE_FUSED, /* lowers what another component instance lifts */
    TRAMPOLINE_RESOURCE_NEW,
    TRAMPOLINE_RESOURCE_DROP,
    TRAMPOLINE_RESOURCE_REP,
    TRAMPOLINE_CONTEXT_GET,
    TRAMPOLINE_CONTEXT_SET,
    TRAMPOLINE_BACKPRESSURE_INC,
    TRAMPOLINE_BACKPRESSURE_DEC,
    TRAMPOLINE_UNSUPPORTED,
};

/* A core function that a canonical definition makes. */
struct plan_trampoline {
    uint8_t kind;        /* enum trampoline_kind */
    bool is_recursive;   /* fused: a call within one instance, or between it and one inside */
    uint8_t params_flat; /* fused: slots of the parameters */
    uint32_t part;       /* that calls it */
    uint32_t type_id;    /* of the engine; TYPE_ID_NONE: that of whoever imports it */
    uint32_t number;     /* import, lift, resource or context slot */
    uint32_t common;     /* fused: the innermost part around both, or PLAN_NONE */
    struct plan_options options;
    const struct ctype_func *type; /* of what is lowered */
    struct ctype_flat flat;
    uint32_t params_body, result_body; /* fused: in the plan's code */
    const char *what;                  /* unsupported: for messages */
};

/* Instantiates a core module. */
struct plan_core {
    struct stint_module *module;
    uint32_t part;
    const struct core_ref *imports;
};

struct plan_resource {
    uint32_t import; /* PLAN_NONE: defined by `part` */
    uint32_t part;
    struct core_ref dtor;
};

enum plan_step_kind { STEP_CORE, STEP_TRAMPOLINE, STEP_LIFT, STEP_RESOURCE };

struct plan_step {
    uint8_t kind; /* enum plan_step_kind */
    uint32_t number;
};

/* An array that grows while the plan is made. */
#define PLAN_LIST(type)                                                                            \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, capacity;                                                                    \
    }

struct plan {
    atomic_uint references;
    struct stint_engine *engine;
    struct alloc *alloc;
    struct arena arena;
    struct component_file **files; /* the root first */
    uint32_t file_count;
    PLAN_LIST(uint32_t) parents; /* of each part: a part, or PLAN_NONE */
    PLAN_LIST(struct plan_resource) resources;
    PLAN_LIST(struct plan_core) cores;
    PLAN_LIST(struct plan_lift) lifts;
    PLAN_LIST(struct plan_trampoline) trampolines;
    PLAN_LIST(struct plan_step) steps;
    PLAN_LIST(struct plan_import) imports;
    PLAN_LIST(uint32_t) import_resources; /* of each import: the resource, or PLAN_NONE */
    PLAN_LIST(struct plan_export) exports;
    PLAN_LIST(struct plan_function) export_functions;
    struct canon_code code;
};

/* ---- While a plan is made: plan_env.c, plan_type.c, plan_canon.c ------------------------------- */

enum {
    PLAN_DEFS_MAX = 4000000, /* definitions gone through, in all instances */
    PLAN_PARTS_MAX = 10000,
    PLAN_DEPTH_MAX = 100,        /* of instantiations in instantiations */
    PLAN_SEARCH_MAX = 100000000, /* names compared */
};

struct plan_env;

enum plan_type_kind { PLAN_TYPE_VALUE, PLAN_TYPE_FUNC, PLAN_TYPE_RESOURCE, PLAN_TYPE_OTHER };

struct plan_type {
    uint8_t kind; /* enum plan_type_kind */
    union {
        const struct ctype *value;
        const struct ctype_func *func;
        uint32_t resource;
        struct { /* of components and instances: evaluated where it is needed */
            const struct comp_type *type;
            struct plan_env *env;
        } other;
    };
};

/* A core instance: a module's, or made of items. */
struct plan_core_instance {
    struct stint_module *module; /* NULL: of items */
    uint32_t number;
    uint32_t count;
    const struct comp_arg *names;
    const struct core_ref *items;
};

/* What an index refers to, by the sort of its index space. */
struct plan_item {
    union {
        struct core_ref core;
        struct stint_module *module;
        struct plan_core_instance core_instance;
        struct plan_function function;
        struct plan_type type;
        struct {
            const struct component *component;
            struct plan_env *env; /* where it was defined */
        } component;
        const struct plan_instance *instance;
    };
};

struct plan_named {
    struct wasm_name name;
    uint8_t sort; /* enum comp_sort */
    struct plan_item item;
};

struct plan_instance {
    uint32_t count;
    struct plan_named *items;
};

/* The index spaces of a component instance, or of a type's declarations. */
struct plan_env {
    struct plan_env *outer;
    const struct component_file *file;
    uint32_t part;
    struct plan_item *spaces[SORT_COUNT];
    uint32_t counts[SORT_COUNT], capacities[SORT_COUNT];
    struct plan_instance exports;
    const struct plan_instance *args; /* what imports are met with; NULL: the host */
    struct wasm_name interface;       /* of declarations: the import that they are of */
};

/* A component whose exports meet imports of others. */
struct plan_provider {
    struct component_file *file;
    struct wasm_name name; /* the import that it is for; text NULL: whatever it exports */
    const struct plan_instance *exports; /* NULL: not instantiated yet */
};

struct plan_builder {
    struct plan *plan;
    struct arena work; /* what only making the plan needs */
    struct canon_compiler compiler;
    struct plan_provider *providers;
    uint32_t provider_count, provider_limit; /* those below the limit can be used now */
    uint32_t defs, depth;
    uint64_t searched;
    struct stint_error *error;
};

#define PLAN_ADD(b, list, ...)                                                                     \
    (vec_reserve((b)->plan->alloc, &(b)->plan->list.items, &(b)->plan->list.capacity,              \
                 (b)->plan->list.count + 1, sizeof(*(b)->plan->list.items))                        \
         ? ((b)->plan->list.items[(b)->plan->list.count++] = __VA_ARGS__, STINT_OK)                \
         : plan_no_memory(b))

enum stint_status plan_no_memory(struct plan_builder *b);
/* Where validation should have seen to it. */
enum stint_status plan_broken(struct plan_builder *b);
bool plan_name_equal(struct wasm_name a, struct wasm_name b);
bool plan_name_matches(struct wasm_name wanted, struct wasm_name given);
/* Whether `a` has a later version than `b`. */
bool plan_name_is_later(struct wasm_name a, struct wasm_name b);

/* plan_env.c: goes through the definitions of a component and appends steps. */
MUST_CHECK enum stint_status plan_instantiate(struct plan_builder *b,
                                              const struct component *component,
                                              struct plan_env *outer,
                                              const struct plan_instance *args,
                                              uint32_t parent_part, struct plan_env **ret_env);
struct plan_item *plan_item_at(struct plan_env *env, enum comp_sort sort, uint32_t index);
MUST_CHECK enum stint_status plan_item_add(struct plan_builder *b, struct plan_env *env,
                                           enum comp_sort sort, struct plan_item item);
MUST_CHECK enum stint_status plan_find_item(struct plan_builder *b,
                                            const struct plan_instance *instance,
                                            struct wasm_name name, enum comp_sort sort,
                                            struct plan_item *ret_item);
MUST_CHECK enum stint_status plan_env_make(struct plan_builder *b, const struct comp_defs *defs,
                                           struct plan_env *outer, struct plan_env **ret_env);
MUST_CHECK enum stint_status plan_alias_outer(struct plan_builder *b, struct plan_env *env,
                                              const struct comp_def *def);
MUST_CHECK enum stint_status plan_alias_export(struct plan_builder *b, struct plan_env *env,
                                               const struct comp_def *def);

/* plan_type.c */
MUST_CHECK enum stint_status plan_type_define(struct plan_builder *b, struct plan_env *env,
                                              const struct comp_type *type);
/* An import of the root, as what the host offers. */
MUST_CHECK enum stint_status plan_import_make(struct plan_builder *b, struct plan_env *env,
                                              const struct comp_def *def,
                                              struct plan_item *ret_item);

/* plan_canon.c */
MUST_CHECK enum stint_status plan_canon_define(struct plan_builder *b, struct plan_env *env,
                                               const struct comp_canon *canon);
MUST_CHECK enum stint_status plan_lift_use(struct plan_builder *b, uint32_t lift);

#endif
