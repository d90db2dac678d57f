/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handles of one component instance, and of one core module that calls WASI 0.2 directly: small
 * numbers from 1 on for resources (CanonicalABI.md: Table, ResourceHandle, Resource State).
 *
 * A handle stands for a representation (`rep`, 32 bits, the resource's maker's own) of a resource
 * type, owned or borrowed. A borrow belongs to a call and is to be dropped before that call ends; an
 * owned handle that is lent cannot be dropped or given away meanwhile.
 */
#ifndef COMPONENT_HANDLE_H
#define COMPONENT_HANDLE_H

#include "base/alloc.h"
#include "base/status.h"

struct component_part;

/* One resource type at run time. Identity is the address. */
struct resource_type {
    const char *name; /* for messages: "input-stream" */
    /* The component instance that defined it, which takes borrows of it as bare representations; NULL:
     * the host. */
    const struct component_part *owner;
    /* The host's destructor, or NULL; guests' destructors are the owner's (component/plan.h). */
    enum stint_status (*drop)(void *env, uint32_t rep, struct stint_error *error);
    void *env;
    struct func *dtor; /* the guest's destructor, (i32) -> (), or NULL */
};

/* What a call has borrowed; on the caller's stack. */
struct handle_scope {
    uint32_t borrows; /* borrowed handles that were given to it and not dropped yet */
};

struct handle {
    const struct resource_type *type; /* NULL: free */
    uint32_t rep;
    uint32_t lent;              /* an owned one: borrows of it in flight */
    struct handle_scope *scope; /* NULL: owned */
};

struct handle_table {
    struct alloc *alloc;
    struct handle *items; /* 0 is never used */
    uint32_t count, capacity;
    uint32_t free_first; /* of the list of free ones, through `rep`; 0: none */
};

/* CanonicalABI.md: Table.MAX_LENGTH. */
enum { HANDLES_MAX = (1 << 28) - 1 };

void handles_init(struct handle_table *table, struct alloc *alloc);
/* Runs no destructors: see handles_next. */
void handles_free(struct handle_table *table);
/* The same for a table that is used again, which keeps its array unless that is large. */
void handles_clear(struct handle_table *table);
/* Makes an empty table one of `count` places, all unused, for who fills it itself. False when memory is
 * out. */
MUST_CHECK bool handles_resize(struct handle_table *table, uint32_t count);

/*
 * All below trap (STINT_TRAP with `error` filled) for an index that is not in use ("unknown handle
 * index 7") or is of another type ("handle index 7 used with the wrong type …").
 */

/* A new handle; owned when `scope` is NULL. */
MUST_CHECK enum stint_status handle_add(struct handle_table *table,
                                        const struct resource_type *type, uint32_t rep,
                                        struct handle_scope *scope, uint32_t *ret_index,
                                        struct stint_error *error);
/* Looks one up, owned or borrowed. Valid until a handle is added. */
MUST_CHECK enum stint_status handle_get(struct handle_table *table,
                                        const struct resource_type *type, uint32_t index,
                                        struct handle **ret_handle, struct stint_error *error);
/* Takes an owned one out, to be given away (lift_own); traps when it is borrowed or lent. */
MUST_CHECK enum stint_status handle_take(struct handle_table *table,
                                         const struct resource_type *type, uint32_t index,
                                         uint32_t *ret_rep, struct stint_error *error);
/* Takes out an owned or borrowed one (resource.drop); `ret_was_owned` tells whether the destructor is
 * to run on `ret_rep`. Traps when it is lent. */
MUST_CHECK enum stint_status handle_drop(struct handle_table *table,
                                         const struct resource_type *type, uint32_t index,
                                         uint32_t *ret_rep, bool *ret_was_owned,
                                         struct stint_error *error);
/* Iterates over what is in use: the next index above `index`, or 0. */
uint32_t handles_next(const struct handle_table *table, uint32_t index);

#endif
