/* SPDX-License-Identifier: Apache-2.0 */
/* A running component. Private to src/component. */
#ifndef COMPONENT_COMPONENT_INSTANCE_INT_H
#define COMPONENT_COMPONENT_INSTANCE_INT_H

#include "component/part.h"
#include "component/plan_int.h"

/* What `canon lift` made. */
struct lifted {
    struct host_guest guest; /* the callee's side */
    struct func *core;
    struct func *post_return; /* or NULL */
    const struct plan_lift *plan;
};

/* The environment of a core function that a canonical definition made. */
struct trampoline {
    struct host_guest guest;    /* the caller's side */
    host_component_fn function; /* the host's, and its environment */
    void *env;
    struct lifted *callee; /* fused */
    const struct plan_trampoline *plan;
    struct component_instance *instance;
};

struct component_instance {
    struct stint_store *store;
    struct plan *plan;
    struct arena arena; /* everything below */
    struct component_part *parts;
    struct resource_type *own_resources;    /* by number; those that are defined */
    const struct resource_type **resources; /* by number */
    struct host_item *imports;
    struct stint_instance **cores;
    struct lifted *lifted;
    struct trampoline *trampolines;
    struct func **functions; /* of the trampolines */
};

/* The part of this number; NULL for PLAN_NONE. */
static inline struct component_part *instance_part(const struct component_instance *instance,
                                                   uint32_t part)
{
    return part == PLAN_NONE ? NULL : &instance->parts[part];
}

/*
 * component_instance.c: instances that are kept (component_pool.c). Makes one by the first `steps` of the
 * plan's steps, without running start functions; component_start runs those of `starts`, which are numbers
 * of core instances, and then the steps that are left. Traps and exits leave an instance that is only to
 * be reset or freed.
 */
MUST_CHECK enum stint_status component_prepare(struct stint_store *store, struct plan *plan,
                                               const struct host_resolver *resolvers,
                                               uint32_t resolver_count, size_t steps,
                                               struct component_instance **ret_instance,
                                               struct stint_error *error);
MUST_CHECK enum stint_status component_start(struct component_instance *instance,
                                             const uint32_t *starts, size_t start_count,
                                             size_t steps, struct stint_error *error);
/* What is not in the store as component_prepare left it; drops what handles are left. */
void component_reset(struct component_instance *instance);

/*
 * component_handles.c: the handles of an instance between calls, kept so that another instance of the plan
 * can have them under the same numbers: those of the guests' resources as they are, the host's as it says
 * (component_pool.h: `keep`, `reopen`).
 */
struct component_handles;
struct component_handles_host {
    void *env, *slot_env;
    enum stint_status (*keep)(void *env, void *slot_env, const struct resource_type *type,
                              uint32_t rep, uint32_t *ret_word, struct stint_error *error);
    enum stint_status (*reopen)(void *env, void *slot_env, const struct resource_type *type,
                                uint32_t word, uint32_t *ret_rep, struct stint_error *error);
};
MUST_CHECK enum stint_status component_handles_take(const struct component_instance *instance,
                                                    const struct component_handles_host *host,
                                                    struct arena *arena,
                                                    struct component_handles **ret_handles,
                                                    struct stint_error *error);
/* Into an instance that has none. */
MUST_CHECK enum stint_status component_handles_put(struct component_instance *instance,
                                                   const struct component_handles *handles,
                                                   const struct component_handles_host *host,
                                                   struct stint_error *error);

/* component_import.c: finds what the host offers. STINT_UNLINKABLE names what is missing. */
MUST_CHECK enum stint_status component_link(const struct plan *plan,
                                            const struct host_resolver *resolvers,
                                            uint32_t resolver_count, struct host_item *ret_items,
                                            struct stint_error *error);

/* component_trampoline.c: the function behind a trampoline of this kind. */
host_fn trampoline_function(enum trampoline_kind kind);
/* Runs a destructor for `caller` (NULL: the host), which may not own the resource's maker. */
MUST_CHECK enum stint_status trampoline_destroy(struct stint_store *store,
                                                const struct resource_type *type, uint32_t rep,
                                                struct component_part *caller,
                                                struct stint_error *error);
/* Calls what runs at the end of a call, with the core function's results. */
MUST_CHECK enum stint_status lifted_post_return(const struct lifted *lifted,
                                                const uint64_t *results, struct stint_error *error);

#endif
