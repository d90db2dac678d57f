/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on the guest's own stack, of which fast code takes for granted where they lie, once that was
 * compared: also where they lie elsewhere, and around the end of all addresses, both engines agree. */
#include "both_engines.h"

#define FRAME(bytes) "(local.tee $f (i32.sub (global.get $sp) (i32.const " bytes "))) (global.set $sp)"
#define LEAVE(bytes) "(global.set $sp (i32.add (local.get $f) (i32.const " bytes ")))"
#define NEXT "(local.tee $i (i32.add (local.get $i) (i32.const 4)))"
/* With the stack's pointer at $n; it is put back, so that calls do not depend on each other. */
#define AT_N(name, callee)                                                                         \
    "(func (export \"" name "\") (param $n i32) (result i32) (global.set $sp (local.get $n))"      \
    " (call " callee " (local.get $n)) (global.set $sp (i32.const 4096)))"

#define FRAMES                                                                                     \
    "(memory (export \"m\") 1) (global $sp (mut i32) (i32.const 4096)) (type $t (func (param i32)" \
    " (result i32))) (table 1 1 funcref) (elem (i32.const 0) $sums)"                               \
    /* Addresses that are only computed. */                                                        \
    "(func $sums (param $n i32) (result i32) (local $f i32) (local $i i32) (local $s i32)" FRAME(  \
        "256") "(loop (local.set $s (i32.add (i32.rotl (local.get $s) (i32.const 5)) (i32.wrap_i64" \
    " (i64.shr_u (i64.mul (i64.extend_i32_u (i32.add (local.get $f) (local.get $i))) (i64.const"   \
    " 0x1234567)) (i64.const 24))))) (br_if 0 (i32.ne " NEXT " (i32.const 252))))"                 \
    " (local.set $s (i32.add (local.get $s) (i32.lt_s (i32.add (local.get $f) (i32.const 128))"    \
    " (local.get $n))))" LEAVE("256") "(local.get $s))"                                            \
    /* An array in it. */                                                                          \
    "(func $array (param $n i32) (result i32) (local $f i32) (local $i i32) (local $s i32)" FRAME( \
        "256") "(loop (i32.store (i32.add (local.get $f) (local.get $i)) (i32.mul (local.get $i)"  \
    " (local.get $n))) (br_if 0 (i32.ne " NEXT " (i32.const 256)))) (local.set $i (i32.const 0))"  \
    "(loop (local.set $s (i32.xor (i32.rotl (local.get $s) (i32.const 3)) (i32.load offset=128"    \
    " (i32.add (local.get $f) (local.get $i))))) (br_if 0 (i32.ne " NEXT " (i32.const 128))))"     \
    LEAVE("256") "(local.get $s))"                                                                 \
    /* Frames below frames, until they are wild, and calls by pointer between them. */             \
    "(func $deep (param $n i32) (result i32) (local $f i32)" FRAME(                                \
        "1024") "(if (local.get $n) (then (local.set $n (i32.add (call $deep (i32.sub (local.get"  \
    " $n) (i32.const 1))) (call_indirect (type $t) (local.get $f) (i32.const 0)))))"               \
    " (else (local.set $n (local.get $f))))" LEAVE("1024") "(local.get $n))"

static const char plain[] =
    "(module " FRAMES AT_N("sums", "$sums") AT_N("array", "$array")
    "(func (export \"deep\") (param $n i32) (result i32) (call $deep (local.get $n)))"
    /* No end: the stack of calls ends it, above the guest's and below. */
    "(func $endless (param $n i32) (result i32) (local $f i32)" FRAME("16384")
    "(local.set $n (i32.add (call $endless (local.get $f)) (i32.const 1)))" LEAVE("16384")
    "(local.get $n)) (func (export \"endless\") (param $n i32) (result i32)"
    " (call $endless (local.get $n))))";

/* In the class of code that looks for exceptions, and with tail calls. */
static const char leaving[] =
    "(module (tag $e (param i32)) " FRAMES AT_N("sums", "$sums") AT_N("array", "$array")
    "(func (export \"deep\") (param $n i32) (result i32) (call $deep (local.get $n)))"
    "(func $throws (param $n i32) (result i32) (local $f i32)" FRAME("256")
    "(if (i32.ge_u (local.get $f) (i32.const 0x7fff0000)) (then (throw $e (local.get $f))))"
    LEAVE("256") "(local.get $f))"
    "(func $catches (param $n i32) (result i32) (block $h (result i32) (try_table (result i32)"
    " (catch $e $h) (call $throws (local.get $n)))))"
    "(func $jumps (param $n i32) (result i32) (local $f i32)" FRAME("64") LEAVE("64")
    "(return_call $sums (local.get $f)))" AT_N("catches", "$catches") AT_N("jumps", "$jumps") ")";

static const int32_t places[] = {0,          4,          255,        256,
                                 257,        300,        4096,       65536,
                                 65700,      0x7fefffff, 0x7ff000ff, 0x7ff00100,
                                 INT32_MAX,  INT32_MIN,  -65536,     -256, -4};

static void compare_all(const char *text, const char *const *names, size_t count)
{
    struct side sides[2];
    CHECK(make_side(STINT_TIER_INTERP, text, &sides[0]));
    bool is_there = make_side(STINT_TIER_AOT, text, &sides[1]);
    for (size_t i = 0; is_there && i < count; i++) {
        for (size_t k = 0; k < COUNT_OF(places); k++) {
            run_one(&sides[0], names[i], places[k], 100000, &interpreted);
            if (interpreted.status != STINT_OK) { /* what a fault leaves behind is not exact */
                run_one(&sides[1], names[i], places[k], 100000, &compiled);
                CHECK(compiled.status == interpreted.status);
                continue;
            }
            uint64_t all = compare(sides, names[i], places[k], 100000);
            uint64_t step = all < 200 ? 1 : all / 29;
            for (uint64_t fuel = 0; fuel <= all; fuel += step)
                (void)compare(sides, names[i], places[k], fuel);
            (void)compare(sides, names[i], places[k], all - 1);
        }
    }
    for (int32_t n = 0; is_there && n < 12; n++)
        (void)compare(sides, "deep", n, 100000);
    free_side(&sides[1]);
    free_side(&sides[0]);
    if (!is_there)
        SKIP(reason);
}

TEST(frames_are_where_they_are)
{
    static const char *const names[] = {"sums", "array"};
    compare_all(plain, names, COUNT_OF(names));
}

TEST(frames_of_code_that_leaves)
{
    static const char *const names[] = {"sums", "array", "catches", "jumps"};
    compare_all(leaving, names, COUNT_OF(names));
}

TEST(wild_frames_end)
{
    struct side side;
    struct outcome *outcome = &compiled;
    if (!make_side(STINT_TIER_AOT, plain, &side))
        SKIP(reason);
    run_one(&side, "endless", 1, UINT64_MAX >> 8, outcome);
    CHECK(outcome->status == STINT_TRAP);
    free_side(&side);
}

CHECK_MAIN
