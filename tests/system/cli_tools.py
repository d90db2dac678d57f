#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint wat`, `stint dump` and `stint wast`."""

import json
import os
import stat

from program import main, run, test

ADD = '(module $m (func $add (export "add") (param $a i32) (param $b i32) (result i32)\n' \
      '  (i32.add (local.get $a) (local.get $b))))\n'


def binary(t, text=ADD, name="m.wasm"):
    path = t.path(name)
    t.ends(run("wat", "-o", path, t.file(name + ".wat", text)), 0)
    return path


@test
def wat_writes_a_binary(t):
    path = binary(t)
    with open(path, "rb") as f:
        data = f.read()
    t.equal(data[:8], b"\0asm\1\0\0\0")
    t.check(b"add" in data, "the export is there")
    t.equal(run("run", "--invoke", "add", path, "1", "2").out, "3\n")
    t.equal(run("wat", t.file("a.wat", ADD)).raw_out, data)
    t.equal(run("wat", "-", input=ADD.encode()).raw_out, data)
    t.check(len(run("wat", "--no-names", t.file("a.wat", ADD)).raw_out) < len(data), "names stay")


@test
def wat_says_what_is_wrong(t):
    t.ends(run("wat", t.file("a.wat", "(module (func (i32.ad)))")), 1, r"\Astint: .*a.wat:1:16: ")
    t.ends(run("wat", t.file("a.wat", "(module (func (result i32)))")), 1, r"in function #0")
    t.ends(run("wat", "--no-check", t.file("a.wat", "(module (func (result i32)))")), 0)
    t.ends(run("wat", "-W", "no-simd", t.file("a.wat", "(module (func (param v128)))")), 1, "simd")
    t.ends(run("wat", binary(t)), 1, "binary already")
    t.ends(run("wat", t.file("empty.wat", "")), 0)


@test
def outputs_are_whole_or_not_at_all(t):
    path = t.file("out.wasm", "precious")
    os.chmod(path, 0o640)
    t.ends(run("wat", "-o", path, t.file("bad.wat", "(module")), 1, "bad.wat")
    with open(path, encoding="utf-8") as f:
        t.equal(f.read(), "precious")
    t.ends(run("wat", "-o", path, t.file("a.wat", ADD)), 0)
    t.equal(stat.S_IMODE(os.stat(path).st_mode), 0o640)
    link = t.path("link.wasm")
    os.symlink(path, link)
    t.ends(run("wat", "-o", link, t.file("a.wat", "(module)")), 0)
    t.check(os.path.islink(link), "the link was replaced")
    t.equal(os.path.getsize(path), 8)
    t.ends(run("wat", "-o", t.path("no/such/dir/x"), t.file("a.wat", ADD)), 1,
           r"cannot write '.*/no/such/dir/x': No such file or directory")
    t.ends(run("wat", "-o", t.folder, t.file("a.wat", ADD)), 1, "cannot write .*[Dd]irectory")
    t.ends(run("wat", "-o", "", t.file("a.wat", ADD)), 1, "a file without a name")
    t.ends(run("compile", "-o", "", path), 2, "output's name is empty")
    left = [name for name in os.listdir(t.folder) if name.endswith(".tmp")]
    t.equal(left, [])


@test
def dump_shows_sections(t):
    path = binary(t)
    r = run("dump", path)
    t.ends(r, 0)
    t.match(r.out, "add")
    headers = run("dump", "--headers", path)
    t.ends(headers, 0)
    t.check(0 < len(headers.out) < len(r.out), headers.out)
    code = run("dump", "-d", path)
    t.ends(code, 0)
    t.match(code.out, r"i32\.add")
    t.equal(run("dump", t.file("a.wat", ADD)).out, r.out)


@test
def dump_round_trips_text(t):
    path = binary(t)
    r = run("dump", "--text", path)
    t.ends(r, 0)
    with open(path, "rb") as f:
        t.equal(run("wat", "-", input=r.raw_out).raw_out, f.read())
    out = t.path("out.wat")
    t.ends(run("dump", "-t", "-o", out, path), 0)
    with open(out, "rb") as f:
        t.equal(f.read(), r.raw_out)


@test
def dump_of_broken_modules(t):
    with open(binary(t), "rb") as f:
        data = f.read()
    r = run("dump", t.file("cut.wasm", data[:-20]))
    t.ends(r, 1, "cut.wasm: offset 0x")
    t.check(len(r.out) > 0, "nothing of it was shown")
    out = t.path("out.wat")
    t.ends(run("dump", "--text", "-o", out, t.file("cut.wasm", data[:40])), 1, "cut.wasm")
    t.check(not os.path.exists(out), "half a text was left behind")
    t.ends(run("dump", t.file("x", b"PK\3\4")), 1, "neither a WebAssembly binary")


@test
def dump_validates(t):
    path = binary(t)
    r = run("dump", "--validate", path)
    t.ends(r, 0)
    t.equal(r.out, f"{path}: valid\n")
    t.match(run("dump", "--validate", "--stats", path).out, r"valid: \d+ bytes, 1 functions; decode .* MB/s")
    data = json.loads(run("dump", "--validate", "--stats=json", path).out)
    t.equal(data["functions"], 1)
    t.check(isinstance(data["mb_per_s"], (int, float)), data)
    text = t.file("v.wat", "(module (func (param v128)))")
    t.ends(run("dump", "--validate", "-W", "no-simd", text), 1, "simd")
    t.ends(run("dump", "--validate", "--text", path), 2, "exclude each other")


@test
def wast_runs_scripts(t):
    good = t.file("good.wast", ADD + '(assert_return (invoke "add" (i32.const 1) (i32.const 2))'
                                     ' (i32.const 3))\n')
    r = run("wast", good)
    t.ends(r, 0)
    t.match(r.out, r"^\d+ passed, 0 failed(, 0 skipped)?\n\Z")
    bad = t.file("bad.wast", ADD + '(assert_return (invoke "add" (i32.const 1) (i32.const 2))'
                                   ' (i32.const 4))\n')
    r = run("wast", bad, good)
    t.equal(r.code, 1)
    t.match(r.out, r"bad\.wast:3: ")
    t.match(r.out, r"^\d+ passed, 1 failed(, 0 skipped)?\n\Z")
    r = run("wast", "/nonexistent.wast")
    t.equal(r.code, 1)
    t.match(r.out + r.err, "nonexistent.wast")
    t.equal(run("wast", "--gc-stress", good).code, 0)
    t.equal(run("wast", "--metered", good).code, 0)


main()
