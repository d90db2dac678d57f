/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation of constant expressions (core specification 3.4, 4.6). */
#ifndef RUNTIME_CONSTEXPR_H
#define RUNTIME_CONSTEXPR_H

#include "runtime/store.h"

/*
 * The value of a validated constant expression; v128 takes both words, everything else the first
 * (i32 and f32 with zeros above). The instance's imports and the globals that the expression may
 * name have to be there. May collect: roots are looked after.
 */
MUST_CHECK enum stint_status const_eval(struct stint_instance *instance,
                                        const struct const_expr *expr, uint64_t ret_value[2],
                                        struct stint_error *error);

/*
 * The operand stack of an expression that is evaluated instruction by instruction. It is a root
 * while it is registered as the store's const_roots.
 */
struct const_roots {
    uint64_t *slots;
    uint8_t *traced; /* a byte a slot: holds a gc_ref */
    size_t height, capacity;
    struct stint_instance *instance;
    struct stint_error *error;
};

/* Pushes a slot; false when memory is out, with the error recorded. */
MUST_CHECK bool const_push(struct const_roots *stack, uint64_t value, bool is_traced);
/* Executes one instruction of the GC proposal whose opcode was read; constexpr_gc.c. */
MUST_CHECK enum stint_status const_eval_gc(struct const_roots *stack, enum op op,
                                           const uint8_t **at);

#endif
