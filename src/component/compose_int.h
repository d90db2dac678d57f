/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a composition; private to compose*.c. What is written, in this order:
 *
 *     for each part that meets something, and last the first:
 *         imports     what the host is to offer it, with the types that this needs, where not there yet
 *         component   the part
 *         instance    of it, with those imports and with exports of other parts
 *     exports         all of the first part's
 *
 * An import that several parts have is one of the whole: of an interface it has what any of them wants, so that
 * the host's resource types are the same for all. Parts keep their indices; places are indices of the whole.
 *
 * compose.c finds what meets what and writes the above; compose_import.c writes imports, compose_type.c types.
 */
#ifndef COMPONENT_COMPOSE_INT_H
#define COMPONENT_COMPOSE_INT_H

#include "base/map.h"
#include "component/component_new_int.h"
#include "component/compose.h"

enum {
    COMPOSE_NONE = 0xffffffff,
    COMPOSE_DEPTH_MAX = 500,        /* of imports that need others */
    COMPOSE_SEARCH_MAX = 100000000, /* names compared */
};

/* An import of the whole. */
struct compose_outer {
    struct wasm_name name;      /* the latest version of those that parts want */
    struct wasm_name interface; /* what parts call it */
    uint8_t state;              /* enum compose_state */
    bool is_apart, is_denied;
    uint32_t place;                /* once it is written */
    struct compose_import *wanted; /* by these, a list */
};
enum compose_state { COMPOSE_WAITS, COMPOSE_BEGUN, COMPOSE_WRITTEN };

/* An import of a part. */
struct compose_import {
    struct compose_import *next; /* of the same import of the whole */
    struct compose_side *side;
    const struct comp_def *def;
    uint32_t link; /* that meets it, or COMPOSE_NONE: `outer` does */
    struct wasm_name export;
    struct compose_outer *outer;
};

/* An index space of a part: what defines each item, and its place + 1 once it has one. */
struct compose_space {
    uint32_t count;
    const struct comp_def **defs;
    uint32_t *places;
};

/* A part. */
struct compose_side {
    const struct compose_part *part;
    const struct component *root;
    struct compose_space spaces[SORT_COUNT];
    uint32_t import_count;
    struct compose_import *imports;
    bool is_used;
    uint32_t instance; /* its place, once it is instantiated */
};

struct composer {
    const struct composition *what;
    struct alloc *alloc;
    struct arena *arena;
    struct stint_error *error;
    enum stint_status status;
    struct buf *out;
    bool is_bare;         /* core modules are left out */
    bool merges_versions; /* imports of the same interface in compatible versions are one */
    uint32_t counts[SORT_COUNT]; /* of the whole's index spaces so far */
    struct compose_side *sides;
    uint32_t *order; /* the parts that are written, in that order */
    uint32_t order_count;
    struct compose_outer *outers;
    uint32_t outer_count, import_count;
    uint32_t depth;
    uint64_t searched;
};

/* ---- compose.c ---------------------------------------------------------------------------- */

/* Records a failure; false. */
bool compose_fail(struct composer *c, enum stint_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool compose_no_memory(struct composer *c);
/* Zeroed, in the arena. */
void *compose_get(struct composer *c, size_t count, size_t each_bytes);
/* A section with the one definition that is in `one`, which is freed. */
bool compose_put_one(struct composer *c, uint8_t id, struct buf *one);
void compose_put_name(struct buf *out, struct wasm_name name);
void compose_put_sort(struct buf *out, uint8_t sort);
/* An alias of an export of the instance at `instance`. */
bool compose_put_alias(struct composer *c, uint8_t sort, uint32_t instance, struct wasm_name name,
                       uint32_t *ret_place);

/* ---- compose_import.c --------------------------------------------------------------------- */

/* Finds for imports that no part meets what they are of the whole. */
bool compose_gather(struct composer *c);
struct compose_import *compose_find_import(struct compose_side *side, const struct comp_def *def);
/* Where an item of a part is in the whole: written there first, if need be. Of types, instances and functions
 * that imports are made of. */
bool compose_place(struct composer *c, struct compose_side *side, uint8_t sort, uint32_t index,
                   uint32_t *ret_place);
bool compose_place_import(struct composer *c, struct compose_import *import, uint32_t *ret_place);

/* ---- compose_type.c ----------------------------------------------------------------------- */

/* Writes a type of a part; the type of an interface that parts want, with what any of them wants of it. */
bool compose_put_type(struct composer *c, struct compose_side *side, const struct comp_type *type,
                      uint32_t *ret_place);
bool compose_put_interface(struct composer *c, const struct compose_outer *outer,
                           uint32_t *ret_place);
/* The name of an import or export with what stands beside it. */
void compose_put_extern_name(struct buf *out, struct wasm_name name,
                             const struct comp_attributes *attributes);

#endif
