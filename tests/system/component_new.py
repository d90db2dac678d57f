#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint component new`: components of core modules, and the guest kit for C."""

import os
import subprocess

from program import Skip, main, run, test

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KIT = os.path.join(ROOT, "guest", "c")

WIT = """package test:a@1.2.3;

/* An /* interface */ with all shapes. */
interface shapes {
  record point { x: s32, y: s32 }
  /// documentation
  variant shape { dot(point), line(tuple<point, point>), none }
  flags rights { read, write, }
  enum colour { red, green }
  resource thing {
    constructor(name: string);
    @since(version = 1.2.0-rc-1)
    make: static func(s: list<shape>, c: colour, r: rights) -> result<thing, string>;
    @unstable(feature = x)
    gone: func(a: nonsense);
  }
  area: func(s: shape, t: borrow<thing>) -> f64;
  unused: func();
}
interface api {
  use shapes.{shape, thing, point as pt};
  record named { name: string, where: pt }
  resource counter { constructor(start: u32); next: func() -> u32; }
  draw: func(s: shape, n: named) -> list<named>;
  give: func(t: thing) -> counter;
}
world small {
  import log: func(m: string);
  import extra: interface { f: func(a: u64); }
  export start: func() -> u32;
}
world full {
  include small with { log as trace };
  import shapes;
  export api;
}
"""

CORE = """(module
  (import "$root" "trace" (func (param i32 i32)))
  (import "extra" "f" (func (param i64)))
  (import "test:a/shapes@1.2.3" "area" (func (param i32 i32 i32 i32 i32 i32) (result f64)))
  (import "test:a/shapes@1.2.3" "[static]thing.make" (func (param i32 i32 i32 i32 i32)))
  (import "test:a/shapes@1.2.3" "[resource-drop]thing" (func (param i32)))
  (import "[export]test:a/api@1.2.3" "[resource-new]counter" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $ready (i32.const 7)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "test:a/api@1.2.3#draw") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 64))
  (func (export "cabi_post_test:a/api@1.2.3#draw") (param i32))
  (func (export "test:a/api@1.2.3#give") (param i32) (result i32) (i32.const 0))
  (func (export "test:a/api@1.2.3#[constructor]counter") (param i32) (result i32) (i32.const 0))
  (func (export "test:a/api@1.2.3#[method]counter.next") (param i32) (result i32) (i32.const 0))
  (func (export "test:a/api@1.2.3#[dtor]counter") (param i32))
  (func (export "start") (result i32) (global.get $ready)))
"""

WORLD = """world root {
  import extra: interface {
    f: func(a: u64);
  }
  import test:a/shapes@1.2.3;
  import trace: func(m: string);

  export test:a/api@1.2.3;
  export start: func() -> u32;
}
"""

HELLO = """#include "stint_cli.h"
int cli_main(size_t count, const struct guest_text *args)
{
    struct guest_text piece, who = count > 1 ? args[1] : cli_environment(GUEST_TEXT("WHO"));
    if (who.text == NULL) {
        cli_write(CLI_STDERR, GUEST_TEXT("who?\\n"));
        return 1;
    }
    cli_write(CLI_STDOUT, GUEST_TEXT("Hello, "));
    cli_write(CLI_STDOUT, who);
    cli_write(CLI_STDOUT, GUEST_TEXT("!\\n"));
    while ((piece = cli_read(100)).bytes > 0)
        cli_write(CLI_STDOUT, piece);
    return 0;
}
"""


def compile_c(t, out, *args):
    tool = os.path.join(ROOT, "tools", "guest-cc.sh")
    done = subprocess.run([tool, "--size", "--reactor", "-I" + KIT, "-o", t.path(out), *args],
                          capture_output=True, text=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip().splitlines()[0])
    t.check(done.returncode == 0, done.stderr)
    return t.path(out)


def kit(*names):
    return [os.path.join(KIT, name + ".c") for name in (*names, "stint_wasm", "stint_alloc")]


def wrap(t, core, *args, out="app.wasm"):
    t.ends(run("component", "new", core, "-o", t.path(out), *args), 0)
    return t.path(out)


def fails(t, core, wit, message, *args):
    more = ["--wit", t.file("bad.wit", wit)] if wit is not None else []
    t.ends(run("component", "new", t.file("core.wat", core), "-o", t.path("no.wasm"), *more, *args),
           1, message)
    t.check(not os.path.exists(t.path("no.wasm")), "a file was written")


@test
def a_handler_of_the_guest_kit(t):
    core = compile_c(t, "greet.wasm", os.path.join(ROOT, "examples", "greet-c", "greet.c"),
                     *kit("stint_http"))
    app = wrap(t, core)
    t.check(os.path.getsize(core) < 30 << 10, f"the handler has {os.path.getsize(core)} bytes")
    text = run("wit", app).out
    t.check("""world root {
  import wasi:io/error@0.2.0;
  import wasi:io/streams@0.2.0;
  import wasi:http/types@0.2.0;

  export wasi:http/incoming-handler@0.2.0;
}
""" in text, text)
    t.check("blocking-read" not in text and "fields.get" not in text, "unused functions")


@test
def a_command_of_the_guest_kit(t):
    core = compile_c(t, "hello.wasm", t.file("hello.c", HELLO), *kit("stint_cli"))
    app = wrap(t, core)
    t.match(run("wit", app).out, r"export wasi:cli/run@0\.2\.0;")
    result = run("run", app, "you", input=b"and more\n")
    t.ends(result, 0)
    t.equal(result.out, "Hello, you!\nand more\n")
    t.equal(run("run", "--env", "WHO=me", app).out, "Hello, me!\n")
    t.ends(run("run", app), 1, r"who\?")


@test
def worlds_from_wit(t):
    wit = t.file("a.wit", WIT)
    app = wrap(t, t.file("core.wat", CORE), "--wit", wit, "--world", "full")
    text = run("wit", app).out
    t.check(WORLD in text, text)
    t.check("gone" not in text and "unused" not in text, "what is not used")
    for line in ("record named {", "point as pt", "give: func(t: thing) -> counter;",
                 "resource counter {\n      constructor(start: u32);\n      next: func() -> u32;\n"):
        t.check(line in text, f"{line}: not in {text}")
    folder = t.path("wit")
    t.file("wit/deps/a/shapes.wit", WIT[:WIT.index("interface api")])
    t.file("wit/deps/a/rest.wit", WIT[WIT.index("interface api"):])
    t.file("wit/world.wit", "package my:own; world w { include test:a/full@1.2.3; }")
    t.equal(run("wit", wrap(t, t.file("core.wat", CORE), "--wit", folder)).out, text)


@test
def _initialize_runs_first(t):
    core = t.file("start.wat", """(module
      (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 7)))
      (func (export "start") (result i32) (global.get $ready)))""")
    app = wrap(t, core, "--wit", t.file("s.wit", """package a:b;
      world w { export start: func() -> u32; }"""))
    result = run("run", "--invoke", "start()", app)
    t.ends(result, 0)
    t.equal(result.out, "7\n")


@test
def modules_that_do_not_fit(t):
    world = "package a:b; interface i { f: func(a: string) -> u32; resource r; } " \
            "world w { import i; export run: func(); }"
    good = '(module %s (memory (export "memory") 1) (func (export "run")))'
    fails(t, good % "", None, "does not say what world it is of")
    fails(t, good % '(import "a:b/i" "g" (func))', world, '"g" of a:b/i: the world has no such')
    fails(t, good % '(import "a:b/i" "[resource-drop]q" (func (param i32)))', world,
          "no such resource")
    fails(t, good % '(import "a:b/i" "f" (func (param i32)))', world,
          r'import "f" is \(i32\) -> \(\): the world makes it \(i32 i32\) -> \(i32\)')
    fails(t, good % '(import "a:b/i" "m" (memory 1))', world, "functions only")
    fails(t, good % '(import "x:y/z" "f" (func))', world, r'"f" of x:y/z')
    fails(t, "(module)", world, "exports run: the module has no export of that name")
    fails(t, '(module (func (export "run") (param i32)))', world, r'export "run" is \(i32\)')
    fails(t, '(module (import "a:b/i" "f" (func (param i32 i32) (result i32))) '
             '(func (export "run")))', world, 'exports no "memory"')
    strings = "package a:b; world w { export run: func(a: string); }"
    fails(t, '(module (memory (export "memory") 1) (func (export "run") (param i32 i32)))',
          strings, 'exports no "cabi_realloc"')
    fails(t, good % '(import "wasi_snapshot_preview1" "fd_write" (func (param i32)))', world,
          r'"fd_write" of wasi_snapshot_preview1(.|\n)*adapter')
    fails(t, good % '(@custom "component-type:x" "junk")', None, "section component-type:x")
    app = wrap(t, t.file("ok.wat", good % ""), "--wit", t.file("ok.wit", world))
    t.ends(run("component", "new", app), 1, "a component already")


@test
def wit_that_is_wrong(t):
    core = "(module)"
    for text, message in (
            ("package a:b; world w {", r"bad\.wit:1:14: what begins here has no end"),
            ("package a:b;\nworld w {\n  export run func();\n}", r"bad\.wit:3:14: expected ':' or ';', found 'func'"),
            ("package a:b; interface i { f: func(a u8); } world w { import i; }",
             r"1:38: expected ':', found 'u8'"),
            ("package a:b; interface i { type t = u9; } world w { import i; }",
             r"1:37: there is no type 'u9'"),
            ("package a:b; interface i { record r { a: list<r> } } world w { import i; }",
             "made of itself"),
            ("package a:b; interface i { enum e { a } enum e { b } } world w { import i; }",
             "'e' is defined twice"),
            ("package a:b; world w { import c:d/e@1.0.0; }", "package c:d@1.0.0 is not there"),
            ("package a:b; world w { import e; }", "'e' is no interface or world"),
            ("package a:b; world w { include w; }", "includes itself"),
            ("package a:b; interface i { use j.{t}; } interface j { use i.{t}; } "
             "world w { import i; }", "uses types of itself"),
            ("package a:b; world w { export run: func(); } world x {}", "several worlds"),
            ("package a:b;", "no world"),
            ("interface i {} world w { import i; }", "does not begin with its package"),
            ("package a:b; /* no end", r"1:14: the comment"),
            ("package a:b; world w { import \u2603; }", "no use for"),
            ("package a:b; interface i { f: func(a: " + "list<" * 5000 + "u8" + ">" * 5000 + "); } "
             "world w { import i; }", "nested too deeply"),
    ):
        fails(t, core, text, message)
    fails(t, core, "package a:b; world w {}", "no world other", "--world", "other")
    for at in range(0, len(WIT) - 2, 3):
        result = run("component", "new", t.file("core.wat", CORE), "--wit",
                     t.file("cut.wit", WIT[:at]), "--world", "full", "-o", t.path("cut.wasm"))
        t.check(result.code == 1, f"cut at {at}: ends with {result.code}: {result.err}")


@test
def command_lines_and_disks(t):
    t.ends(run("component"), 2, "'new FILE' or 'compose FILE --with FILE' was expected")
    t.ends(run("component", "old", "a.wasm"), 2, "'new FILE' or 'compose FILE --with FILE' was expected")
    t.ends(run("component", "new", "a.wasm", "--world", "w"), 2, "--wit")
    t.ends(run("component", "new", t.path("missing.wasm")), 1, "missing.wasm")
    core = t.file("core.wat", '(module (func (export "run")))')
    t.ends(run("component", "new", core, "--wit", t.path("missing.wit")), 1, "missing.wit")
    os.makedirs(t.path("empty"))
    t.ends(run("component", "new", core, "--wit", t.path("empty")), 1, "no \\*.wit file")
    if os.path.exists("/dev/full"):
        wit = t.file("a.wit", "package a:b; world w { export run: func(); }")
        t.ends(run("component", "new", core, "--wit", wit, "-o", "/dev/full"), 1,
               "No space left on device")


if __name__ == "__main__":
    main()
