#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint compile`: the verb, its output, and how it fails."""

import json
import os
import resource
import signal

from program import Skip, main, run, test

FIB = '(module (func $fib (export "fib") (param i32) (result i32)\n' \
      '  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))\n' \
      '    (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))\n' \
      '                   (call $fib (i32.sub (local.get 0) (i32.const 2))))))))\n'
IMAGE_MAGIC = b"stintaot"
ARCH_AT = 80  # in struct image_header (src/aot/image.h)
X86_64, AARCH64 = 1, 2


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def images(path):
    """The images in an artefact: the content of its sections "stint.aot"."""
    with open(path, "rb") as f:
        data = f.read()
    found, at = [], 8
    while at < len(data):
        kind = data[at]
        size, at = leb(data, at + 1)
        length, name_at = leb(data, at)
        content = data[name_at + length:at + size]
        if kind == 0 and data[name_at:name_at + length] == b"stint.aot" and IMAGE_MAGIC in content:
            found.append(content[content.index(IMAGE_MAGIC):])
        at += size
    return found


def archs(path):
    return [image[ARCH_AT] for image in images(path)]


def needs_compiler():
    program = os.environ["STINT"]
    if not os.path.exists(os.path.join(os.path.dirname(program), "libstint-compiler.so")):
        raise Skip("this build has no libstint-compiler.so")


@test
def compiles_a_module(t):
    needs_compiler()
    source = t.file("fib.wat", FIB)
    result = run("compile", source)
    t.ends(result, 0)
    t.match(result.out, r"fib\.aot\.wasm: .*\n.* 1 functions: code ")
    t.equal(len(images(t.path("fib.aot.wasm"))), 1)
    out = t.path("named.wasm")
    t.equal(run("compile", "--quiet", source, out).out, "")
    t.equal(run("run", "--tier", "interp", "--invoke", "fib", out, "10").out, "55\n")
    with open(out, "rb") as f:
        raw = f.read()
    with open(source, "rb") as f:
        to_stdout = run("compile", "-q", "-", "-o", "-", input=f.read())
    t.ends(to_stdout, 0)
    t.check(to_stdout.raw_out == raw, "what goes to stdout differs")


@test
def several_targets_in_one_file(t):
    needs_compiler()
    out, again = t.path("out.wasm"), t.path("again.wasm")
    t.ends(run("compile", t.file("fib.wat", FIB), "-o", out, "--target", "x86_64-v2,x86_64-v3",
               "-t", "aarch64", "-t", "x86_64-v2"), 0)
    t.equal(archs(out), [X86_64, X86_64, AARCH64])
    # What carries code already is compiled afresh.
    t.ends(run("compile", out, again, "--target", "aarch64"), 0)
    t.equal(archs(again), [AARCH64])
    t.check(images(again)[0] == images(out)[2], "the same input gives another image")


@test
def the_report_as_json(t):
    needs_compiler()
    source = t.file("fib.wat", FIB)
    for level in "0", "1", "3", "s":
        result = run("compile", "--json", "-O" + level, "-j", "1", source)
        t.ends(result, 0)
        report = json.loads(result.out)
        t.equal(report["images"][0]["functions"], 1)
        t.check(report["images"][0]["code_bytes"] > 0, "there is code")
        t.equal(report["output_bytes"], os.path.getsize(t.path("fib.aot.wasm")))


@test
def command_lines_that_are_wrong(t):
    source = t.file("fib.wat", FIB)
    t.ends(run("compile"), 2, "Give a FILE")
    t.ends(run("compile", "a", "b", "c"), 2, "one FILE")
    t.ends(run("compile", source, "x", "-o", "y"), 2, "named twice")
    t.ends(run("compile", "-"), 2, "-o")
    t.ends(run("compile", source, "--target", "z80"), 2, "unknown target 'z80'")
    t.ends(run("compile", source, "-O9"), 2, "optimize")
    t.match(run("compile", "--help").out, "x86_64-v3")


@test
def modules_that_are_wrong(t):
    out = t.path("out.wasm")
    t.ends(run("compile", t.path("nothing.wasm"), out), 1, "nothing.wasm")
    t.ends(run("compile", t.file("bad.wasm", b"\0asm\1\0\0\0\1"), out), 1, "bad.wasm")
    t.ends(run("compile", t.file("text.wat", "(module (func (result i32)))"), out), 1, "function #0")
    t.ends(run("compile", "-W", "no-simd", t.file("v.wat", "(module (func (param v128)))"), out), 1,
           "simd")
    t.check(not os.path.exists(out), "an output was left behind")


@test
def outputs_are_whole_or_not_at_all(t):
    needs_compiler()
    source, out = t.file("fib.wat", FIB), t.file("out.wasm", "precious")
    t.ends(run("compile", source, t.path("no/such/dir/x")), 1, "No such file or directory")
    t.ends(run("compile", source, "/dev/full"), 1, "No space left on device")

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    t.ends(run("compile", source, out, preexec_fn=small_files), 1, "File too large")
    with open(out, encoding="utf-8") as f:
        t.equal(f.read(), "precious")
    t.equal(sorted(os.listdir(os.path.dirname(out))), ["fib.wat", "out.wasm"])


main()
