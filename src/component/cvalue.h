/* SPDX-License-Identifier: Apache-2.0 */
/* Component values on the host's side: what calls from the host take and give. */
#ifndef COMPONENT_CVALUE_H
#define COMPONENT_CVALUE_H

#include "component/ctype.h"

struct resource_type;

/*
 * A value of a type (component/ctype.h). Lists, strings and the like live in whatever arena the value
 * was made in.
 */
struct cvalue {
    const struct ctype *type;
    union {
        bool boolean;
        int64_t s;         /* s8 … s64 */
        uint64_t u;        /* u8 … u64, char */
        uint32_t f32_bits; /* bit patterns: comparing and passing on keep them */
        uint64_t f64_bits;
        struct wasm_name string; /* UTF-8 */
        struct {                 /* records, tuples, lists, maps (tuples of two), fixed lists */
            uint32_t count;
            struct cvalue *items;
        } list;
        struct { /* list<u8> only: instead of `list` where `type`'s element is u8 */
            uint32_t size_bytes;
            const uint8_t *bytes;
        } blob;
        struct { /* variants, enums, options (0 none, 1 some), results (0 ok, 1 error) */
            uint32_t index;
            struct cvalue *payload; /* NULL: none */
        } variant;
        struct { /* flags: one bit a label, low word first */
            uint32_t word_count;
            uint32_t *words;
        } flags;
        struct { /* own (the host's from then on: component_drop, or another call) and borrow */
            const struct resource_type *type;
            uint32_t rep;
        } handle;
    };
};

/* Whether two values are the same; NaNs are equal to NaNs. */
bool cvalue_equal(const struct cvalue *a, const struct cvalue *b);

#endif
