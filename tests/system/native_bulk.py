#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""memory.copy and memory.fill in machine code, whose sizes are known only when they run: the same
bytes, fuel and traps as interpreted."""

import os
import re

from program import Skip, main, run, test

# $each: all sizes below a limit, overlapping both ways; all values are in use across the operators.
MODULE = """(module (memory 2 2)
  (func $paint (param $seed i32) (local $at i32)
    (loop $next
      (i32.store8 (local.get $at)
        (i32.shr_u (i32.mul (i32.add (local.get $at) (local.get $seed)) (i32.const 0x9e3779b1))
                   (i32.const 24)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1024)))))
  (func $hash (param $sum i64) (result i64) (local $at i32)
    (loop $next
      (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.load (local.get $at)))
                               (i64.const 0x100000001b3)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1024))))
    (local.get $sum))
  (func (export "each") (param $limit i32) (result i64)
    (local $n i32) (local $shift i32) (local $sum i64) (local $a i32) (local $b i32) (local $c i64)
    (local $d f64)
    (local.set $a (i32.const 3)) (local.set $b (i32.const 5)) (local.set $d (f64.const 1.5))
    (loop $sizes
      (local.set $shift (i32.const 0))
      (loop $shifts
        (call $paint (local.get $n))
        (local.set $a (i32.add (i32.mul (local.get $a) (i32.const 31)) (local.get $b)))
        (local.set $b (i32.xor (local.get $b) (local.get $a)))
        (local.set $c (i64.add (local.get $c) (i64.extend_i32_u (local.get $b))))
        (memory.copy (i32.add (i32.const 300) (local.get $shift)) (i32.const 320) (local.get $n))
        (local.set $c (i64.add (local.get $c) (i64.extend_i32_u (local.get $a))))
        (local.set $d (f64.add (local.get $d) (f64.convert_i32_u (local.get $b))))
        (memory.fill (i32.add (i32.const 40) (local.get $shift))
                     (i32.add (local.get $a) (local.get $n)) (local.get $n))
        (local.set $sum (i64.add (call $hash (i64.xor (local.get $sum) (local.get $c)))
                                 (i64.reinterpret_f64 (local.get $d))))
        (local.set $shift (i32.add (local.get $shift) (i32.const 9)))
        (br_if $shifts (i32.lt_u (local.get $shift) (i32.const 45))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $sizes (i32.lt_u (local.get $n) (local.get $limit))))
    (local.get $sum))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2))))
"""
INSIDE = [("copy", 131072, 0, 0), ("copy", 0, 131072, 0), ("copy", 131071, 0, 1),
          ("copy", 0, 131009, 63), ("copy", 131008, 0, 64), ("copy", 0, 0, 131072),
          ("fill", 131072, 1, 0), ("fill", 131041, 1, 31), ("fill", 0, 1, 131072)]
OUTSIDE = [("copy", 131073, 0, 0), ("copy", 0, 131073, 0), ("copy", 131072, 0, 1),
           ("copy", 0, 131010, 63), ("copy", 131009, 0, 64), ("copy", 0, 1, 131072),
           ("copy", 0xffffffff, 0, 0xffffffff), ("copy", 0, 0, 0x80000000),
           ("fill", 131073, 1, 0), ("fill", 131042, 1, 31), ("fill", 1, 1, 131072),
           ("fill", 0xfffffff0, 1, 0x20), ("fill", 0, 1, 0xffffffff)]
WAYS = [["-O0"], ["-O1"], ["-O2"], ["-O2", "--strict-traps"]]


def outcome(way, module, *call):
    """How a call ends, what it prints, whether it trapped so, and the fuel it used."""
    options = [flag for flag in way if flag == "--strict-traps"]
    tier = "aot" if way else "interp"
    result = run("run", "--tier", tier, *options, "--fuel", "100000000", "--stats=json", "--invoke",
                 call[0], module, *[str(value) for value in call[1:]])
    fuel = re.search(r'"fuel_used": *(\d+)', result.err)
    trap = re.search(r"out of bounds memory access", result.err)
    return result.code, result.out, trap is not None, fuel and fuel.group(1)


def compiled(t, way, source):
    out = t.path("bulk" + "".join(way) + ".wasm")
    t.ends(run("compile", "-q", *way, source, "-o", out), 0)
    return out


def needs_compiler():
    program = os.environ["STINT"]
    if not os.path.exists(os.path.join(os.path.dirname(program), "libstint-compiler.so")):
        raise Skip("this build has no libstint-compiler.so")


@test
def sizes_known_when_they_run(t):
    needs_compiler()
    source = t.file("bulk.wat", MODULE)
    calls = [("each", 150)] + INSIDE + OUTSIDE
    wanted = [outcome([], source, *call) for call in calls]
    for call, want in zip(calls, wanted):
        t.check(want[2] == (call in OUTSIDE), f"interpreted: {call}: {want}")
        t.check(want[3] is not None, f"interpreted: {call}: no figure of fuel")
    for way in WAYS:
        module = compiled(t, way, source)
        for call, want in zip(calls, wanted):
            got = outcome(way, module, *call)
            t.check(got == want, f"{way}: {call}: {got} instead of {want}")


@test
def fuel_ends_inside_a_copy(t):
    needs_compiler()
    source = t.file("bulk.wat", MODULE)
    module = compiled(t, ["-O2"], source)
    for fuel in "5", "100", "2051", "2052", "2053":
        got = [run("run", "--tier", tier, "--fuel", fuel, "--invoke", "copy", file, "0", "0",
                   "131072").code for tier, file in (("interp", source), ("aot", module))]
        t.equal(got[1], got[0])


main()
