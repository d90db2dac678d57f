/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vector operators compute (core specification 3.0, 4.3.4): a function for each operator of
 * wasm/op.def with prefix 0xfd but v128.const, by the name simd_<id>. By signature:
 *
 *   v128 simd_I8X16_ADD(v128 a, v128 b)                          operands in order
 *   v128 simd_I8X16_SHL(v128 a, uint32_t count)                  count of any size
 *   uint32_t simd_I8X16_BITMASK(v128 a)
 *   v128 simd_F32X4_SPLAT(float x)
 *   uint32_t simd_I8X16_EXTRACT_LANE_S(v128 a, uint32_t lane)    lane in range
 *   v128 simd_F64X2_REPLACE_LANE(v128 a, double x, uint32_t lane)
 *   v128 simd_I8X16_SHUFFLE(v128 a, v128 b, const uint8_t *lanes)  16 lanes below 32
 *   v128 simd_V128_LOAD8X8_S(const void *from)                   checked, of any alignment
 *   void simd_V128_STORE(void *to, v128 a)
 *   v128 simd_V128_LOAD8_LANE(const void *from, v128 a, uint32_t lane)
 *   void simd_V128_STORE8_LANE(void *to, v128 a, uint32_t lane)
 *
 * simd_lists.h groups the ids by these signatures. None of the functions traps.
 *
 * Relaxed operators do one fixed thing on every machine: swizzle, trunc, min, max and q15mulr as the
 * strict operators of those names, laneselect as bitselect, madd and nmadd rounded twice, dot
 * products signed by signed with wrapping sums.
 */
#ifndef INTERP_SIMD_H
#define INTERP_SIMD_H

#include "interp/simd_float.h"
#include "interp/simd_int.h"
#include "interp/simd_lanes.h"

#endif
