/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a component. The graph of instances behind a root component is known before anything runs,
 * so a component is flattened once into a plan, a linear list of steps over core modules (instantiate
 * this module with these; make this trampoline; remember this export), with every resource type and
 * every (function type, options) pair compiled to a small lift/lower program. Instantiating a plan in
 * a store is then one pass over the list. A plan is immutable and may be shared by threads.
 *
 *     status = plan_create(file, &plan, &error);
 *     status = component_instantiate(store, plan, resolvers, count, &instance, &error);
 *     export = component_find(instance, "wasi:cli/run@0.2.0", "run");
 *     status = component_call(instance, export, args, results, &error);
 *
 * Imports of the root are met by resolvers, the first that knows a name (component/host.h), and by other
 * components (plan_compose).
 */
#ifndef COMPONENT_PLAN_H
#define COMPONENT_PLAN_H

#include "component/cvalue.h"
#include "component/host.h"

struct plan;
struct buf;
struct component_instance; /* the root's, with those of all nested components */

MUST_CHECK enum stint_status plan_create(struct component_file *file, struct plan **ret_plan,
                                         struct stint_error *error);

/* Another component, whose exports meet imports of the first: those called `name`, in any compatible
 * version, or (`name` NULL) all that it exports. */
struct plan_with {
    const char *name; /* outlives plan_compose */
    struct component_file *file;
};
/* The same for several components as one: `with` are instantiated where the first, or one behind them in
 * the list, imports what they export; what none of them exports is the host's. */
MUST_CHECK enum stint_status plan_compose(struct component_file *file, const struct plan_with *with,
                                          uint32_t with_count, struct plan **ret_plan,
                                          struct stint_error *error);
struct plan *plan_retain(struct plan *plan);
void plan_release(struct plan *plan); /* accepts NULL */

/* Everything that the root imports, by number; NULL after the last. `name` is the whole import name. */
struct plan_import {
    struct wasm_name interface, name; /* interface.text NULL: imported on its own */
    uint8_t sort;                     /* SORT_FUNC, or SORT_TYPE for a resource */
    const struct ctype_func *func;
};
const struct plan_import *plan_imports(const struct plan *plan, uint32_t *ret_count);

/* An exported function, the root's own or of an exported instance. */
struct plan_export {
    struct wasm_name interface, name; /* interface.text NULL: the root's own */
    const struct ctype_func *func;
    uint32_t number;
};
const struct plan_export *plan_exports(const struct plan *plan, uint32_t *ret_count);
/* By name; versions match as semver says: "wasi:cli/run@0.2.0" finds "wasi:cli/run@0.2.6". */
const struct plan_export *plan_find(const struct plan *plan, const char *interface,
                                    const char *name);

/* STINT_UNLINKABLE lists every import that is missing, with near misses in version or name. */
MUST_CHECK enum stint_status component_instantiate(struct stint_store *store, struct plan *plan,
                                                   const struct host_resolver *resolvers,
                                                   uint32_t resolver_count,
                                                   struct component_instance **ret_instance,
                                                   struct stint_error *error);
/* Every import that no resolver meets, a line each: "wasi:http/types@0.3.0: fields (nearest: …)". */
MUST_CHECK enum stint_status plan_missing(const struct plan *plan,
                                          const struct host_resolver *resolvers,
                                          uint32_t resolver_count, struct buf *lines);
/* Not before the last call; drops what handles are left. The store's core instances stay with it. */
void component_instance_free(struct component_instance *instance);

/* What it is an instance of. */
const struct plan *component_instance_plan(const struct component_instance *instance);

/*
 * Calls an export with values (component/cvalue.h), the result into `arena`. After a trap the
 * instance is not to be entered again: STINT_TRAP "cannot enter component instance".
 */
MUST_CHECK enum stint_status component_call(struct component_instance *instance,
                                            const struct plan_export *export,
                                            const struct cvalue *args, struct arena *arena,
                                            struct cvalue *ret_result, struct stint_error *error);
/* Drops what the host was given as `own` (cvalue.handle): runs the destructor. */
MUST_CHECK enum stint_status component_drop(struct component_instance *instance,
                                            const struct resource_type *type, uint32_t rep,
                                            struct stint_error *error);
/* The same without values: `slots` are flat as the lifted core function takes them, in the guest's own
 * memory; for hosts that lower themselves. `post_return` runs after `use` has read the results. */
MUST_CHECK enum stint_status component_call_flat(
    struct component_instance *instance, const struct plan_export *export, uint64_t *slots,
    enum stint_status (*use)(void *env, const struct host_guest *guest, const uint64_t *slots),
    void *env, struct stint_error *error);
/* What the guest offers to a host that lowers itself: memory and realloc of this export. */
void component_guest(struct component_instance *instance, const struct plan_export *export,
                     struct host_guest *ret_guest);

#endif
