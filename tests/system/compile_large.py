#!/usr/bin/env python3
# suite: builds=release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Functions as no toolchain writes them, compiled: deep, wide and long ones give the same results."""

import os

from program import STINT, Skip, main, run, test

PLUGIN = os.path.join(os.path.dirname(STINT), "libstint-compiler.so")
I32 = ("(module (memory 1) (func $f (param i32) (result i32) %s)"
       " (func (export \"run\") (result i32) (call $f (i32.const 2))))")


def same(t, text):
    if not os.path.exists(PLUGIN):
        raise Skip("the compiler plug-in is not built here")
    path = t.file("large.wat", text)
    env = dict(os.environ, STINT_NO_CACHE="1")
    want = run("run", "--tier", "interp", "--invoke", "run", path, env=env)
    t.ends(want, 0)
    got = run("run", "--tier", "aot", "-O0", "--invoke", "run", path, env=env)
    t.ends(got, 0)
    t.equal(got.out, want.out)


@test
def tables_of_branches(t):
    count = 3000
    ends = "".join(f") (return (i32.const {i}))" for i in range(count))
    targets = " ".join(str(i) for i in range(count))
    same(t, I32 % ("(block " * count + f"(br_table {targets} (local.get 0))" + ends))
    targets = " ".join(str(i % 2) for i in range(50000))
    same(t, I32 % f"(block (block (br_table {targets} (local.get 0))) (return (i32.const 5))) (i32.const 6)")


@test
def deep_nesting(t):
    depth = 10000
    same(t, I32 % ("(block (result i32) " * depth + "(i32.const 1)" + ")" * depth))
    same(t, I32 % ("(if (local.get 0) (then " * depth + "(local.set 0 (i32.const 7))" + "))" * depth +
                   "(local.get 0)"))
    same(t, I32 % ("(i32.load " * depth + "(local.get 0)" + ")" * depth))


@test
def many_parameters_and_results(t):
    count = 1000
    turned = " ".join(f"(local.get {count - 1 - i})" for i in range(count))
    given = " ".join(f"(i8x16.splat (i32.const {i}))" for i in range(count))
    same(t, f"""(module (type $t (func (param {"v128 " * count}) (result {"v128 " * count})))
      (func $f (type $t) {turned}) (func $g (type $t) {turned} (return_call $f))
      (func (export "run") (result v128) {given} (call $g) {"(drop) " * (count - 1)}))""")


@test
def many_locals(t):
    same(t, I32 % (f'(local {"i32 " * 49000}) (local.set 48000 (local.get 0))'
                   "(i32.add (local.get 48000) (local.get 40000))"))


@test
def long_functions(t):
    """One that is compiled without optimisation, and one that is left to the interpreter."""
    line = ("(i32.store (i32.add (local.get 0) (i32.const 4)) (i32.mul (local.get 0)"
            " (i32.load offset=3 (local.get 0))))")
    for count in (20000, 150000):
        same(t, I32 % (line * count + "(local.get 0)"))


@test
def many_handlers(t):
    count = 1000
    same(t, '(module (tag $t) (func $g (param i32) (if (local.get 0) (then (throw $t))))'
         '(func $f (param i32) (result i32) '
         + "(block $h (try_table (catch $t $h) " * count + "(call $g (local.get 0))" + "))" * count
         + '(local.get 0)) (func (export "run") (result i32) (call $f (i32.const 2))))')


main()
