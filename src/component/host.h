/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions for components: they take and give flat core values, as `canon lower` makes them
 * (CanonicalABI.md: flattening), and reach the guest's memory themselves. So the same function serves
 * components and core modules that import `wasi:…` names directly, and a call copies nothing twice.
 */
#ifndef COMPONENT_HOST_H
#define COMPONENT_HOST_H

#include "component/component.h"
#include "component/handle.h"

/* What the caller's side of a call offers, with the options of its `canon lower`. */
struct host_guest {
    struct stint_store *store;
    /* The component instance that calls; NULL: a core module that imports host functions itself. */
    struct component_part *part;
    struct handle_table *handles; /* the caller's */
    struct memory *memory;        /* NULL: the options name none */
    struct func *realloc; /* NULL likewise; (i32 old, i32 old_bytes, i32 align, i32 bytes) -> i32 */
    uint8_t encoding;     /* enum comp_encoding */
};

struct host_component_call {
    const struct host_guest *guest;
    void *env;                 /* of the resolver */
    struct stint_error *error; /* never NULL */
};

/*
 * `slots`: the flat parameters, a pointer for the result last where it does not fit one slot; the flat
 * result goes to slots[0]. Anything but STINT_OK ends the guest's call, as in struct host_call.
 */
typedef enum stint_status (*host_component_fn)(struct host_component_call *call, uint64_t *slots);

/* What a host offers under one name of one interface. */
struct host_item {
    host_component_fn function; /* a function … */
    const char *signature;      /* … of this core type: "iI:i" (i i32, I i64, f f32, F f64) */
    const struct resource_type *resource; /* … or a resource type */
    void *env;
};

/*
 * A host's answer for an import. `interface` is the import's whole name ("wasi:io/streams@0.2.6") or
 * "" for functions that are imported on their own; `name` the function's or resource's
 * ("[method]input-stream.read", "input-stream"). STINT_NOT_FOUND: not this host's.
 */
struct host_resolver {
    enum stint_status (*resolve)(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error);
    void *context;
    /* What comes nearest to a name that was not found, for messages; "" if nothing does. May be NULL. */
    void (*suggest)(void *context, struct wasm_name interface, struct wasm_name name,
                    char *ret_text, size_t size);
};

/* ---- The guest's memory ------------------------------------------------------------------ */

/* `bytes` bytes at `pointer`, which must be a multiple of `align`; NULL after filling call->error with a
 * trap when they are not all inside. Valid until the guest runs again (host_realloc). */
uint8_t *host_at(struct host_component_call *call, uint32_t pointer, uint64_t bytes,
                 uint32_t align);
/* Calls the guest's realloc for `bytes` new bytes; traps on a pointer that is not aligned or inside. */
MUST_CHECK enum stint_status host_realloc(struct host_component_call *call, uint32_t bytes,
                                          uint32_t align, uint32_t *ret_pointer);
/* A string of the guest as UTF-8 in `arena`, NUL-terminated; traps when it is not well-formed. */
MUST_CHECK enum stint_status host_get_string(struct host_component_call *call, struct arena *arena,
                                             uint32_t pointer, uint32_t code_units,
                                             struct wasm_name *ret_string);
/* A UTF-8 string into the guest's memory, in the guest's encoding. */
MUST_CHECK enum stint_status host_put_string(struct host_component_call *call, const char *text,
                                             size_t bytes, uint32_t *ret_pointer,
                                             uint32_t *ret_code_units);

#endif
