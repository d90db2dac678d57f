/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores of memory 0, and the general forms for other memories. See dispatch.h. */

/* Loads: a the index, d the offset, c the destination; M(family, a, destination, bytes, value). */
#define ROW_LOAD(fam, p, dst, n, e)                                                                \
    OP(fam##_##p##dst, {                                                                           \
        ADDRESS(I32_##p(a), n)                                                                     \
        SET_##dst(e);                                                                              \
        NEXT;                                                                                      \
    })
SHAPE_LOAD(ROW_LOAD, load8_u, 1, mem[ea])
SHAPE_LOAD(ROW_LOAD, load16_u, 2, load_u16(mem + ea))
SHAPE_LOAD(ROW_LOAD, load32_u, 4, load_u32(mem + ea))
SHAPE_LOAD(ROW_LOAD, load64, 8, load_u64(mem + ea))
SHAPE_LOAD(ROW_LOAD, i32_load8_s, 1, (uint32_t)(int8_t)mem[ea])
SHAPE_LOAD(ROW_LOAD, i32_load16_s, 2, (uint32_t)(int16_t)load_u16(mem + ea))
SHAPE_LOAD(ROW_LOAD, i64_load8_s, 1, (uint64_t)(int8_t)mem[ea])
SHAPE_LOAD(ROW_LOAD, i64_load16_s, 2, (uint64_t)(int16_t)load_u16(mem + ea))
SHAPE_LOAD(ROW_LOAD, i64_load32_s, 4, (uint64_t)(int32_t)load_u32(mem + ea))

#define FLOAD_ONE(fam, p, set, n, e)                                                               \
    OP(fam, {                                                                                      \
        ADDRESS(I32_##p(a), n)                                                                     \
        set(e);                                                                                    \
        NEXT;                                                                                      \
    })
#define FLOAD_D(fam, p, ds, df, n, e)                                                              \
    FLOAD_ONE(fam##_##p##S, p, ds, n, e) FLOAT_ACC(FLOAD_ONE(fam##_##p##F, p, df, n, e))
SHAPE_FLOAD(f64_load, SET_F64_S, SET_F64_F, 8, load_f64(mem + ea))
SHAPE_FLOAD(f32_load, SET_F32_S, SET_F32_F, 4, load_f32(mem + ea))

/* Stores: a the index, b the value, d the offset. */
#define ROW_STORE(fam, p, q, n, type, put)                                                         \
    OP(fam##_##p##q, {                                                                             \
        ADDRESS(I32_##p(a), n)                                                                     \
        put(mem + ea, (type)I64_##q(b));                                                           \
        NEXT;                                                                                      \
    })
#define PUT_U8(at, value) (*(at) = (value))
SHAPE_STORE(store8, 1, uint8_t, PUT_U8)
SHAPE_STORE(store16, 2, uint16_t, store_u16)
SHAPE_STORE(store32, 4, uint32_t, store_u32)
SHAPE_STORE(store64, 8, uint64_t, store_u64)

/* Stores of the float accumulators. */
#define ROW_FSTORE(fam, p, n, value, put)                                                          \
    OP(fam##_##p##F, {                                                                             \
        ADDRESS(I32_##p(a), n)                                                                     \
        put(mem + ea, value);                                                                      \
        NEXT;                                                                                      \
    })
SHAPE_FSTORE(f64_store, 8, facc, store_f64)
SHAPE_FSTORE(f32_store, 4, sacc, store_f32)

/*
 * Any memory, any address width: all operands in slots, two cells. First cell: a the index, c the
 * destination, b the value, d the memory. Second cell: k the offset, a the width of the index.
 */
#define FAR_ADDRESS(size)                                                                          \
    const struct memory *memory = ctx->instance->memories[ip->d];                                  \
    uint64_t index = ip[1].a == 64 ? S64(ip->a) : S32(ip->a);                                      \
    uint64_t ea;                                                                                   \
    if (UNLIKELY(__builtin_add_overflow(index, ip[1].k, &ea) || memory->bytes < (size) ||          \
                 ea > memory->bytes - (size)))                                                     \
        TRAP(MEMORY_BOUNDS);                                                                       \
    uint8_t *at = memory->base + ea;
#define FAR_NEXT                                                                                   \
    do {                                                                                           \
        ip += 2;                                                                                   \
        GO;                                                                                        \
    } while (0)
#define ROW_FAR_LOAD(name, n, e)                                                                   \
    OP(far_##name, {                                                                               \
        FAR_ADDRESS(n)                                                                             \
        SET_S(e);                                                                                  \
        FAR_NEXT;                                                                                  \
    })
FAR_ACCESS(ROW_FAR_LOAD(load8_u, 1, *at))
FAR_ACCESS(ROW_FAR_LOAD(load16_u, 2, load_u16(at)))
FAR_ACCESS(ROW_FAR_LOAD(load32_u, 4, load_u32(at)))
FAR_ACCESS(ROW_FAR_LOAD(load64, 8, load_u64(at)))
FAR_ACCESS(ROW_FAR_LOAD(i32_load8_s, 1, (uint32_t)(int8_t)*at))
FAR_ACCESS(ROW_FAR_LOAD(i32_load16_s, 2, (uint32_t)(int16_t)load_u16(at)))
FAR_ACCESS(ROW_FAR_LOAD(i64_load8_s, 1, (uint64_t)(int8_t)*at))
FAR_ACCESS(ROW_FAR_LOAD(i64_load16_s, 2, (uint64_t)(int16_t)load_u16(at)))
FAR_ACCESS(ROW_FAR_LOAD(i64_load32_s, 4, (uint64_t)(int32_t)load_u32(at)))
#define ROW_FAR_STORE(name, n, type, put)                                                          \
    OP(far_##name, {                                                                               \
        FAR_ADDRESS(n)                                                                             \
        put(at, (type)S64(ip->b));                                                                 \
        FAR_NEXT;                                                                                  \
    })
FAR_ACCESS(ROW_FAR_STORE(store8, 1, uint8_t, PUT_U8))
FAR_ACCESS(ROW_FAR_STORE(store16, 2, uint16_t, store_u16))
FAR_ACCESS(ROW_FAR_STORE(store32, 4, uint32_t, store_u32))
FAR_ACCESS(ROW_FAR_STORE(store64, 8, uint64_t, store_u64))

/* memory.size of memory a, in slots; memory.grow: a the delta's slot, b the memory, d the width. */
OP(memory_size, {
    SET_S(ctx->instance->memories[ip->a]->bytes >> 16);
    NEXT;
})
OP(memory_grow, {
    uint64_t pages = ip->d == 64 ? S64(ip->a) : S32(ip->a);
    uint64_t old = memory_grow(ctx->instance->memories[ip->b], pages);
    RELOAD_MEMORY;
    SET_S(ip->d == 64 ? old : (uint32_t)old);
    NEXT;
})

/*
 * Bulk operations: a is the slot of the first of three operands; two cells. b and d are indices.
 * Second cell: a, c, b are the widths of the operands in bits; d is not zero when metered, and
 * then the bytes are charged by 64 (bulk.c).
 */
#define BULK_OPERAND(which, field)                                                                 \
    (ip[1].field == 64 ? S64(ip->a + 8 * (which)) : (uint64_t)S32(ip->a + 8 * (which)))
#define BULK_CHARGE(count)                                                                         \
    do {                                                                                           \
        if (ip[1].d != 0)                                                                          \
            ctx->fuel -= (int64_t)((count) >> 6);                                                  \
    } while (0)
OP(memory_fill, {
    uint64_t at = BULK_OPERAND(0, a);
    uint64_t count = BULK_OPERAND(2, b);
    struct memory *memory = ctx->instance->memories[ip->b];
    if (ip[1].d == 0) {
        TRAP_IF(op_memory_fill(memory, at, (uint8_t)S32(ip->a + 8), count));
        FAR_NEXT;
    }
    LEAVE;
    if (!interp_memory_fill(ctx, memory, at, (uint8_t)S32(ip->a + 8), count))
        JUMP(trap);
    FAR_NEXT;
})
OP(memory_copy, {
    uint64_t to = BULK_OPERAND(0, a);
    uint64_t from = BULK_OPERAND(1, c);
    uint64_t count = BULK_OPERAND(2, b);
    struct memory *target = ctx->instance->memories[ip->b];
    struct memory *source = ctx->instance->memories[ip->d];
    if (ip[1].d == 0) {
        TRAP_IF(op_memory_copy(target, to, source, from, count));
        FAR_NEXT;
    }
    LEAVE;
    if (!interp_memory_copy(ctx, target, to, source, from, count))
        JUMP(trap);
    FAR_NEXT;
})
OP(memory_init, {
    uint64_t at = BULK_OPERAND(0, a);
    uint32_t count = S32(ip->a + 16);
    TRAP_IF(op_memory_init(ctx->instance, (uint32_t)ip->b, ctx->instance->memories[ip->d], at,
                           S32(ip->a + 8), count));
    BULK_CHARGE(count);
    FAR_NEXT;
})
OP(data_drop, {
    op_data_drop(ctx->instance, (uint32_t)ip->a);
    NEXT;
})
