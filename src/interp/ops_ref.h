/* SPDX-License-Identifier: Apache-2.0 */
/* References, tables, collected objects: calls of runtime/ops.h. See dispatch.h.
 * Operands are in slots, one after the other from a on, unless said otherwise. */

/* ---- Functions and null -------------------------------------------------------------------- */

OP(ref_func, {
    S64(ip->c) = (uint64_t)(uintptr_t)instance_func(ctx->instance, (uint32_t)ip->a);
    NEXT;
})
OP(ref_as_non_null, {
    uint64_t ref = S64(ip->a);
    if (UNLIKELY(ref == 0))
        TRAP(NULL_REFERENCE);
    S64(ip->c) = ref;
    NEXT;
})

/* ---- Tables: b is the table; d is 64 where its indices are that wide ------------------------ */

#define TABLE_INDEX(offset) (ip->d == 64 ? S64(offset) : (uint64_t)S32(offset))
OP(table_get, {
    TRAP_IF(op_table_get(ctx->instance->tables[ip->b], TABLE_INDEX(ip->a), &ctx->scratch));
    S64(ip->c) = ctx->scratch;
    NEXT;
})
OP(table_set, {
    TRAP_IF(op_table_set(ctx->instance->tables[ip->b], TABLE_INDEX(ip->a), S64(ip->a + 8)));
    NEXT;
})
OP(table_size, {
    SET_S(ctx->instance->tables[ip->b]->count);
    NEXT;
})
OP(table_grow, {
    uint64_t old =
        table_grow(ctx->instance->tables[ip->b], TABLE_INDEX(ip->a + 8), S64(ip->a));
    SET_S(ip->d == 64 ? old : (uint32_t)old);
    NEXT;
})
OP(table_fill, {
    TRAP_IF(op_table_fill(ctx->instance->tables[ip->b], TABLE_INDEX(ip->a), S64(ip->a + 8),
                          TABLE_INDEX(ip->a + 16)));
    NEXT;
})
/* Two cells: b and d are the tables; the second cell has the widths of the operands. */
OP(table_copy, {
    uint64_t to = BULK_OPERAND(0, a);
    uint64_t from = BULK_OPERAND(1, c);
    uint64_t count = BULK_OPERAND(2, b);
    TRAP_IF(op_table_copy(ctx->instance->tables[ip->b], to, ctx->instance->tables[ip->d], from,
                          count));
    BULK_CHARGE(count << 3);
    FAR_NEXT;
})
/* c is the segment. */
OP(table_init, {
    TRAP_IF(op_table_init(ctx->instance, (uint32_t)ip->c, ctx->instance->tables[ip->b],
                          TABLE_INDEX(ip->a), S32(ip->a + 8), S32(ip->a + 16)));
    NEXT;
})
OP(elem_drop, {
    op_elem_drop(ctx->instance, (uint32_t)ip->a);
    NEXT;
})
