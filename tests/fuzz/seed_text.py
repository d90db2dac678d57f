#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `text` into a folder: a text with every operator of op.def,
texts with every abbreviation, a script, the JSON form of one, and the binaries of seed_decode.py."""
import glob
import os
import re
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WASM = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src", "wasm")

IMMEDIATES = {
    "BLOCK": "(result i32)", "LABEL": "0", "BR_TABLE": "0 0", "FUNC": "$f", "TYPE": "$s",
    "CALL_INDIRECT": "$t (param i64)", "LOCAL": "$x", "GLOBAL": "$g", "TABLE": "$t",
    "MEMARG": "$m offset=1 align=1", "MEMARG_LANE": "offset=1 0", "MEMORY": "$m",
    "DATA_MEMORY": "$m $d", "DATA": "$d", "MEMORY2": "$m 0", "ELEM_TABLE": "$t $e", "ELEM": "$e",
    "TABLE2": "$t 0", "I32": "-1", "I64": "0x1_0", "F32": "nan:0x1", "F64": "1.5e-3",
    "V128": "f32x4 1 -0 inf nan", "SHUFFLE": " ".join(map(str, range(16))), "LANE": "0",
    "HEAP": "any", "SELECT_T": "(result i32)", "TRY_TABLE": "(catch $ex 0) (catch_all_ref 0)",
    "TAG": "$ex", "TYPE_FIELD": "$s $fa", "TYPE_COUNT": "$s 2", "TYPE_DATA": "$s $d",
    "TYPE_ELEM": "$s $e", "TYPE2": "$s $s", "BR_CAST": "0 anyref (ref eq)",
}

HEAD = """(module $mod (@name "n") (type $s (struct (field $fa i32) (field (mut i8) i64)))
  (rec (type $r (sub (array (ref null $r)))) (type (sub final $r (array (ref $r)))))
  (import "a" "b" (func $i (param f32))) (memory $m (import "c" "d") i64 1 2)
  (@custom "c" (after type) "x" "\\u{e4}") (global $g (mut i32) (i32.const 0))
  (table $t (export "t") funcref (elem $f (item ref.null func))) (memory (data "a" "\\00"))
  (tag $ex (param i32)) (elem $e declare func $f) (data $d (offset i32.const 1) "z")
  (elem (table $t) (i32.const 0) (ref func) (ref.func 0)) (start $f) (export "f" (func $f))
"""

SCRIPT = """(module $m (func (export "f") (result i32) i32.const 1)) (register "m" $m)
(assert_return (invoke $m "f") (either (i32.const 1) (f32.const nan:canonical)))
(assert_trap (invoke "g" (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)) "x")
(assert_malformed (module quote "(func") "y") (module binary "\\00asm" "\\01\\00\\00\\00")
(module definition $d) (module instance $e $d) (get "x") (assert_return (get "y") (ref.null))
"""

JSON = """{"source_filename":"a","commands":[{"type":"module","line":1,"filename":"a.wasm",
"module_type":"binary"},{"type":"assert_return","line":2,"action":{"type":"invoke","field":"\\u0066",
"args":[{"type":"v128","lane_type":"i32","value":["1","2","-3","4"]}]},"expected":[{"type":"either",
"values":[{"type":"f32","value":"nan:canonical"},{"type":"externref","value":"null"}]}]}]}
"""


def all_operators():
    row = re.compile(r'^OP\(\w+, \w+, \w+, "([^"]*)", (\w+), ')
    lines = []
    for path in sorted(glob.glob(os.path.join(WASM, "op*.def"))):
        with open(path, encoding="utf-8") as f:
            for found in filter(None, map(row.match, f)):
                name, immediate = found[1], IMMEDIATES.get(found[2], "")
                if found[2] in ("BLOCK", "TRY_TABLE"):
                    lines.append(f"    {name} $l{len(lines)} {immediate} end")
                elif name not in ("else", "end"):
                    lines.append(f"    ({name} {immediate} (unreachable))")
    return (HEAD + "  (func $f (param $x i32) (local i64 i64) (local $y f32) (block\n"
            + "\n".join(lines)
            + "\n  ) (@metadata.code.branch_hint \"\\01\") (if $q (i32.const 1)"
              " (then (br $q)) (else))))\n")


def main():
    folder = sys.argv[1]
    runpy.run_path(os.path.join(HERE, "seed_decode.py"))
    seeds = {"all_operators.wat": all_operators(), "script.wast": SCRIPT, "script.json": JSON}
    for name, text in seeds.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)


main()
