/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through tables that the compiler knows, with few functions to choose from and with many:
 * results, traps and fuel are the interpreter's, wherever fuel runs out. */
#include "both_engines.h"

/* Calls the element that the argument names, three times, and adds a trace of it in memory. */
#define FUNC(name, type, table, one)                                                               \
    "(func (export \"" name "\") (param $n i32) (result i32) (local $s i32) (local $k i32)"        \
    " (loop (local.set $s (i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get $s))"                \
    " (call_indirect " table " (type " type ") (local.get $k) (local.get $n)" one                  \
    "(local.get $n)))))"                                                                           \
    " (i32.store (i32.mul (local.get $k) (i32.const 4)) (local.get $s))"                           \
    " (local.set $k (i32.add (local.get $k) (i32.const 1)))"                                       \
    " (br_if 0 (i32.lt_u (local.get $k) (i32.const 3)))) (local.get $s))"

static const char text[] =
    "(module (memory (export \"m\") 1)"
    "(type $two (func (param i32 i32) (result i64)))"
    "(type $also_two (func (param i32 i32) (result i64)))"
    "(type $three (func (param i32 i32 i32) (result i64)))"
    "(type $many (func (param i32 i32 f32) (result i64)))"
    "(type $none (func (param i32 i32 f64) (result i64)))"
    "(type $nothing (func))"
    "(global $g (mut i64) (i64.const 5))"
    "(func $a (type $two) (i64.extend_i32_u (i32.add (local.get 0) (local.get 1))))"
    "(func $b (type $also_two) (global.set $g (i64.add (global.get $g) (i64.const 3)))"
    " (i64.mul (global.get $g) (i64.extend_i32_u (local.get 0))))"
    "(func $c (type $three) (i64.const 7))"
    /* Calls itself through the table. */
    "(func $d (type $three) (if (result i64) (i32.eqz (local.get 0)) (then (i64.const 1))"
    " (else (call_indirect (type $three) (i32.sub (local.get 0) (i32.const 1)) (local.get 1)"
    " (local.get 2) (i32.const 4)))))"
    "(func $e (type $three) (if (i32.eq (local.get 0) (i32.const 2)) (then (unreachable)))"
    " (i64.extend_i32_s (i32.div_s (i32.const 100) (local.get 0))))"
    "(func $m1 (type $many) (i64.const 1))"
    "(func $m2 (type $many) (i64.const 2))"
    "(func $m3 (type $many) (i64.extend_i32_u (local.get 0)))"
    "(func $m4 (type $many) (i64.const 4))"
    "(func $other (type $nothing))"
    "(table $t 14 funcref)"
    "(elem (table $t) (i32.const 1) func $a $b $c $d $e $a $m1 $m2 $m3 $m4 $other)"
    FUNC("two", "$two", "$t", "")
    FUNC("three", "$three", "$t", "(i32.const 1)")
    FUNC("many", "$many", "$t", "(f32.const 1)")
    FUNC("none", "$none", "$t", "(f64.const 1)")
    ")";

static const char *const names[] = {"two", "three", "many", "none"};

TEST(calls_of_few_targets_are_the_same)
{
    struct side sides[2];
    CHECK(make_side(STINT_TIER_INTERP, text, &sides[0]));
    bool is_there = make_side(STINT_TIER_AOT, text, &sides[1]);
    for (size_t i = 0; is_there && i < COUNT_OF(names); i++) {
        for (int32_t index = -1; index <= 15; index++) {
            uint64_t all = compare(sides, names[i], index, 10000);
            for (uint64_t fuel = 0; fuel <= all; fuel++)
                (void)compare(sides, names[i], index, fuel);
        }
    }
    free_side(&sides[1]);
    free_side(&sides[0]);
    if (!is_there)
        SKIP(reason);
}

CHECK_MAIN
