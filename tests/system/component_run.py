#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint run` of components: values in and out, composition, and how a run ends."""

import json
import os
import signal
import subprocess
import time

import component_binary as c
from program import STINT, Skip, main, run, test

# Gives a list back as it came, whatever is in it, and numbers.
ECHO = """(module
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32)
        (param $size i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                            (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "list") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "none"))
  (func (export "bad") (result i32)
    (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 2))
    (i32.store16 (i32.const 32) (i32.const 0xffff)) (i32.const 16))
  (func $inner unreachable)
  (func (export "trap") (call $inner)))
"""

# What `run` of a command does, beside exit codes.
COMMANDS = """(module
  (import "host" "exit" (func $exit (param i32)))
  (func (export "good") (result i32) (i32.const 0))
  (func (export "failing") (result i32) (i32.const 1))
  (func (export "leaving") (result i32) (call $exit (i32.const 42)) (i32.const 0))
  (func $deep (result i32) unreachable)
  (func (export "trapping") (result i32) (call $deep))
  (func (export "spinning") (result i32) (loop $l (br $l)) (unreachable)))
"""


def core(t, text):
    path = t.path("core.wasm")
    t.ends(run("wat", "-o", path, t.file("core.wat", text)), 0)
    with open(path, "rb") as file:
        return file.read()


def echo(t):
    b = c.Builder()
    instance = b.core_instance(b.core_module(core(t, ECHO)))
    options = c.in_memory(b.core_memory(instance, "memory"), b.core_func(instance, "realloc"))
    funcs = {text: b.core_func(instance, text)
             for text in ("list", "i32", "i64", "f32", "f64", "add", "none", "trap", "bad")}
    scalars = [("bool", c.BOOL, "i32"), ("s8", c.S8, "i32"), ("u8", c.U8, "i32"),
               ("s16", c.S16, "i32"), ("u16", c.U16, "i32"), ("s32", c.S32, "i32"),
               ("u32", c.U32, "i32"), ("char", c.CHAR, "i32"), ("s64", c.S64, "i64"),
               ("u64", c.U64, "i64"), ("f32", c.F32, "f32"), ("f64", c.F64, "f64")]
    for label, kind, how in scalars:
        b.export_func("echo-" + label, b.lift(funcs[how], [("v", kind)], kind))
    b.export_func("echo-string", b.lift(funcs["list"], [("v", c.STRING)], c.STRING, options))
    point = b.named_type("point", c.record([("x", c.S32), ("y", c.F64), ("tag", c.STRING)]))
    shape = b.named_type("shape", c.variant([("dot", b""), ("circle", c.F32), ("at", point)]))
    colour = b.named_type("colour", c.enum(["red", "green"]))
    rights = b.named_type("rights", c.flags(["read", "write", "run"]))
    shapes = {"points": point, "shapes": shape, "colours": colour, "rights-list": rights,
              "numbers": c.U16, "strings": c.STRING, "chars": c.CHAR,
              "options": b.type(c.option(c.STRING)),
              "results": b.type(c.result(c.U8, c.STRING)), "bare": b.type(c.result(b"", b"")),
              "tuples": b.type(c.tuple_of([c.BOOL, c.S64, c.CHAR])),
              "lists": b.type(c.list_of(c.U8))}
    for label, kind in shapes.items():
        many = b.type(c.list_of(kind))
        b.export_func(label, b.lift(funcs["list"], [("v", many)], many, options))
    b.export_func("none", b.lift(funcs["none"], [], b""))
    b.export_func("trap", b.lift(funcs["trap"], [], b""))
    b.export_func("bad", b.lift(funcs["bad"], [], c.STRING, options))
    add = b.lift(funcs["add"], [("a", c.U32), ("b", c.U32)], c.U32)
    b.export_interface("test:math/whole@1.2.0", [("add", add), ("twin", add)])
    b.export_interface("test:math/other@1.0.0", [("twin", add)])
    return t.file("echo.wasm", b.binary())


def command(t, which):
    b = c.Builder()
    leave = b.import_func("wasi:cli/exit@0.2.0#exit-with-code", [("status-code", c.U8)], b"")
    host = b.core_exports([("exit", leave)])
    instance = b.core_instance(b.core_module(core(t, COMMANDS)), [("host", host)])
    run_type = b.type(c.result(b"", b""))
    b.export_interface("wasi:cli/run@0.2.0",
                       [("run", b.lift(b.core_func(instance, which), [], run_type))])
    return t.file(which + ".wasm", b.binary())


def importer(t):
    """Imports test:math/whole and exports `sum`, which is its `add`."""
    b = c.Builder()
    add = b.import_func("test:math/whole@1.1.0#add", [("a", c.U32), ("b", c.U32)], c.U32)
    host = b.core_exports([("add", add)])
    instance = b.core_instance(b.core_module(core(t, """(module
      (import "host" "add" (func $add (param i32 i32) (result i32)))
      (func (export "sum") (param i32 i32) (result i32)
        (call $add (local.get 0) (local.get 1))))""")), [("host", host)])
    b.export_func("sum", b.lift(b.core_func(instance, "sum"), [("a", c.U32), ("b", c.U32)], c.U32))
    return t.file("importer.wasm", b.binary())


def invoke(app, call, *flags):
    return run("run", *flags, "--invoke", call, app)


# ---- Values --------------------------------------------------------------------------------------

@test
def scalars_come_back(t):
    app = echo(t)
    for kind, values in {
            "bool": ["true", "false"], "s8": ["-128", "127"], "u8": ["0", "255"],
            "s16": ["-32768", "32767"], "u16": ["65535"], "s32": ["-2147483648", "2147483647"],
            "u32": ["4294967295"], "s64": ["-9223372036854775808"],
            "u64": ["18446744073709551615"], "f32": ["1.5", "-inf", "nan", "0.1"],
            "f64": ["-0.25", "inf", "nan", "0.1"],
            "char": ["'x'", "'ü'", "'😀'"], "string": ['"two words"', '""', '"ü😀"']}.items():
        for value in values:
            r = invoke(app, f"echo-{kind}({value})")
            t.ends(r, 0)
            t.equal(r.out, value + "\n")


@test
def compounds_come_back(t):
    app = echo(t)
    for name, value in [
            ("points", '[{x: -1, y: 2.5, tag: "a"}, {x: 2, y: 0.5, tag: ""}]'),
            ("shapes", '[dot, circle(1.5), at({x: 1, y: 1.5, tag: "t"})]'),
            ("colours", "[red, green, red]"), ("rights-list", "[{}, {read, run}, {write}]"),
            ("numbers", "[1, 2, 65535]"), ("strings", '["a", "", "ü"]'),
            ("chars", "['a', '😀']"), ("options", '[some("x"), none]'),
            ("results", '[ok(7), err("no")]'), ("bare", "[ok, err]"),
            ("tuples", "[(true, -5, 'z')]"), ("lists", "[[1, 2], [], [255]]"), ("points", "[]")]:
        r = invoke(app, f"{name}({value})")
        t.ends(r, 0)
        t.equal(r.out, value + "\n")
    r = invoke(app, "none()")
    t.ends(r, 0)
    t.equal(r.out, "")


@test
def functions_of_interfaces(t):
    app = echo(t)
    for call in ("test:math/whole@1.2.0#add(2, 3)", "test:math/whole@1.1.0#add(2, 3)", "add(2, 3)"):
        t.equal(invoke(app, call).out, "5\n")
    t.equal(invoke(app, "test:math/other@1.0.0#twin(1, 1)").out, "2\n")
    # Two interfaces have one of this name.
    t.ends(invoke(app, "twin(1, 2)"), 2, "no function is exported as 'twin'")


@test
def wrong_arguments(t):
    app = echo(t)
    for call in ("echo-u8(256)", "echo-u8(-1)", "echo-u8(x)", "echo-u8()", "echo-u8(1, 2)",
                 "echo-u8(1", "echo-u8(1) 2", "echo-string(1)", 'echo-string("a)',
                 "points([{x: 1}])", "colours([blue])", "shapes([circle])", "echo-u8",
                 'echo-string("\\u{d800}")'):
        r = invoke(app, call)
        t.ends(r, 2, r"\Astint: --invoke '.*': .*\n  Arguments are in brackets")
        t.match(r.err, "column [0-9]+")


@test
def functions_that_are_not_there(t):
    app = echo(t)
    t.ends(invoke(app, "ecko-u8(1)"), 2, r"no function is exported as 'ecko-u8'\n  It exports echo-")
    t.ends(invoke(app, "test:math/none#add(1, 2)"), 2, "no function is exported as 'test:math/none#add'")
    t.ends(invoke(app, "test:math/whole@2.0.0#add(1, 2)"), 2, "no function is exported")
    t.ends(invoke(app, "a" * 3000 + "(1)"), 2, "no function is exported")


# ---- How it ends ---------------------------------------------------------------------------------

@test
def exit_codes(t):
    t.ends(run("run", command(t, "good")), 0)
    t.ends(run("run", command(t, "failing")), 1)
    t.ends(run("run", command(t, "leaving")), 42)


@test
def traps(t):
    # In machine code, which may be in the cache, functions that were inlined have no frames.
    r = run("run", "--tier", "interp", command(t, "trapping"))
    t.ends(r, 134, r"\Astint: .*trapping.wasm: trap: unreachable\n")
    t.match(r.err, r"^  #0 0x[0-9a-f]+  deep \(")
    r = invoke(echo(t), "trap()", "--tier", "interp")
    t.ends(r, 134, "trap: unreachable")
    t.match(r.err, r"^  #0 0x[0-9a-f]+  inner \(")
    # What a guest gives back is checked.
    t.ends(invoke(echo(t), "bad()"), 134, "trap: .*(utf|UTF)")


@test
def fuel_and_time(t):
    app = command(t, "spinning")
    t.ends(run("run", "--fuel", "100000", app), 125, r"fuel used up \(--fuel 100000\)")
    t.ends(run("run", "--timeout", "30ms", app), 124, r"time is up \(--timeout\)")
    t.ends(run("run", "--fuel", "100000", command(t, "good")), 0)


@test
def interruption(t):
    app = command(t, "spinning")
    # A shell starts what runs in the background with the signal ignored.
    with subprocess.Popen([STINT, "run", app], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        try:
            process.wait(timeout=0.3)
        except subprocess.TimeoutExpired:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    t.check(process.returncode in (-signal.SIGINT, 130), f"ended with {process.returncode}")


@test
def statistics(t):
    r = run("run", "--stats=json", command(t, "good"))
    t.equal(r.code, 0)
    data = json.loads(r.err)
    t.check(data["calls"] >= 1, data)
    again = json.loads(run("run", "--stats=json", command(t, "good")).err)
    t.equal(again["fuel_used"], data["fuel_used"])
    r = run("run", "--stats", command(t, "failing"))
    t.ends(r, 1, r"^peak RSS")


@test
def every_tier(t):
    for tier in ("interp", "jit", "aot"):
        r = invoke(echo(t), "add(2, 3)", "--tier", tier)
        t.ends(r, 0)
        t.equal(r.out, "5\n")
        t.ends(run("run", "--tier", tier, command(t, "leaving")), 42)
        t.ends(run("run", "--tier", tier, command(t, "trapping")), 134, "trap: unreachable")


@test
def commands_without_run(t):
    t.ends(run("run", echo(t)), 2, r"does not export wasi:cli/run; .*--invoke\n  It exports ")


@test
def closed_output(t):
    read, write = os.pipe()
    os.close(read)
    r = run("run", "--invoke", "echo-u8(1)", echo(t), stdout=write)
    os.close(write)
    t.check(r.code != 0, "a result that nobody could read went unnoticed")


# ---- Machine code --------------------------------------------------------------------------------

class Home:
    """A cache and keys of its own."""

    def __init__(self, t, name):
        os.makedirs(t.path(name), exist_ok=True)
        self.env = {"HOME": t.path(name), "PATH": "/usr/bin:/bin"}

    def run(self, *args):
        return run(*args, env=self.env)

    def add(self, app):
        """Calls `add` and says how many of its images came with it."""
        r = self.run("run", "--tier", "jit", "--stats=json", "--invoke", "add(2, 3)", app)
        return r, json.loads(r.err.splitlines()[-1])["tier_cached_images"]

    def compile(self, t, app, *flags):
        out = t.path("app.aot.wasm")
        r = self.run("compile", "-q", *flags, "-o", out, app)
        if r.code != 0 and ("libstint-compiler" in r.err or "no machine code" in r.err):
            raise Skip("this build has no compiler")
        t.ends(r, 0)
        return out


@test
def machine_code_from_the_cache(t):
    """What one run compiled, the next one starts with; the file's stamp says which module it is."""
    home, app = Home(t, "one"), echo(t)
    t.equal(home.add(app)[1], 0)
    r = home.run("run", "--tier", "aot", "--invoke", "add(2, 3)", app)
    if r.code != 0:
        raise Skip("this build has no compiler")
    time.sleep(0.1)  # files that have just changed are not remembered
    for _ in range(2):
        t.equal(home.run("run", "--tier", "aot", "--invoke", "add(2, 3)", app).out, "5\n")
    r, cached = home.add(app)
    t.equal(r.out, "5\n")
    t.equal(cached, 1)
    with open(app, "ab") as file:  # an empty custom section: another file, the same core module
        file.write(b"\0\2\1x")
    t.equal(home.run("run", "--invoke", "add(2, 3)", app).out, "5\n")


@test
def compiled_components(t):
    home, app = Home(t, "one"), echo(t)
    out = home.compile(t, app)
    with open(app, "rb") as file, open(out, "rb") as made:
        t.check(made.read().startswith(file.read()), "the component itself was changed")
    r, cached = home.add(out)
    t.equal((r.out, cached), ("5\n", 1))
    t.equal(home.run("wit", out).out, home.run("wit", app).out)
    # Compiling again replaces the code.
    t.ends(home.run("compile", "-q", out, "-o", t.path("again.wasm")), 0)
    # Nobody else trusts it; it runs all the same.
    r, cached = Home(t, "two").add(out)
    t.equal((r.out, cached), ("5\n", 0))
    t.match(r.err, r"\Astint: .*app.aot.wasm: its machine code is not used: nobody signed it")
    t.equal(r.err.count("not used"), 1)


@test
def signed_components(t):
    home, other = Home(t, "one"), Home(t, "two")
    r = home.run("key", "generate", "mine")
    if r.code != 0:
        raise Skip("this build cannot sign")
    public = r.out.strip()
    out = home.compile(t, echo(t), "--sign", "mine")
    r, cached = other.add(out)
    t.equal((r.out, cached), ("5\n", 0))
    t.match(r.err, "its machine code is not used: it is signed by a key that you do not trust")
    t.ends(other.run("key", "trust", "theirs", public), 0)
    r, cached = other.add(out)
    t.equal((r.out, cached), ("5\n", 1))


@test
def components_signed_afterwards(t):
    home, other = Home(t, "one"), Home(t, "two")
    keys = [home.run("key", "generate", name) for name in ("first", "second")]
    if keys[0].code != 0:
        raise Skip("this build cannot sign")
    out = home.compile(t, echo(t))
    for name in ("first", "first", "second"):
        t.ends(home.run("sign", "--key", name, out), 0)
    with open(out, "rb") as file:
        t.equal(file.read().count(b"stintsig"), 2)
    t.ends(other.run("key", "trust", "theirs", keys[0].out.strip()), 0)
    r, cached = other.add(out)
    t.equal((r.out, cached), ("5\n", 1))
    t.check("not used" not in r.err, r.err)
    t.ends(home.run("sign", "--key", "first", echo(t)), 1, "no machine code that could be signed")


@test
def damaged_machine_code(t):
    home = Home(t, "one")
    out = home.compile(t, echo(t))
    with open(out, "rb") as file:
        made = bytearray(file.read())
    for at in (len(made) - 1, len(made) - 4000, made.find(b"stint.aot") + 12):
        bad = bytearray(made)
        bad[at] ^= 255
        r = Home(t, "two").run("run", "--invoke", "add(2, 3)", t.file("bad.wasm", bytes(bad)))
        t.equal((r.out, r.code), ("5\n", 0))
    for cut in (1, 100, 5000):
        r = Home(t, "two").run("run", "--invoke", "add(2, 3)", t.file("cut.wasm", bytes(made[:-cut])))
        t.check(r.code in (0, 1), f"exit code {r.code}: {r.err}")


@test
def nothing_to_compile(t):
    app = t.file("none.wasm", c.PREAMBLE)
    t.ends(run("compile", app, "-o", t.path("out.wasm")), 1, "no core module")
    t.ends(run("compile", t.file("bad.wasm", c.PREAMBLE + b"\1\xff"), "-o", t.path("out.wasm")), 1,
           "offset 0x")


# ---- Composition ---------------------------------------------------------------------------------

@test
def composition(t):
    app, other = importer(t), echo(t)
    for given in (other, "test:math/whole=" + other, "test:math/whole@1.0.0=" + other):
        r = invoke(app, "sum(40, 2)", "--with", given)
        t.ends(r, 0)
        t.equal(r.out, "42\n")
    t.ends(invoke(app, "sum(40, 2)", "--with", t.path("none.wasm")), 2, "none.wasm")
    t.ends(invoke(app, "sum(1, 1)", "--with", t.file("m.wat", "(module)")), 2, "this is a core module")
    t.ends(invoke(app, "sum(1, 1)", "--with", "test:none/none=" + other), 1, "test:math/whole")


@test
def compositions_have_the_types_that_are_imported(t):
    b = c.Builder()
    instance = b.core_instance(b.core_module(core(t, ECHO)))
    options = c.in_memory(b.core_memory(instance, "memory"), b.core_func(instance, "realloc"))
    wrong = b.lift(b.core_func(instance, "list"), [("v", c.STRING)], c.STRING, options)
    b.export_interface("test:math/whole@1.1.0", [("add", wrong)])
    other = t.file("wrong.wasm", b.binary())
    for given in (other, "test:math/whole=" + other):
        r = invoke(importer(t), "sum(40, 2)", "--with", given)
        t.ends(r, 1, r"importer\.wasm.*test:math/whole@1\.1\.0.*add")
        t.match(r.err, r"wrong\.wasm")


@test
def missing_imports(t):
    r = invoke(importer(t), "sum(1, 1)")
    t.ends(r, 1, r"\Astint: .*importer.wasm: imports that 'stint run' does not offer:\n"
                 r"  test:math/whole@1.1.0.*add")
    t.match(r.err, "--with NAME=FILE")


@test
def missing_imports_of_wasi(t):
    """Versions that are not there, and names that are mistyped, with what comes nearest."""
    b = c.Builder()
    for name in ("wasi:random/random@0.3.0#get-random-u64", "wasi:rendom/random@0.2.0#get-u64",
                 "wasi:random/random@0.2.6#get-radnom-u64", "other:random/text@1.0.0#next"):
        b.import_func(name, [], c.U64)
    r = run("run", t.file("near.wasm", b.binary()))
    t.ends(r, 1, "imports that 'stint run' does not offer")
    for line in (r"random@0\.3\.0#get-random-u64 \(nearest: wasi:random/random@0\.2\.x\)$",
                 r"wasi:rendom/random@0\.2\.0#get-u64 \(nearest: wasi:random/random@0\.2\.x\)$",
                 r"0\.2\.6#get-radnom-u64 \(nearest: get-random-u64\)$", r"text@1\.0\.0#next$"):
        t.match(r.err, line)


# ---- What is not accepted ------------------------------------------------------------------------

@test
def malformed_components(t):
    with open(command(t, "good"), "rb") as file:
        good = file.read()
    t.ends(run("run", t.file("short.wasm", good[:8] + b"\1\xff")), 1, r"offset 0x[89a]")
    for cut in range(9, len(good), 7):
        r = run("run", t.file("cut.wasm", good[:cut]))
        t.check(r.code in (1, 2), f"cut at {cut}: exit code {r.code}: {r.err}")
    t.ends(run("run", t.file("later.wasm", b"\0asm\x0e\0\1\0")), 1, "version|binary")


main()
