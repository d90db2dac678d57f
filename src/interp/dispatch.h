/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How handlers are written. The files ops_*.h consist of rows
 *
 *   OP(name, { body; NEXT; })
 *
 * and are included three times: for the enum of handler ids (handler_ids.h), for the handlers and
 * for the table of their addresses (handlers.c). A body ends in one of
 *
 *   NEXT          goes on with the next cell
 *   GO            goes on at ip, which the body has set
 *   JUMP(name)    becomes another handler
 *   TRAP(code)    STINT_TRAP_code
 *
 * In a body: ctx (struct exec), ip (this cell), sp (frame), mem and mem_bytes (memory 0), acc (the
 * integer accumulator), facc and sacc (double and single float accumulators), rs (the next free
 * return record), l0 and l1 (pinned locals). A body may assign to all of them. Calls of C functions
 * belong into handlers of their own, off the fast path: they cost the registers.
 *
 * Vector operators (ops_simd.h) are rows simd_<ID> with ID from op.def, operands and results in slots
 * (two adjacent ones a vector, low half first):
 *
 *   v:v, splats, v:i …   a the operand, c the result
 *   vv:v, vi:v           a and b the operands, c the result; vvv:v has its third in d
 *   extract lane         a the vector, b the lane, c the result
 *   replace lane         a the vector, b the scalar, d the lane, c the result
 *   shuffle              a, b, c as vv:v; two cells: the lanes are a, c, k of the second (16 bytes)
 *   loads, stores        simd_<ID>: memory 0, 32-bit index: a the index, b the value or vector,
 *                        c the result, d the offset (u32)
 *                        far_simd_<ID>: any memory, two cells as far_… in ops_memory.h
 *   load/store lane      as loads and stores; two cells in both forms, the second's c is the lane
 *
 * A scalar result goes through SET_S, SET_F32_S or SET_F64_S; scalar i32 and f32 operands are read
 * through S32 and SF32.
 *
 * The address of a local must not escape from a body: it would turn jumps into calls on compilers
 * without musttail (dispatch_tail.h); ctx->scratch is there for results by address.
 */
#ifndef INTERP_DISPATCH_H
#define INTERP_DISPATCH_H

#include <string.h>

#include "interp/cell.h"
#include "interp/numeric.h"
#include "interp/simd.h"

/* Slots of the frame by byte offset. The handler files are compiled without strict aliasing. */
#define S64(offset) (*(uint64_t *)((uint8_t *)sp + (offset)))
#define S32(offset) (*(uint32_t *)((uint8_t *)sp + (offset)))
#define SF64(offset) (*(double *)((uint8_t *)sp + (offset)))
#define SF32(offset) (*(float *)((uint8_t *)sp + (offset)))
#define SLOT_AT(offset) ((uint64_t *)((uint8_t *)sp + (offset)))

/* Operands by class letter; `f` is the cell's field. */
#define I32_S(f) S32(ip->f)
#define I32_C(f) ((uint32_t)ip->f)
#define I32_A(f) ((uint32_t)acc)
#define I32_0(f) ((uint32_t)l0)
#define I32_1(f) ((uint32_t)l1)
#define I64_S(f) S64(ip->f)
#define I64_C(f) ((uint64_t)(int64_t)ip->f)
#define I64_A(f) acc
#define I64_0(f) l0
#define I64_1(f) l1
#define F64_S(f) SF64(ip->f)
#define F64_F(f) facc
#define F64_K(f) num_f64_from_bits(ip->k)
#define F32_S(f) SF32(ip->f)
#define F32_F(f) sacc
#define F32_K(f) num_f32_from_bits((uint32_t)ip->k)

/* Results by class letter. Slots are always written whole, so that a 64-bit move of a fresh value
 * finds one store to forward from. */
#define SET_S(value)                                                                               \
    do {                                                                                           \
        acc = (value);                                                                             \
        S64(ip->c) = acc;                                                                          \
    } while (0)
#define SET_A(value) (acc = (value))
#define SET_0(value)                                                                               \
    do {                                                                                           \
        l0 = acc = (value);                                                                        \
        S64(ip->c) = acc;                                                                          \
    } while (0)
#define SET_1(value)                                                                               \
    do {                                                                                           \
        l1 = acc = (value);                                                                        \
        S64(ip->c) = acc;                                                                          \
    } while (0)
#define SET_F64_S(value)                                                                           \
    do {                                                                                           \
        facc = (value);                                                                            \
        SF64(ip->c) = facc;                                                                        \
    } while (0)
#define SET_F64_F(value) (facc = (value))
#define SET_F32_S(value)                                                                           \
    do {                                                                                           \
        sacc = (value);                                                                            \
        S64(ip->c) = num_f32_bits(sacc);                                                           \
    } while (0)
#define SET_F32_F(value) (sacc = (value))

/* Memory 0: the effective address of a 32-bit access of `size` bytes, or a trap. */
#define ADDRESS(index, size)                                                                       \
    uint64_t ea = (uint64_t)(uint32_t)(index) + (uint32_t)ip->d;                                   \
    if (UNLIKELY(ea + (size) > mem_bytes))                                                         \
        JUMP(trap_memory);

#define LEAVE                                                                                      \
    do {                                                                                           \
        ctx->ip = ip;                                                                              \
        ctx->sp = sp;                                                                              \
        ctx->rs = rs;                                                                              \
    } while (0)
#define RELOAD_MEMORY                                                                              \
    do {                                                                                           \
        const struct memory *memory0_ = ctx->instance->memory0;                                    \
        mem = memory0_ != NULL ? memory0_->base : NULL;                                            \
        mem_bytes = memory0_ != NULL ? memory0_->bytes : 0;                                        \
    } while (0)
#define RELOAD_PINS(packed)                                                                        \
    do {                                                                                           \
        l0 = sp[PIN0(packed)];                                                                     \
        l1 = sp[PIN1(packed)];                                                                     \
    } while (0)
#define NEXT                                                                                       \
    do {                                                                                           \
        ip++;                                                                                      \
        GO;                                                                                        \
    } while (0)
#define TRAP(code)                                                                                 \
    do {                                                                                           \
        ctx->trap = STINT_TRAP_##code;                                                             \
        JUMP(trap);                                                                                \
    } while (0)
/* Leaves with a trap when an operator of runtime/ops.h says so. */
#define TRAP_IF(expression)                                                                        \
    do {                                                                                           \
        enum stint_trap trap_ = (expression);                                                      \
        if (UNLIKELY(trap_ != STINT_TRAP_NONE)) {                                                  \
            ctx->trap = trap_;                                                                     \
            JUMP(trap);                                                                            \
        }                                                                                          \
    } while (0)

static inline uint16_t load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline float load_f32(const uint8_t *at)
{
    float value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline double load_f64(const uint8_t *at)
{
    double value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline void store_u16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof(value)); }
static inline void store_u32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof(value)); }
static inline void store_u64(uint8_t *at, uint64_t value) { memcpy(at, &value, sizeof(value)); }
static inline void store_f32(uint8_t *at, float value) { memcpy(at, &value, sizeof(value)); }
static inline void store_f64(uint8_t *at, double value) { memcpy(at, &value, sizeof(value)); }

#endif
