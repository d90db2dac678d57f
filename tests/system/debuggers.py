#!/usr/bin/env python3
# suite: builds=release
# SPDX-License-Identifier: Apache-2.0
"""Debuggers and perf see compiled functions: names, frames and lines in gdb, code and lines in the
files that perf reads."""

import os
import re
import shutil
import struct
import subprocess

from program import STINT, Skip, main, test

PLUGIN = os.path.join(os.path.dirname(STINT), "libstint-compiler.so")

SOURCE = """/* Line numbers count. */
static volatile int sink;
__attribute__((noinline)) static int innermost(int x)
{
    sink += x;
    if (sink == 12345)
        __builtin_trap();
    return sink;
}
__attribute__((noinline)) static int middle(int x)
{
    int r = innermost(x + 1);
    return r * 3 + sink;
}
int run(int x)
{
    int r = middle(x);
    return r + sink;
}
"""

NESTED = """(module
  (func $innermost (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0)))
  (func $middle (param i32) (result i32) (i32.add (call $innermost (local.get 0)) (i32.const 1)))
  (func (export "run") (param i32) (result i32) (i32.mul (call $middle (local.get 0)) (i32.const 3))))
"""

EXACT = ["--tier", "aot", "--opt-level", "0", "--strict-traps"]


def environment():
    return dict(os.environ, STINT_NO_CACHE="1")


def need_plugin():
    if not os.path.exists(PLUGIN):
        raise Skip("the compiler plug-in is not built here")


def gdb(t, script, *args):
    """What gdb prints when it runs the program with these commands."""
    if not shutil.which("gdb"):
        raise Skip("gdb is not installed")
    commands = t.file("commands", "set pagination off\nset confirm off\nset breakpoint pending on\n"
                      "set debuginfod enabled off\nhandle SIGSEGV nostop noprint pass\n" + script)
    done = subprocess.run(["gdb", "-batch", "-nx", "-x", commands, "--args", STINT, "run", *args],
                          capture_output=True, text=True, timeout=120, env=environment())
    text = done.stdout + done.stderr
    if re.search(r"ptrace: |Cannot (trace|insert|PTRACE)|Could not trace", text):
        raise Skip("debuggers may not trace programs here")
    return text


def guest(t):
    """A module with lines, and without a C library."""
    clang = shutil.which("clang-19") or shutil.which("clang")
    if not clang:
        raise Skip("there is no clang")
    module = t.path("app.wasm")
    done = subprocess.run([clang, "--target=wasm32", "-nostdlib", "-g", "-O0", "-Wl,--no-entry",
                           "-Wl,--export=run", "-o", module, t.file("app.c", SOURCE)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip("clang makes no wasm here: " + done.stderr.splitlines()[0])
    return module


@test
def names_and_frames(t):
    """From a guest function through all of the guest to main of the host."""
    need_plugin()
    module = t.file("nested.wat", NESTED)
    text = gdb(t, "break innermost\nrun\nbt\ncontinue\n", *EXACT, "--debug", "--invoke", "run",
               module, "7")
    frames = re.findall(r"^#(\d+) .*?(?:in )?(\w+) \(", text, re.M)
    names = [name for _, name in frames]
    t.check(names[:2] == ["innermost", "middle"], text)
    t.check("wasm_entry" in names and "main" in " ".join(names), text)
    t.match(text, r"exited normally")


@test
def names_in_hot_code(t):
    """Images that come and go while the program runs."""
    need_plugin()
    module = t.file("nested.wat", NESTED)
    text = gdb(t, "break innermost\nrun\nbt 2\ncontinue\n", "--tier", "jit", "--tier-samples", "1",
               "--strict-traps", "--debug", "--invoke", "run", module, "7")
    t.match(text, r"#0 .*innermost")
    t.match(text, r"exited normally")


@test
def lines(t):
    need_plugin()
    text = gdb(t, "break app.c:8\nrun\nbt 3\ncontinue\n", *EXACT, "--debug", "--invoke", "run",
               guest(t), "3")
    t.match(text, r"^#0 .*innermost \(\) at .*app\.c:8$")
    t.match(text, r"^#1 .*middle \(\) at .*app\.c:12$")
    t.match(text, r"^#2 .*run \(\) at .*app\.c:17$")
    t.match(text, r"exited normally")


@test
def without_lines(t):
    """--debug on a module whose line tables are broken tells names all the same."""
    need_plugin()
    wat = NESTED.rstrip()[:-1] + '(@custom ".debug_line" "\\ff\\ff\\00\\00\\05\\00\\08\\00"))\n'
    text = gdb(t, "break innermost\nrun\nbt 2\ncontinue\n", *EXACT, "--debug", "--invoke", "run",
               t.file("broken.wat", wat), "7")
    t.match(text, r"^#1 .*in middle \(\)")
    t.match(text, r"exited normally")


@test
def perf_files(t):
    """The map and the dump, by their formats: no perf is needed."""
    need_plugin()
    module = t.file("nested.wat", NESTED)
    process = subprocess.Popen([STINT, "run", *EXACT, "--perf", "--invoke", "run", module, "7"],
                               env=environment(), stdout=subprocess.PIPE)
    out = process.communicate(timeout=120)[0]
    files = [f"/tmp/perf-{process.pid}.map", f"/tmp/jit-{process.pid}.dump"]
    try:
        t.equal(out, b"6\n")
        with open(files[0], encoding="utf-8") as file:
            t.match(file.read(), r"^[0-9a-f]+ [0-9a-f]+ innermost$")
        with open(files[1], "rb") as file:
            dump = file.read()
        t.equal(os.stat(files[1]).st_mode & 0o777, 0o600)
    finally:
        for file in files:
            if os.path.exists(file):
                os.remove(file)
    magic, version, at = struct.unpack_from("<III", dump)
    t.equal((magic, version, at), (0x4A695444, 1, 40))
    names = []
    while at < len(dump):
        kind, size = struct.unpack_from("<II", dump, at)
        if kind == 0:
            code_bytes = struct.unpack_from("<Q", dump, at + 40)[0]
            name = dump[at + 56:].split(b"\0", 1)[0]
            names.append(name.decode())
            t.equal(size, 56 + len(name) + 1 + code_bytes)
        at += size
    t.equal(at, len(dump))
    t.check({"innermost", "middle"} <= set(names), names)


main()
