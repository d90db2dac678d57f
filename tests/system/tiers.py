#!/usr/bin/env python3
# suite: builds=release
# SPDX-License-Identifier: Apache-2.0
"""Tiers: whatever runs a program, it does the same; what is compiled once is found again."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from program import STINT, Skip, main, run, test

# Some 3 million operators in a nest of loops, with calls, memory and floats.
WORK = """(module
  (memory 1)
  (func $mix (param $x i32) (result i32)
    (i32.xor (i32.mul (local.get $x) (i32.const 1103515245)) (i32.shr_u (local.get $x) (i32.const 7))))
  (func $inner (param $n i32) (param $seed i32) (result i32) (local $i i32)
    (loop $l
      (local.set $seed (call $mix (i32.add (local.get $seed) (local.get $i))))
      (i32.store (i32.and (local.get $seed) (i32.const 0xfffc)) (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (i32.add (local.get $seed) (i32.load (i32.const 64))))
  (func (export "work") (param $n i32) (result i32 f64) (local $k i32) (local $sum i32) (local $f f64)
    (loop $outer
      (local.set $sum (call $inner (i32.const 1000) (i32.add (local.get $sum) (local.get $k))))
      (local.set $f (f64.add (local.get $f) (f64.convert_i32_s (local.get $sum))))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $k) (local.get $n))))
    (local.get $sum) (local.get $f))
  ;; One frame whose hot loops are nested and carry operands on the stack.
  (func (export "nest") (param $n i32) (result i64) (local $i i32) (local $j i32) (local $s i64)
    (i64.const 5)
    (loop $a
      (local.set $j (i32.const 0))
      (loop $b
        (local.set $s (i64.add (i64.mul (local.get $s) (i64.const 31)) (i64.extend_i32_u (local.get $j))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $b (i32.lt_u (local.get $j) (i32.const 100))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $a (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $s)
    i64.add)
  (func (export "_start") (drop (drop (call 2 (i32.const 20000))))))
"""

TRAPS = """(module (memory 1) (table 2 funcref)
  (func $deep (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then unreachable))
    (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
  (func (export "unreachable") (drop (call $deep (i32.const 5))))
  (func (export "bounds") (param i32) (result i32) (i32.load (i32.mul (local.get 0) (i32.const 65536))))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0)))
  (func (export "null") (param i32) (call_indirect (local.get 0)))
  (func $endless (export "endless") (call $endless))
  ;; Two traps of one kind in a loop: which of them it was has to be told apart.
  (func (export "copy") (param $d i32) (param $s i32) (local $n i32)
    (loop $l
      (i32.store8 (local.get $d) (i32.load8_u (local.get $s)))
      (local.set $d (i32.add (local.get $d) (i32.const 1)))
      (local.set $s (i32.add (local.get $s) (i32.const 1)))
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))))
"""

SPIN = '(module (func (export "_start") (loop $l (br $l))))'
MODES = [["--tier", "interp"], ["--tier", "aot"], ["--tier", "jit"],
         ["--tier", "jit", "--tier-samples", "1"], ["--tier", "jit", "--tier-seed", "1"],
         ["--tier", "jit", "--tier-seed", "2"]]
PLUGIN = os.path.join(os.path.dirname(STINT), "libstint-compiler.so")


def need_plugin():
    if not os.path.exists(PLUGIN):
        raise Skip("the compiler plug-in is not built here")


def tier(*args, cache=None, **more):
    env = dict(os.environ, **({"XDG_CACHE_HOME": cache} if cache else {"STINT_NO_CACHE": "1"}))
    return run("run", *args, env=env, **more)


def stats(result):
    return json.loads(result.err.splitlines()[-1])


@test
def same_results(t):
    need_plugin()
    module = t.file("work.wat", WORK)
    for function, argument in (("work", "300"), ("nest", "20000")):
        want = None
        for mode in MODES:
            for strict in ([], ["--strict-traps"]):
                r = tier(*mode, *strict, "--stats=json", "--invoke", function, module, argument)
                t.equal(r.code, 0)
                found = (r.out, stats(r)["fuel_used"]) if r.code == 0 else r.err
                want = want or found
                t.check(found == want, f"{function} {mode} {strict}: {found}, want {want}")


@test
def same_traps(t):
    need_plugin()
    module = t.file("traps.wat", TRAPS)
    for args in (["unreachable"], ["bounds", "1"], ["divide", "0"], ["null", "0"], ["null", "5"],
                 ["copy", "0", "9"], ["copy", "9", "0"]):
        want = tier("--tier", "interp", "--invoke", args[0], module, *args[1:])
        t.equal(want.code, 134)
        for mode in MODES[1:]:
            r = tier(*mode, "--strict-traps", "--invoke", args[0], module, *args[1:])
            t.check((r.code, r.err) == (want.code, want.err), f"{args} {mode}: {r.err}")
            r = tier(*mode, "--invoke", args[0], module, *args[1:])
            t.check(r.code == want.code and r.err.splitlines()[0] == want.err.splitlines()[0],
                    f"{args} {mode}, fast: {r.err}")


@test
def stack_overflow(t):
    need_plugin()
    module = t.file("traps.wat", TRAPS)
    for mode in MODES:
        r = tier(*mode, "--strict-traps", "--invoke", "endless", module)
        t.ends(r, 134, "call stack exhausted")


@test
def fuel_runs_out(t):
    need_plugin()
    module = t.file("work.wat", WORK)
    for fuel in ("1", "1000", "1234567"):
        for mode in MODES:
            r = tier(*mode, "--fuel", fuel, module)
            t.ends(r, 125, "fuel used up")


@test
def timeouts(t):
    """In the interpreter before anything is compiled, while it is, and in machine code."""
    need_plugin()
    module = t.file("spin.wat", SPIN)
    for mode in MODES[:4]:
        for limit in ("20ms", "1500ms"):
            t.ends(tier(*mode, "--timeout", limit, module), 124, "time is up")


@test
def interrupted(t):
    """Ctrl-C while the compiler is at work ends the process as any other time."""
    need_plugin()
    module = t.file("spin.wat", SPIN)
    for wait in (0.05, 0.2, 1.0):
        p = subprocess.Popen([STINT, "run", "--tier", "jit", "--no-cache", module],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             # A shell starts what runs in the background with it ignored.
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        time.sleep(wait)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
        t.equal(p.returncode, -signal.SIGINT)


@test
def exits_at_once(t):
    """A guest that ends while it is being compiled does not wait for that."""
    need_plugin()
    module = t.file("work.wat", WORK)
    for count in ("50", "200", "800"):
        r = tier("--tier", "jit", "--tier-samples", "2", "--invoke", "work", module, count)
        t.equal(r.code, 0)


@test
def cache(t):
    need_plugin()
    module, home = t.file("work.wasm", b""), t.path("home")
    wat = t.file("work.wat", WORK)
    r = run("wat", wat, "-o", module)
    t.ends(r, 0)
    os.mkdir(home, 0o700)
    first = tier("--tier", "aot", "--stats=json", module, cache=home)
    second = tier("--tier", "aot", "--stats=json", module, cache=home)
    third = tier("--tier", "jit", "--stats=json", module, cache=home)
    without = tier("--tier", "aot", "--no-cache", "--stats=json", module, cache=home)
    t.equal([r.code for r in (first, second, third, without)], [0] * 4)
    t.equal(stats(first)["tier_images"], 1)
    t.equal([stats(second)[k] for k in ("tier_images", "tier_cached_images")], [0, 1])
    t.equal([stats(third)[k] for k in ("tier_images", "tier_cached_images")], [0, 1])
    t.equal(stats(without)["tier_images"], 1)


@test
def cache_after_tier_up(t):
    """What got hot is native at the second run."""
    need_plugin()
    home = t.path("home")
    os.mkdir(home, 0o700)
    wat, module = t.file("work.wat", WORK), t.path("work.wasm")
    t.ends(run("wat", wat, "-o", module), 0)
    args = ["--tier", "jit", "--tier-samples", "2", "--stats=json"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        r = tier(*args, "--invoke", "work", module, "20000", cache=home)
        t.equal(r.code, 0)
        if stats(r)["tier_cached_images"] > 0:
            return
    t.check(False, "no run found code in the cache")


@test
def cache_is_completed(t):
    """A run that does not leave the cache's code, which lacks functions, adds what it lacks."""
    need_plugin()
    unused = 100
    filler = "".join(f"(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {i})))\n"
                     for i in range(unused))
    wat, module = t.file("part.wat", WORK.rstrip()[:-1] + filler + ")"), t.path("part.wasm")
    t.ends(run("wat", wat, "-o", module), 0)
    home = t.path("home")
    deadline, passes = time.monotonic() + 120, 2000
    while time.monotonic() < deadline:
        shutil.rmtree(home, ignore_errors=True)
        os.mkdir(home, 0o700)
        first = tier("--tier", "jit", "--tier-samples", "2", "--stats=json", "--invoke", "work",
                     module, str(passes), cache=home)
        t.equal(first.code, 0)
        passes *= 2
        if stats(first)["tier_images"] == 0:
            continue
        if stats(first)["tier_functions"] >= unused:  # it took so long that all was compiled
            passes //= 3
            continue
        later = tier("--tier", "jit", "--stats=json", "--invoke", "work", module,
                     str(20 * passes), cache=home)
        t.equal(later.code, 0)
        if stats(later)["tier_cached_images"] > 0 and stats(later)["tier_functions"] >= unused:
            return
    t.check(False, "no run completed the cache")


@test
def nothing_for_cold_programs(t):
    home = t.path("home")
    os.mkdir(home, 0o700)
    module = t.file("empty.wat", '(module (func (export "_start")))')
    t.ends(tier("--tier", "jit", module, cache=home), 0)
    files = [f for _, _, names in os.walk(home) for f in names if not f.startswith("key")]
    t.equal(files, [])


@test
def missing_plugin(t):
    """Alone, the program interprets without a word, and says what is missing when told to compile."""
    alone = t.path("stint")
    shutil.copy(STINT, alone)
    module = t.file("work.wat", WORK)
    for mode, code, pattern in (("jit", 0, r"\A\Z"), ("aot", 1, "libstint-compiler.so")):
        p = subprocess.run([alone, "run", "--no-cache", "--tier", mode, module], capture_output=True,
                           timeout=120)
        t.equal(p.returncode, code)
        t.match(p.stderr.decode(), pattern)
        t.check(p.stderr.count(b"\n") <= 2, p.stderr)


@test
def perf_map(t):
    need_plugin()
    module = t.file("work.wat", WORK)
    p = subprocess.Popen([STINT, "run", "--tier", "aot", "--no-cache", "--perf", module],
                         stderr=subprocess.PIPE)
    p.communicate(timeout=120)
    path = f"/tmp/perf-{p.pid}.map"
    t.check(os.path.exists(path), "no perf map")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        os.unlink(path)
        t.match(text, r"^[0-9a-f]+ [0-9a-f]+ \S*inner")
        t.check(all(re.match(r"[0-9a-f]+ [0-9a-f]+ \S+$", line) for line in text.splitlines()), text)


main()
