/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what WASI 0.2 has, for its two users: components and core modules. */
#ifndef WASI_P2_CORE_H
#define WASI_P2_CORE_H

#include "wasi/p2_int.h"

struct p2_row {
    const char *name;
    const char *signature;
    host_component_fn function;
    uint8_t interface;
    uint8_t versions; /* enum p2_versions */
};

struct p2_resource_row {
    const char *name;
    uint8_t interface;
    uint8_t type; /* enum p2_type */
    uint8_t versions;
};

/* What a name stands for: one of both, or neither. */
struct p2_found {
    const struct p2_row *row;
    const struct p2_resource_row *resource;
};

/* "wasi:io/streams@0.2.6"; false for an interface or version that there is not. */
MUST_CHECK bool p2_find_interface(struct wasm_name name, uint8_t *ret_interface,
                                  unsigned *ret_version);
struct p2_found p2_find(uint8_t interface, unsigned version, struct wasm_name name);

/* A host function that core modules import: a function, or the drop of a resource. */
struct p2_import {
    struct wasi_p2 *wasi;
    struct host_item item; /* whose env is the function's */
    struct func *func;
    struct p2_import *next;
};

#endif
