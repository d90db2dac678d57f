/* SPDX-License-Identifier: Apache-2.0 */
/* Loops whose passes the compiler counts beforehand: results, memory and fuel are the interpreter's,
 * wherever fuel runs out. */
#include "both_engines.h"

/* The end that toolchains give a loop: X, STEP, and BOUND as text, or nothing for 0. */
#define NEXT(x, step) "(local.tee " x " (i32.add (local.get " x ") (i32.const " step ")))"
#define UNTIL(x, step, bound) "(br_if 0 (i32.ne " NEXT(x, step) " " bound "))"
/* Leaves a trace of every pass. */
#define TRACE                                                                                      \
    "(local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31)) (local.get $i)))"              \
    "(i32.store (i32.and (local.get $s) (i32.const 0xfffc)) (local.get $s))"
#define FUNC(name, body)                                                                           \
    "(func (export \"" name "\") (param $n i32) (result i32) (local $i i32) (local $s i32)"        \
    " (local $k i32) (local.set $s (local.get $n)) " body " (local.get $s))"

static const char text[] =
    "(module (memory (export \"m\") 1)" /* */
    FUNC("constant", "(local.set $i (i32.const 4)) (loop " TRACE UNTIL("$i", "4", "(i32.const 64)") ")")
    FUNC("nested", "(loop (local.set $i (i32.const 0)) (loop " TRACE
                   UNTIL("$i", "1", "(i32.const 12)") ")" UNTIL("$k", "1", "(i32.const 9)") ")")
    FUNC("large", "(local.set $i (i32.const -24000)) (loop " TRACE "(br_if 0 " NEXT("$i", "1") "))")
    FUNC("down", "(local.set $i (local.get $n)) (loop " TRACE "(br_if 0 " NEXT("$i", "-1") "))")
    FUNC("up", "(loop " TRACE UNTIL("$i", "3", "(i32.mul (local.get $n) (i32.const 3))") ")")
    FUNC("to_local", "(local.set $k (i32.mul (local.get $n) (i32.const 24)))"
                     "(loop " TRACE UNTIL("$i", "24", "(local.get $k)") ")")
    FUNC("from_local", "(local.set $k (i32.sub (i32.const 0) (local.get $n)))"
                       "(loop " TRACE "(br_if 0 (i32.ne (local.get $k) " NEXT("$i", "-1") ")))")
    /* 3 divides no power of two: this bound is met after passing the end of all numbers. */
    FUNC("around", "(local.set $i (i32.const -3000)) (loop " TRACE
                   UNTIL("$i", "3", "(i32.const 2)") ")")
    FUNC("choice", "(local.set $i (local.get $n)) (loop (if (i32.and (local.get $i) (i32.const 1))"
                   " (then " TRACE ") (else (block (br_if 0 (i32.eqz (local.get $s)))" TRACE TRACE
                   "))) (br_if 0 " NEXT("$i", "-1") "))")
    /* Not counted: the counter is written twice, the bound is written, a pass ends early. */
    FUNC("twice", "(local.set $i (local.get $n)) (loop " TRACE
                  "(local.set $i (i32.and (local.get $i) (i32.const 0xffff)))"
                  "(br_if 0 " NEXT("$i", "-1") "))")
    FUNC("moving", "(local.set $k (local.get $n)) (loop " TRACE
                   "(local.set $k (i32.sub (local.get $k) (i32.const 1)))"
                   UNTIL("$i", "1", "(local.get $k)") ")")
    FUNC("early", "(local.set $i (local.get $n)) (block (loop " TRACE
                  "(br_if 1 (i32.eq (local.get $i) (i32.const 7)))"
                  "(br_if 0 " NEXT("$i", "-1") ")))")
    FUNC("again", "(local.set $i (local.get $n)) (loop " TRACE
                  "(if (i32.eq (local.get $i) (i32.const 9)) (then (local.set $s (i32.const 1))"
                  " (local.set $i (i32.const 5)) (br 1)))"
                  "(br_if 0 " NEXT("$i", "-1") "))")
    ")";

static const char *const names[] = {"constant", "nested", "large",  "down",  "up",
                                    "to_local", "from_local", "around", "choice", "twice",
                                    "moving", "early", "again"};

TEST(counted_loops_are_the_same)
{
    static const int32_t arguments[] = {1, 2, 11, 100, 30000};
    struct side sides[2];
    CHECK(make_side(STINT_TIER_INTERP, text, &sides[0]));
    bool is_there = make_side(STINT_TIER_AOT, text, &sides[1]);
    if (is_there)
        CHECK(stint_module_compiled_count(sides[1].module) == COUNT_OF(names));
    for (size_t i = 0; is_there && i < COUNT_OF(names); i++) {
        for (size_t k = 0; k < COUNT_OF(arguments); k++) {
            uint64_t most = 2000000;
            uint64_t all = compare(sides, names[i], arguments[k], most);
            uint64_t step = all < 1000 ? 1 : all / 37;
            for (uint64_t fuel = 0; fuel <= all; fuel += step)
                (void)compare(sides, names[i], arguments[k], fuel);
            (void)compare(sides, names[i], arguments[k], all - 1);
            (void)compare(sides, names[i], arguments[k], all);
        }
    }
    free_side(&sides[1]);
    free_side(&sides[0]);
    if (!is_there)
        SKIP(reason);
}

CHECK_MAIN
