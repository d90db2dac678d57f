#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint run`: what the guest gets, how it ends, what is said when it goes wrong."""

import json
import os
import subprocess

from program import STINT, main, run, test

WASI = '(import "wasi_snapshot_preview1"'

HELLO = f"""(module
  {WASI} "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))
"""

# Writes its arguments, or its environment, to stdout: the strings with their NULs.
STRINGS = f"""(module
  {WASI} "%s_sizes_get" (func $sizes (param i32 i32) (result i32)))
  {WASI} "%s_get" (func $get (param i32 i32) (result i32)))
  {WASI} "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 12)))
    (drop (call $get (i32.const 64) (i32.const 4096)))
    (i32.store (i32.const 8) (i32.const 4096))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)))))
"""

EXIT = f"""(module {WASI} "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const %d))))
"""

FUNCTIONS = """(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "all") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "vector") (param v128) (result v128) (local.get 0))
  (func (export "null") (param funcref externref) (result externref funcref)
    (local.get 1) (local.get 0))
  (func $f (export "reference") (result funcref) (ref.func $f))
  (func (export "i31") (result (ref i31)) (ref.i31 (i32.const 5)))
  (func (export "none"))
  (global (export "global") i32 (i32.const 1)))
"""

SPIN = '(module (func (export "_start") (loop $l (br $l))))'


@test
def hello(t):
    r = run("run", t.file("hello.wat", HELLO))
    t.ends(r, 0)
    t.equal(r.out, "hello\n")


@test
def binaries_and_stdin(t):
    wasm = t.path("hello.wasm")
    t.ends(run("wat", "-o", wasm, t.file("hello.wat", HELLO)), 0)
    t.equal(run("run", wasm).out, "hello\n")
    t.equal(run("run", "-", input=HELLO.encode()).out, "hello\n")
    with open(wasm, "rb") as f:
        t.equal(run("run", "-", input=f.read()).out, "hello\n")


@test
def arguments(t):
    app = t.file("args.wat", STRINGS % ("args", "args"))
    t.equal(run("run", app).out, app + "\0")
    t.equal(run("run", app, "--dir", "-x", "a b").out, f"{app}\0--dir\0-x\0a b\0")
    t.equal(run("run", "--argv0", "clang", app, "x").out, "clang\0x\0")


@test
def environment(t):
    app = t.file("env.wat", STRINGS % ("environ", "environ"))
    ours = {"SECRET": "1", "SHARED": "two words", "PATH": "/bin"}
    t.equal(run("run", app, env=ours).out, "")
    t.equal(run("run", "--env", "A=b=c", "--env=EMPTY=", "--env", "SHARED", "--env", "MISSING", app,
                env=ours).out, "A=b=c\0EMPTY=\0SHARED=two words\0")
    t.ends(run("run", "--env", "=x", app), 2, r"\Astint: --env: '=x' has no name\n\Z")


@test
def exit_codes(t):
    for code, want in ((0, 0), (1, 1), (42, 42), (255, 255), (256, 255), (3000000, 255)):
        t.ends(run("run", t.file("exit.wat", EXIT % code)), want)


@test
def directories(t):
    listing = f"""(module
      {WASI} "fd_prestat_get" (func $get (param i32 i32) (result i32)))
      {WASI} "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
      {WASI} "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      {WASI} "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
      {WASI} "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (data (i32.const 512) "new") (data (i32.const 600) ";")
      (func (export "_start") (local $fd i32)
        (local.set $fd (i32.const 3))
        (block $done (loop $next
          (br_if $done (call $get (local.get $fd) (i32.const 0)))
          (drop (call $name (local.get $fd) (i32.const 1024) (i32.load (i32.const 4))))
          (i32.store (i32.const 8) (i32.const 1024))
          (i32.store (i32.const 12) (i32.load (i32.const 4)))
          (i32.store (i32.const 16) (i32.const 600))
          (i32.store (i32.const 20) (i32.const 1))
          (drop (call $write (i32.const 1) (i32.const 8) (i32.const 2) (i32.const 32)))
          (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
          (br $next)))
        (call $exit (call $mkdir (i32.const 3) (i32.const 512) (i32.const 3)))))
    """
    app = t.file("dirs.wat", listing)
    one, two = t.path("one"), t.path("two")
    os.mkdir(one)
    os.mkdir(two)
    r = run("run", "--dir", f"{one}::/data", "--dir", two, app)
    t.equal(r.out, f"/data;{two};")
    t.equal(r.code, 0)
    t.check(os.path.isdir(os.path.join(one, "new")), "the directory was not made")
    r = run("run", "--dir", f"{two}::/:ro", app)
    t.equal(r.out, "/;")
    t.equal(r.code, 69)  # ROFS
    t.check(not os.path.exists(os.path.join(two, "new")), "written to a read-only directory")
    t.ends(run("run", "--dir", t.path("none"), app), 1, r"\Astint: .*none.*No such file")
    t.ends(run("run", "--dir", app, app), 1, "[Nn]ot a directory")


@test
def listeners(t):
    app = t.file("hello.wat", HELLO)
    t.equal(run("run", "--tcplisten", "127.0.0.1:0", app).out, "hello\n")
    t.ends(run("run", "--tcplisten", "nonsense", app), 2, r"\Astint: 'nonsense' is not")


# ---- --invoke ----------------------------------------------------------------------------------

def invoke(t, name, *args, more=()):
    return run("run", *more, "--invoke", name, t.file("f.wat", FUNCTIONS), *args)


@test
def arguments_are_typed(t):
    t.equal(invoke(t, "add", "2", "3").out, "5\n")
    t.equal(invoke(t, "add", "0xffffffff", "-2147483648").out, "2147483647\n")
    t.equal(invoke(t, "add", "4294967295", "1_000").out, "999\n")
    t.equal(invoke(t, "all", "-1", "9223372036854775807", "1.5", "-0x1p-3").out,
            "-0.125\n1.5\n9223372036854775807\n-1\n")
    t.equal(invoke(t, "all", "0", "-0x8000000000000000", "inf", "nan").out,
            "nan\ninf\n-9223372036854775808\n0\n")
    t.equal(invoke(t, "all", "0", "0", "nan:0x200000", "-nan:0x1").out,
            "-nan:0x1\nnan:0x200000\n0\n0\n")
    t.equal(invoke(t, "all", "0", "0", "0.1", "0.1").out, "0.1\n0.1\n0\n0\n")


@test
def vectors_and_references(t):
    t.equal(invoke(t, "vector", "i32x4:1,2,3,-1").out,
            "i32x4:0x00000001,0x00000002,0x00000003,0xffffffff\n")
    t.equal(invoke(t, "vector", "f64x2:1,-2").out,
            "i32x4:0x00000000,0x3ff00000,0x00000000,0xc0000000\n")
    t.equal(invoke(t, "vector", "i8x16:" + ",".join(map(str, range(16)))).out,
            "i32x4:0x03020100,0x07060504,0x0b0a0908,0x0f0e0d0c\n")
    t.equal(invoke(t, "null", "null", "null").out, "null\nnull\n")
    t.equal(invoke(t, "reference").out, "funcref\n")
    t.equal(invoke(t, "i31").out, "i31ref\n")
    t.equal(invoke(t, "none").out, "")


@test
def results_as_json(t):
    out = invoke(t, "all", "-1", "5", "inf", "0.5", more=["--json"]).out
    t.equal(json.loads(out), {"results": [0.5, "inf", 5, -1]})
    t.equal(json.loads(invoke(t, "none", more=["--json"]).out), {"results": []})
    t.equal(json.loads(invoke(t, "null", "null", "null", more=["--json"]).out),
            {"results": [None, None]})


@test
def wrong_arguments(t):
    t.ends(invoke(t, "add", "2"), 2, "'add' takes 2 arguments, 1 given")
    t.ends(invoke(t, "none", "2"), 2, "'none' takes 0 arguments, 1 given")
    for word in ("4294967296", "-2147483649", "1.5", "", "0x", "abc", "1_", "--1"):
        t.ends(invoke(t, "add", "1", word), 2, "argument 2 of 'add': '.*' is not of type i32")
    t.ends(invoke(t, "all", "1", "1", "x", "1"), 2, r"argument 3 .* type f32\n  What it takes: such as")
    t.ends(invoke(t, "vector", "i32x4:1,2,3"), 2, "type v128")
    t.ends(invoke(t, "null", "0", "null"), 2, "type funcref")


@test
def functions_that_are_not_there(t):
    t.ends(invoke(t, "ad"), 2, r"no function is exported as 'ad'\n  Did you mean 'add'\?")
    t.ends(invoke(t, "global"), 2, "no function is exported as 'global'")
    t.ends(invoke(t, "qqqqqqqqq"), 2, r"  Exported functions: add, all, vector")
    t.ends(run("run", "--invoke", "f", t.file("e.wat", "(module)")), 2, "exports no functions")


@test
def names_do_not_steer_the_terminal(t):
    app = t.file("names.wat", '(module (func (export "a\\1b[2Jb")) (func (export "c\\0ad")))')
    t.ends(run("run", "--invoke", "x", app), 2, r"Exported functions: a\?\[2Jb, c\?d\n\Z")


@test
def a_reactor_is_initialised(t):
    app = t.file("reactor.wat", """(module (global $g (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $g (i32.const 7)))
      (func (export "get") (result i32) (global.get $g)))""")
    t.equal(run("run", "--invoke", "get", app).out, "7\n")
    t.ends(run("run", app), 1, r"exports no _start\n  .*--invoke")


@test
def start_of_another_type(t):
    app = t.file("start.wat", '(module (func (export "_start") (param i32)))')
    t.ends(run("run", app), 1, "'_start' has parameters or results")


# ---- How it ends -------------------------------------------------------------------------------

@test
def traps(t):
    app = t.file("trap.wat", """(module (memory 1)
      (func $inner (param i32) (drop (i32.load offset=4 (local.get 0))))
      (func $outer (export "_start") (call $inner (i32.const -1))))""")
    r = run("run", app)
    t.ends(r, 134, r"\Astint: .*trap.wat: trap: out of bounds memory access\n")
    t.match(r.err, r"^  #0 0x[0-9a-f]+  inner \(")
    t.match(r.err, r"^  #1 0x[0-9a-f]+  outer \(")
    app = t.file("start.wat", "(module (func $f unreachable) (start $f))")
    t.ends(run("run", app), 134, r"trap: unreachable\n  #0 0x")


@test
def uncaught_exceptions(t):
    app = t.file("throw.wat", '(module (tag $t) (func (export "_start") (throw $t)))')
    t.ends(run("run", app), 134, "uncaught exception")


@test
def endless_recursion(t):
    app = t.file("deep.wat", '(module (func $f (export "_start") (call $f)))')
    r = run("run", app)
    t.ends(r, 134, r"call stack exhausted\n(  #\d+ .*\n)+  \.\.\. \d+ more\n  --max-stack SIZE")
    t.ends(run("run", "--max-stack", "64K", app), 134, "call stack exhausted")


@test
def fuel(t):
    app = t.file("spin.wat", SPIN)
    t.ends(run("run", "--fuel", "100000", app), 125, r"\Astint: .*fuel used up \(--fuel 100000\)\n")
    t.ends(run("run", "--fuel", "0", app), 125, "fuel used up")
    t.equal(run("run", "--fuel", "100000", t.file("hello.wat", HELLO)).out, "hello\n")


@test
def timeouts(t):
    app = t.file("spin.wat", SPIN)
    t.ends(run("run", "--timeout", "20ms", app), 124, r"\Astint: .*time is up \(--timeout\)\n")
    t.ends(run("run", "--timeout", "0", app), 124, "time is up")
    t.equal(run("run", "--timeout", "10m", t.file("hello.wat", HELLO)).out, "hello\n")


@test
def timeouts_while_waiting(t):
    """A guest that waits for input is stopped as well."""
    app = t.file("read.wat", f"""(module
      {WASI} "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\40\\00\\00\\00\\40\\00\\00\\00")
      (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))))
    """)
    read, write = os.pipe()
    t.ends(run("run", "--timeout", "50ms", app, stdin=read), 124, "time is up")
    os.close(read)
    os.close(write)


@test
def limits(t):
    app = t.file("grow.wat", """(module (memory 1) (table 1 funcref)
      (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "table") (param i32) (result i32)
        (table.grow (ref.null func) (local.get 0))))""")
    t.equal(run("run", "--invoke", "memory", app, "15").out, "1\n")
    t.equal(run("run", "--max-memory", "1M", "--invoke", "memory", app, "15").out, "1\n")
    t.equal(run("run", "--max-memory", "1M", "--invoke", "memory", app, "16").out, "-1\n")
    t.equal(run("run", "--max-table", "10", "--invoke", "table", app, "9").out, "1\n")
    t.equal(run("run", "--max-table", "10", "--invoke", "table", app, "10").out, "-1\n")
    t.ends(run("run", "--max-memory", "64K", t.file("big.wat", "(module (memory 2))")), 1, "memory")
    app = t.file("gc.wat", """(module (type $a (array i8))
      (func (export "_start") (local (ref null $a))
        (loop $l (local.set 0 (array.new_default $a (i32.const 100000))) (br $l))))""")
    t.ends(run("run", "--max-gc-heap", "64K", app), 134, "allocation size too large")


# ---- What is not accepted ----------------------------------------------------------------------

@test
def unknown_imports(t):
    app = t.file("imports.wat", f"""(module {WASI} "fd_wite" (func (param i32)))
      (import "env" "log" (func (param i32) (result f64))) (import "env" "g" (global i32))
      (import "wasi_snapshot_preview2" "fd_write" (func)) {WASI} "proc_exit" (func (param i32)))
      (func (export "_start")))""")
    r = run("run", app)
    t.ends(r, 1, r"\Astint: .*imports.wat: 4 imports are unknown:\n")
    t.match(r.err, r"^  wasi_snapshot_preview1.fd_wite \(func \(param i32\)\); did you mean 'fd_write'\?")
    t.match(r.err, r"^  env.log \(func \(param i32\) \(result f64\)\)$")
    t.match(r.err, r"^  env.g \(global i32\)$")
    t.match(r.err, r"^  wasi_snapshot_preview2.fd_write .*did you mean the module 'wasi_snapshot_preview1'")
    many = "".join(f'(import "env" "f{i}" (func))' for i in range(100))
    r = run("run", t.file("many.wat", f"(module {many})"))
    t.ends(r, 1, r"^  \.\.\. and 60 more$")


@test
def imports_of_another_type(t):
    app = t.file("type.wat", f"""(module {WASI} "fd_write" (func (param i64)))
      (func (export "_start")))""")
    t.ends(run("run", app), 1, "fd_write")


@test
def malformed_and_invalid_modules(t):
    for content, what in ((b"", "the file is empty"), (b"\x7fELF", "neither a WebAssembly binary"),
                          (b"\0asm\x02\0\0\0", r"offset 0x4: .*version"),
                          (b"\0asm\1\0\0\0\x0a\xff", r"offset 0x")):
        r = run("run", t.file("bad.wasm", content))
        t.ends(r, 1, r"\Astint: .*bad.wasm: .*" + what)
        t.equal(r.err.count("\n"), 1)
    wasm = t.path("invalid.wasm")
    text = '(module (func $f (export "_start") (result i32) (i64.const 1)))'
    t.ends(run("wat", "--no-check", "-o", wasm, t.file("invalid.wat", text)), 0)
    r = run("run", wasm)
    t.ends(r, 1, r"\Astint: .*invalid.wasm: offset 0x[0-9a-f]+ in function #0 \(\$f\): ")
    t.equal(r.err.count("\n"), 1)
    t.ends(run("run", t.file("invalid.wat", text)), 1, r"invalid.wat: in function #0 \(\$f\): ")


@test
def malformed_text(t):
    r = run("run", t.file("bad.wat", "(module\n  (func (i32.cnst 1)))"))
    t.ends(r, 1, r"\Astint: .*bad.wat:2:10: .*i32.cnst")


@test
def features_switched_off(t):
    app = t.file("simd.wat", '(module (func (export "_start") (drop (v128.const i64x2 1 2))))')
    t.ends(run("run", app), 0)
    t.ends(run("run", "-W", "no-simd", app), 1, "simd|vector")
    t.ends(run("run", "-W", "none", app), 1, "simd|vector")
    t.ends(run("run", "-W", "none", "-W", "simd=y", app), 0)
    t.ends(run("run", "-W", "none", t.file("mvp.wat", '(module (func (export "_start")))')), 0)


# ---- Output ------------------------------------------------------------------------------------

@test
def statistics(t):
    app = t.file("hello.wat", HELLO)
    r = run("run", "--stats", app)
    t.equal(r.out, "hello\n")
    t.equal(r.code, 0)
    for word in ("read", "decode", "validate", "instantiate", "run", "peak RSS", "fuel used", "calls"):
        t.match(r.err, rf"^ *{word}[ :]+[0-9.]+")
    r = run("run", "--stats=json", app)
    data = json.loads(r.err)
    t.equal(data["calls"], 1)
    t.equal(data["memory_bytes"], 65536)
    t.check(data["fuel_used"] > 0, data)
    again = json.loads(run("run", "--stats=json", app).err)
    t.equal(again["fuel_used"], data["fuel_used"])
    # They come after a failure, too.
    r = run("run", "--stats=json", t.file("exit.wat", EXIT % 3))
    t.equal(r.code, 3)
    t.equal(json.loads(r.err)["calls"], 1)
    r = run("run", "--stats", "/nonexistent")
    t.ends(r, 1, "^peak RSS")


@test
def guest_output_that_goes_nowhere(t):
    """The guest sees the error; the exit code is its own."""
    app = t.file("write.wat", f"""(module
      {WASI} "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      {WASI} "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\00x")
      (func (export "_start")
        (call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))""")
    with open("/dev/full", "wb") as full:
        t.ends(run("run", app, stdout=full), 51)  # NOSPC
    read, write = os.pipe()
    os.close(read)
    t.ends(run("run", app, stdout=write), 64)  # PIPE
    os.close(write)
    p = subprocess.run(["sh", "-c", 'exec "$0" run "$1" >&-', STINT, app], check=False)
    t.check(p.returncode != 0, "a closed stdout went unnoticed")


@test
def collector_stress(t):
    app = t.file("gc.wat", """(module (type $s (struct (field (mut (ref null $s))) (field i32)))
      (func (export "f") (result i32) (local $s (ref null $s)) (local $i i32)
        (loop $l
          (local.set $s (struct.new $s (local.get $s) (local.get $i)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))
        (struct.get $s 1 (struct.get $s 0 (local.get $s)))))""")
    r = run("run", "--gc-stress", "--stats=json", "--invoke", "f", app)
    t.equal(r.out, "18\n")
    t.check(json.loads(r.err)["gc_collections"] >= 20, r.err)


main()
