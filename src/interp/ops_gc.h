/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collected objects. Operands are in slots from byte offset a on, in the order they were pushed;
 * the result goes to c. pointer (k) is the type, so b and d are not free: numbers that do not fit
 * into the first cell are in the second one's fields. LEAVE comes before everything that may
 * collect, so that the frames can be walked.
 */

#define ROW_GC(name, ...) OP(name, { LEAVE; TRAP_IF(__VA_ARGS__); FAR_NEXT; })
#define GC_TYPE ((const struct type_def *)ip->pointer)

ROW_GC(struct_new, op_struct_new(ctx->instance, GC_TYPE, SLOT_AT(ip->a), SLOT_AT(ip->c)))
ROW_GC(struct_new_default, op_struct_new_default(ctx->instance, GC_TYPE, SLOT_AT(ip->c)))
/* Second cell: a the field, c whether to extend the sign. */
ROW_GC(struct_get, op_struct_get(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, ip[1].c != 0,
                                 S64(ip->a), SLOT_AT(ip->c)))
ROW_GC(struct_set, op_struct_set(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, S64(ip->a),
                                 SLOT_AT(ip->a + 8)))
/* Second cell: a the slot of the length. */
ROW_GC(array_new, op_array_new(ctx->instance, GC_TYPE, SLOT_AT(ip->a), S32(ip[1].a),
                               SLOT_AT(ip->c)))
ROW_GC(array_new_default,
       op_array_new_default(ctx->instance, GC_TYPE, S32(ip->a), SLOT_AT(ip->c)))
/* Second cell: a the length. */
ROW_GC(array_new_fixed, op_array_new_fixed(ctx->instance, GC_TYPE, SLOT_AT(ip->a),
                                           (uint32_t)ip[1].a, SLOT_AT(ip->c)))
/* Second cell: a the segment. */
ROW_GC(array_new_data, op_array_new_data(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, S32(ip->a),
                                         S32(ip->a + 8), SLOT_AT(ip->c)))
ROW_GC(array_new_elem, op_array_new_elem(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, S32(ip->a),
                                         S32(ip->a + 8), SLOT_AT(ip->c)))
/* Second cell: c whether to extend the sign. */
ROW_GC(array_get, op_array_get(ctx->instance, GC_TYPE, ip[1].c != 0, S64(ip->a), S32(ip->a + 8),
                               SLOT_AT(ip->c)))
ROW_GC(array_set, op_array_set(ctx->instance, GC_TYPE, S64(ip->a), S32(ip->a + 8),
                               SLOT_AT(ip->a + 16)))
OP(array_len, {
    TRAP_IF(op_array_len(ctx->instance, S64(ip->a), &ctx->scratch32));
    SET_S(ctx->scratch32);
    NEXT;
})
/* Second cell: a the slot of the count. */
ROW_GC(array_fill, op_array_fill(ctx->instance, GC_TYPE, S64(ip->a), S32(ip->a + 8),
                                 SLOT_AT(ip->a + 16), S32(ip[1].a)))
/* Second cell: pointer the source's type. */
ROW_GC(array_copy, op_array_copy(ctx->instance, GC_TYPE, S64(ip->a), S32(ip->a + 8),
                                 (const struct type_def *)ip[1].pointer, S64(ip->a + 16),
                                 S32(ip->a + 24), S32(ip->a + 32)))
/* Second cell: a the segment. */
ROW_GC(array_init_data,
       op_array_init_data(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, S64(ip->a), S32(ip->a + 8),
                          S32(ip->a + 16), S32(ip->a + 24)))
ROW_GC(array_init_elem,
       op_array_init_elem(ctx->instance, GC_TYPE, (uint32_t)ip[1].a, S64(ip->a), S32(ip->a + 8),
                          S32(ip->a + 16), S32(ip->a + 24)))

/* Casts: b is the wanted type. */
OP(ref_test, {
    SET_S(op_ref_test(ctx->store, S64(ip->a), (valtype)ip->b) ? 1u : 0u);
    NEXT;
})
OP(ref_cast, {
    uint64_t ref = S64(ip->a);
    if (UNLIKELY(!op_ref_test(ctx->store, ref, (valtype)ip->b)))
        TRAP(CAST_FAILURE);
    S64(ip->c) = ref;
    NEXT;
})
OP(ref_i31, {
    SET_S(gc_make_i31(S32(ip->a)));
    NEXT;
})
OP(i31_get_s, {
    uint32_t ref = S32(ip->a);
    if (UNLIKELY(ref == 0))
        TRAP(NULL_I31);
    SET_S((uint32_t)((int32_t)ref >> 1));
    NEXT;
})
OP(i31_get_u, {
    uint32_t ref = S32(ip->a);
    if (UNLIKELY(ref == 0))
        TRAP(NULL_I31);
    SET_S(ref >> 1);
    NEXT;
})
