/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files p2*.c: objects behind handles, and writing results to guest memory.
 *
 * A function of p2.def gets its flat parameters in 64-bit slots (upper halves of i32 are unspecified:
 * p2_u32). Pointers and handles that are wrong trap; what the WIT has as an error is written as one.
 * Structures in guest memory are laid out as CanonicalABI.md says; tests/system/p2_signatures.py
 * --layout prints the offsets of a type.
 *
 * An object is counted: its handle holds it, and so does what was made from it and still needs it
 * (a stream its file, a pollable its stream). So handles may be dropped in any order.
 */
#ifndef WASI_P2_INT_H
#define WASI_P2_INT_H

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "runtime/store.h"
#include "wasi/host_file.h"
#include "wasi/p2.h"
#include "wasi/p2_call.h"

/* Which versions have a row: release candidates of 2023-10-18 and 2023-11-10, releases. */
enum p2_versions {
    P2_OCT = 1,
    P2_NOV = 2,
    P2_REL = 4,
    P2_RC = P2_OCT | P2_NOV,
    P2_NOV_ON = P2_NOV | P2_REL,
    P2_NOT_NOV = P2_OCT | P2_REL,
    P2_ALL = P2_OCT | P2_NOV | P2_REL,
};

enum p2_type {
#define P2_TYPE(id, name, object, end) P2_##id,
#include "wasi/p2_types.def"
#undef P2_TYPE
    P2_TYPE_COUNT
};

struct p2_object {
    uint32_t references;
    uint32_t rep; /* its place in the table */
    uint8_t type; /* enum p2_type */
};

struct p2_object_slot {
    struct p2_object *object; /* NULL: free */
    uint32_t next_free;
};

struct p2_preopen {
    struct host_file file;
    const char *name;
    size_t name_bytes;
};

struct p2_known_address;
struct p2_import; /* of a core module: p2_core.c */

struct wasi_p2 {
    struct alloc *alloc;
    struct arena arena; /* strings */
    struct wasi_strings args, env;
    struct host_pipe *input; /* standard input; NULL: stdio[0] */
    struct p2_preopen *preopens;
    size_t preopen_count;
    int stdio[3];   /* -1: closed, or: */
    struct host_sink *sinks[3];
    bool is_ending; /* p2_release does nothing */
    const struct host_net *net;
    struct wasi_p2_outbound outbound;
    struct wasi_p2_watch watch;
    uint64_t outbound_calls;
    uint32_t outbound_alive;
    struct p2_known_address *known; /* in the arena; NULL: none */
    size_t known_count;
    size_t body_bytes_max;
    struct resource_type types[P2_TYPE_COUNT];
    struct p2_object_slot *objects;
    size_t capacity;
    uint32_t count, in_use, objects_max, free_first; /* 0 is never used */
    uint8_t *scratch;                                /* P2_SCRATCH_BYTES, at need */
    /* Core modules. */
    struct handle_table handles;
    struct stint_store *store;
    struct p2_import *imports;         /* a list in the arena */
    struct stint_instance *realloc_of; /* whose `cabi_realloc` the next one is */
    struct func *realloc;
};

/* The place that is never used: of handles whose resource is gone (p2_keep.c). */
enum { P2_GONE = 0 };
/* What streams move at a time. */
enum { P2_SCRATCH_BYTES = 64 << 10 };
/* Lists of the guest: pollables, header fields, datagrams. */
enum { P2_LIST_MAX = 4096 };

#define P2(interface, name, signature, function, versions)                                         \
    enum stint_status p2_##function(struct host_component_call *call, uint64_t *slots);
#define P2_INTERFACE(id, name)
#define P2_RESOURCE(interface, name, type, versions)
#include "wasi/p2.def"
#undef P2
#undef P2_INTERFACE
#undef P2_RESOURCE

/* ---- Calls ------------------------------------------------------------------------------- */

static inline struct wasi_p2 *p2_of(const struct host_component_call *call)
{
    return call->env;
}

/* Room for P2_SCRATCH_BYTES until the next call, or NULL. */
uint8_t *p2_scratch(struct host_component_call *call);

/* ---- Objects ----------------------------------------------------------------------------- */

/* A zeroed object with one reference, the caller's. Traps when the guest has too many. */
MUST_CHECK enum stint_status p2_new(struct host_component_call *call, enum p2_type type,
                                    void *ret_object);
/* The same outside of a call. */
MUST_CHECK enum stint_status p2_new_object(struct wasi_p2 *wasi, enum p2_type type,
                                           struct p2_object **ret_object,
                                           struct stint_error *error);
void p2_retain(struct p2_object *object);
void p2_release(struct wasi_p2 *wasi, struct p2_object *object); /* accepts NULL */

/* The object behind a handle, lent for the call. */
MUST_CHECK enum stint_status p2_get(struct host_component_call *call, uint64_t handle,
                                    enum p2_type type, void *ret_object);
/* The object behind an owned handle, which is gone then: its reference is the caller's. */
MUST_CHECK enum stint_status p2_take(struct host_component_call *call, uint64_t handle,
                                     enum p2_type type, void *ret_object);
/* A handle for an object; takes over the caller's reference, also on failure. */
MUST_CHECK enum stint_status p2_give(struct host_component_call *call, struct p2_object *object,
                                     uint32_t *ret_handle);
/* p2_new and p2_give for objects without anything in them, and into slots[0]. */
MUST_CHECK enum stint_status p2_return(struct host_component_call *call, struct p2_object *object,
                                       uint64_t *slots);

#endif
