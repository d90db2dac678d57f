#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""stint-device: the same as `stint run`, with less of it."""

import os
import subprocess

from program import Result, Skip, main, run, test

BUILD = os.environ.get("STINT_BUILD", "build")
DEVICE = os.path.join(BUILD, "device", "stint-device")
SIZE_MAX_BYTES = 200 * 1024

HELLO = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))
"""


def device(*args):
    if not os.path.exists(DEVICE):
        raise Skip(f"{DEVICE} was not built")
    return Result(subprocess.run([DEVICE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 timeout=60, check=False))


def binary(t, text):
    path = t.path("app.wasm")
    t.ends(run("wat", "-o", path, t.file("app.wat", text)), 0)
    return path


@test
def help_and_version(t):
    r = device("--help")
    t.ends(r, 0)
    t.match(r.out, r"\AUsage: stint-device \[options\] FILE")
    t.match(r.out, r"^  --dir HOST\[::GUEST\]\[:ro\] ")
    t.match(device("--version").out, r"\Astint-device \d+\.\d+\.\d+\n\Z")
    t.ends(device(), 2, "usage: stint-device")
    t.ends(device("--fule", "3"), 2, "did you mean '--fuel'")


@test
def hello(t):
    app = binary(t, HELLO)
    t.equal(device(app).out, "hello\n")
    t.equal(device("run", app).out, "hello\n")


@test
def ends(t):
    t.ends(device(binary(t, '(module (func (export "_start") unreachable))')), 134, "trap: unreachable")
    spin = binary(t, '(module (func (export "_start") (loop $l (br $l))))')
    t.ends(device("--fuel", "1000", spin), 125, "fuel used up")
    t.ends(device("--timeout", "20ms", spin), 124, "time is up")
    t.ends(device("/nonexistent"), 1, "No such file")
    t.ends(device(binary(t, '(module (import "a" "b" (func)))')), 1, "1 import is unknown")


@test
def what_is_not_in_it(t):
    t.ends(device(t.file("app.wat", HELLO)), 1, "text format")
    app = binary(t, '(module (func (export "_start") (drop (v128.const i64x2 1 2))))')
    t.ends(device(app), 1, "offset 0x")


@test
def it_is_small(t):
    device("--version")
    bytes_ = os.path.getsize(DEVICE)
    t.check(bytes_ < SIZE_MAX_BYTES, f"{bytes_} bytes, more than {SIZE_MAX_BYTES}")


main()
