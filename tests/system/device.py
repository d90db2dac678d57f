#!/usr/bin/env python3
# suite: builds=device
# SPDX-License-Identifier: Apache-2.0
"""stint-device: its size, what it runs, and what it says of what it leaves out."""

import os
import subprocess
import sys
import tempfile

SIZE_BYTES_MAX = 200_000
# The flavour's program has a name of its own.
STINT = os.environ.get("STINT", "build/device/stint")
if not os.path.basename(STINT).endswith("-device"):
    STINT += "-device"
TRANSLATOR = os.path.join(os.environ.get("STINT_BUILD", "build"), "release", "stint")

HELLO = """
(module (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 16) "hello\\0a")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1)
                                             (i32.const 8)))))
"""
MULTI = """
(module (func $swap (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (memory 1)
  (func (export "_start") (local $n i32)
    (memory.fill (i32.const 0) (i32.const 0xff) (i32.const 64))
    (if (i32.ne (i32.load8_s (i32.const 63)) (i32.const -1)) (then unreachable))
    (loop $again
      (call $swap (i64.extend_i32_u (local.get $n)) (f32.const 1.5))
      (if (i64.ne (i64.extend_i32_u (local.get $n))) (then unreachable))
      (if (f32.ne (f32.const 1.5)) (then unreachable))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                              (i32.const 1000))))))
"""
ENDLESS = '(module (func (export "_start") (loop (br 0))))'
VECTOR = '(module (func (export "_start") (drop (i8x16.splat (i32.const 1)))))'
STRUCT = '(module (type (struct)) (func (export "_start") (drop (struct.new 0))))'
MEMORIES = '(module (memory 1) (memory 1) (func (export "_start")))'
WIDE = '(module (memory i64 1) (func (export "_start")))'
THROW = '(module (tag) (func (export "_start") (throw 0)))'

# (name, module, options, exit code, stdout, part of stderr)
CASES = [
    ("hello", HELLO, [], 0, "hello\n", ""),
    ("several results, bulk memory", MULTI, [], 0, "", ""),
    ("metered", MULTI, ["--fuel", "1000000"], 0, "", ""),
    ("fuel", ENDLESS, ["--fuel", "1000"], 125, "", "fuel"),
    ("timeout", ENDLESS, ["--timeout", "50ms"], 124, "", "time"),
    ("vectors", VECTOR, [], 1, "", "offset"),
    ("objects", STRUCT, [], 1, "", "offset"),
    ("two memories", MEMORIES, [], 1, "", "multi"),
    ("64-bit memory", WIDE, [], 1, "", "memory64"),
    ("exceptions", THROW, [], 1, "", "exceptions"),
]


def main():
    passed = failed = 0

    def check(name, ok, detail):
        nonlocal passed, failed
        passed, failed = passed + bool(ok), failed + (not ok)
        if not ok:
            print(f"FAIL: {name}: {detail}")

    size = os.path.getsize(STINT)
    check("size", size < SIZE_BYTES_MAX, f"{size} bytes, {SIZE_BYTES_MAX} is the limit")
    with tempfile.TemporaryDirectory() as folder:
        for name, text, options, code, out, err in CASES:
            path = os.path.join(folder, "module")
            with open(path + ".wat", "w", encoding="utf-8") as f:
                f.write(text)
            subprocess.run([TRANSLATOR, "wat", path + ".wat", "-o", path + ".wasm"], check=True)
            done = subprocess.run([STINT, *options, path + ".wasm"], check=False, timeout=60,
                                  capture_output=True, text=True)
            ok = done.returncode == code and done.stdout == out and err in done.stderr
            check(name, ok, f"exit code {done.returncode}, {done.stdout!r}, {done.stderr!r}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
