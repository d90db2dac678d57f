#!/usr/bin/env python3
# suite: builds=release,gcc timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Handlers pass on to each other by jumps: no guest, however long it runs, uses native stack.

Runs loops, calls and recursion with 256 KiB of native stack, where a single handler that calls the
next one instead of jumping to it would end in a crash after some thousand operators. gcc 12 gives no
guarantee for that (src/interp/dispatch_tail.h), so this is its guard.
"""

import os
import resource
import subprocess
import sys
import tempfile

STACK_BYTES = 256 << 10
STINT = os.environ.get("STINT", "build/release/stint")

# Each body runs hundreds of thousands of operators of one kind. (name, wat, result)
LOOP = """
(module (memory 1) (global $g (mut i32) (i32.const 0)) (table 1 funcref) (elem (i32.const 0) $leaf)
  (type $t (func (param i32) (result i32)))
  (func $leaf (type $t) (i32.add (local.get 0) (i32.const 1)))
  (func (export "run") (result i32) {locals}
    (local $n i32)
    (loop $again
      {body}
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                              (i32.const 200000))))
    (local.get $n)))
"""
BODIES = {
    "integer": ("(local $x i64)", "(local.set $x (i64.mul (i64.add (local.get $x) (i64.const 7))"
                " (i64.const 0x123456789abcdef)))"),
    "float": ("(local $x f64)", "(local.set $x (f64.div (f64.add (local.get $x) (f64.const 1))"
              " (f64.nearest (f64.const 3))))"),
    "memory": ("", "(i32.store offset=4 (i32.const 8) (i32.load8_s (i32.and (local.get $n)"
               " (i32.const 0xfff))))"),
    "bulk": ("", "(memory.copy (i32.const 100) (i32.const 0) (i32.const 9))"),
    "call": ("", "(drop (call $leaf (local.get $n)))"),
    "indirect": ("", "(drop (call_indirect (type $t) (local.get $n) (i32.const 0)))"),
    "table": ("", "(drop (ref.is_null (table.get (i32.const 0))))"),
    "global": ("", "(global.set $g (i32.sub (global.get $g) (local.get $n)))"),
    "select": ("(local $x i32)", "(local.set $x (select (local.get $n) (i32.const 3)"
               " (i32.popcnt (local.get $n))))"),
    "vector": ("(local $v v128)", "(local.set $v (i32x4.add (i32x4.splat (local.get $n))"
               " (i8x16.swizzle (local.get $v) (local.get $v))))"),
    "division": ("", "(drop (i32.rem_s (local.get $n) (i32.const 7)))"),
    "br_table": ("", "(block $a (block $b (br_table $a $b (i32.and (local.get $n)"
                 " (i32.const 1)))))"),
}
RECURSION = """
(module (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $tail (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 0))))
  (func (export "run") (result i32)
    (i32.add (call $down (i32.const 100000)) (call $tail (i32.const 300000)))))
"""


def run(folder, name, text, extra):
    path = os.path.join(folder, name + ".wat")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    def small_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, STACK_BYTES))
    return subprocess.run([STINT, "run", *extra, "--invoke", "run", path], check=False,
                          preexec_fn=small_stack, capture_output=True, text=True, timeout=120)


def main():
    passed = failed = 0
    cases = {name: (LOOP.format(locals=local, body=body), "200000")
             for name, (local, body) in BODIES.items()}
    cases["recursion"] = (RECURSION, "100000")
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, want) in cases.items():
            for extra in ([], ["--fuel", "1000000000"]):
                done = run(folder, name, text, extra)
                if done.returncode == 0 and done.stdout.strip() == want:
                    passed += 1
                else:
                    failed += 1
                    print(f"FAIL: {name} {' '.join(extra)}: exit code {done.returncode}, "
                          f"{done.stdout.strip()!r} for {want!r}: {done.stderr.strip()}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
