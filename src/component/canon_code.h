/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that move values from one guest into another: `canon lower` and `canon lift` fused.
 * Private to src/component.
 *
 * Both sides of a call see the same types with the same sizes, so an operation has one place: a slot
 * of the flat values, or an offset in memory, for both sides. A body is a sequence of operations up to
 * CANON_END, relative to a slot or an address; the bodies of a plan share one array and are made once for
 * each type. Encodings, memories and handle tables are the transfer's, not the body's.
 */
#ifndef COMPONENT_CANON_CODE_H
#define COMPONENT_CANON_CODE_H

#include "base/map.h"
#include "component/canon.h"

enum canon_op_code {
    CANON_END,
    /* Flat: slot `at` of both sides. */
    FLAT_64, /* i64, f64 */
    FLAT_32, /* u32, s32, f32, also where they travel in 64 bits */
    FLAT_U8,
    FLAT_U16,
    FLAT_S8,
    FLAT_S16,
    FLAT_BOOL,
    FLAT_CHAR,
    FLAT_FLAGS, /* size: the mask */
    FLAT_ENUM,  /* size: how many */
    FLAT_STRING,
    FLAT_LIST, /* size, align: of an element; body */
    FLAT_OWN,  /* size: the resource */
    FLAT_BORROW,
    FLAT_VARIANT, /* size: how many cases; body: the first in `cases`; extra: slots of a payload */
    /* In memory: offset `at` of both sides. */
    MEMORY_COPY, /* size */
    MEMORY_BOOL,
    MEMORY_CHAR,
    MEMORY_FLAGS, /* size: the mask; align: bytes */
    MEMORY_ENUM,  /* size: how many; align: bytes of the discriminant */
    MEMORY_STRING,
    MEMORY_LIST,
    MEMORY_OWN,
    MEMORY_BORROW,
    MEMORY_VARIANT, /* size: how many cases; align: bytes of the discriminant; extra: the payload's offset */
    MEMORY_REPEAT, /* size: of an element; extra: how many; body: of a fixed list or (1) a record */
};

struct canon_op {
    uint8_t code; /* enum canon_op_code */
    uint8_t align;
    uint32_t at, size, extra;
    uint32_t body;
};

enum {
    CANON_NOTHING = 0xffffffff, /* a body: no payload */
    CANON_PLAIN = 0xfffffffe,   /* a body: elements are copied as bytes */
    CANON_OPS_MAX = 1 << 20,    /* of a plan */
};

struct canon_case {
    uint32_t body;
    uint32_t slots; /* of this payload */
};

struct canon_code {
    struct alloc *alloc;
    struct canon_op *ops;
    struct canon_case *cases;
    size_t op_count, op_capacity, case_count, case_capacity;
};

/* ---- canon_compile.c ------------------------------------------------------------------------ */

/* While code is made; `arena` holds what only that needs. */
struct canon_compiler {
    struct canon_code *code;
    struct arena *arena;
    struct map bodies; /* by type and form */
};

void canon_code_init(struct canon_code *code, struct alloc *alloc);
void canon_code_free(struct canon_code *code);
void canon_compiler_init(struct canon_compiler *compiler, struct canon_code *code,
                         struct arena *arena);
void canon_compiler_free(struct canon_compiler *compiler);
/* The body for a type in memory: CANON_PLAIN where its bytes are all there is to it. */
MUST_CHECK enum stint_status canon_compile_memory(struct canon_compiler *compiler,
                                                  const struct ctype *type, uint32_t *ret_body,
                                                  struct stint_error *error);
/* The body for types that follow each other in slots: CANON_PLAIN where slots can be taken as they
 * are. */
MUST_CHECK enum stint_status canon_compile_flat(struct canon_compiler *compiler,
                                                const struct ctype_member *members, uint32_t count,
                                                uint32_t *ret_body, struct stint_error *error);

/* ---- canon_transfer.c ------------------------------------------------------------------------ */

/* Handles of the caller that are lent for a call, by index. */
struct canon_loans {
    struct alloc *alloc;
    uint32_t count;
    uint32_t few[6];
    uint32_t *more; /* NULL: all are in `few` */
    size_t capacity;
};

struct canon_transfer {
    const struct canon_code *code;
    const struct resource_type *const *resources;
    const struct host_guest *from, *to;
    struct canon_loans *loans;  /* arguments: what the caller lends … */
    struct handle_scope *scope; /* … and the call that borrows it */
    struct stint_error *error;
};

MUST_CHECK enum stint_status canon_transfer_flat(const struct canon_transfer *transfer,
                                                 uint32_t body, const uint64_t *from, uint64_t *to);
/* `from` and `to` are in bounds for the whole type. */
MUST_CHECK enum stint_status canon_transfer_memory(const struct canon_transfer *transfer,
                                                   uint32_t body, const uint8_t *from, uint8_t *to);
/* Ends all loans; the handles are still there, since what is lent cannot go. */
void canon_loans_end(struct canon_loans *loans, struct handle_table *handles);

/* "invalid `char` bit pattern" unless it is one. */
static inline bool canon_is_char(uint32_t value)
{
    return value < 0xd800 || (value >= 0xe000 && value < 0x110000);
}

#endif
