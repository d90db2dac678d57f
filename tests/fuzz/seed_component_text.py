#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `component_text` into a folder: a component with every form of
the grammar, each canonical built-in, a script, and the components of the suite where it is found."""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src", "component")

FORMS = """(component $top (@name "n") (@custom "c" "x")
  (core type $ft (func (param i32) (result i64))) (core type (sub (struct (field i32))))
  (core rec (type $r (array (ref null $r))))
  (core type $mt (module (alias outer $top $ft (type $f)) (type (func)) (import "a" "b" (func (type $f)))
    (import "a" "t" (table 1 funcref)) (export "m" (memory 1 2)) (export "g" (global (mut i32)))))
  (import "m" (core module $mi (type $mt)))
  (import "a:b/c@1.0.0" (implements "a:b/c") (external-id "x") (instance $in
    (export "r" (type $r (sub resource))) (export "u" (type (eq $r)))
    (export "f" (func (param "self" (borrow $r)) (result (result string (error u8)))))
    (type $l (list (tuple u8 s64))) (export "i" (instance (export "g" (func async))))))
  (import "x" (component (import "y" (func)) (export "z" (type (sub resource)))))
  (import "v" (value string))
  (type $rec (record (field "a" bool) (field "b" (option char))))
  (type $var (variant (case "a" f32) (case "b")))
  (type (flags "x" "y")) (type (enum "p" "q")) (type (list u8 4)) (type (map string $rec))
  (core module $M (memory (export "mem") 1) (func (export "f") (param i32)) (table (export "t") 1 funcref))
  (core instance $i (instantiate $M))
  (core instance $j (export "mem" (memory $i "mem")))
  (core instance (instantiate $M (with "e" (instance (export "f" (func $i "f")))) (with "i" (instance $j))))
  (type $res (export "res") (resource (rep i32) (dtor (core func $i "f"))))
  (alias core export $i "f" (core func $f)) (alias export $in "r" (type $r2))
  (core func $low (canon lower (func $in "i" "g") string-encoding=utf16 (memory $i "mem")))
  (func $lift (export "lift") (param "s" string) (canon lift (core func $i "f") (memory (core memory $i "mem"))
    (realloc $f) (post-return (func $f)) async (callback $f)))
  (canon lift (core func $f) string-encoding=latin1+utf16 (func $l2 (param "a" u8)))
  (func (export "al") (alias export $in "f"))
  (component $C (import "t" (type $T (sub resource))) (type $o (list $rec))
    (alias outer $top $M (core module $mm)) (component (import "q" (func))))
  (instance $ci (instantiate $C (with "t" (type $r2)) (with "i" (instance (export "a" (func $lift))))))
  (instance (export "b") (export "c" (type $rec)))
  (export $e "e" (func $lift) (func (param "s" string))) (start $lift (value 0) (result (value $w))))
"""

SCRIPT = """(component definition $A (component)) (component instance $i $A)
(component binary "\\00asm" "\\0d\\00\\01\\00") (assert_malformed (component quote "(import \\"a\\"") "x")
(assert_return (invoke $i "f" (str.const "a") (list.const (u32.const 1)) (char.const "x"))
  (record.const (field "a" u8.const 1) (field "b" (variant.const "c" (f32.const 1)))))
(assert_return (invoke "f") (result.err (option.some (flags.const "a" "b"))))
(assert_trap (component) "x") (assert_invalid (component (type (tuple))) "y") (register "r")
"""

OPERANDS = {
    "NONE": "", "LOWER": "$f", "TYPE": "$t", "TYPE_OPTIONS": "$t async (memory $m)",
    "TYPE_ASYNC": "$t async", "ASYNC": "async", "CANCELLABLE": "cancellable",
    "CANCELLABLE_MEMORY": "cancellable (memory $m)", "OPTIONS": "(memory $m) (realloc $cf)",
    "RESULT_OPTIONS": "(result (list u8)) (memory $m)", "SLOT": "i32 0",
    "CORE_TYPE_TABLE": "$ct (core table $tb)", "SHARED": "shared",
    "SHARED_CORE_TYPE": "$ct", "SHARED_CORE_TYPE_TABLE": "shared $ct (table $tb)",
}


def built_ins():
    with open(os.path.join(SRC, "text_component_canon.c"), encoding="utf-8") as f:
        rows = re.findall(r'\{"([a-z.-]+)", 0x[0-9a-f]+, OPERAND_(\w+)\}', f.read())
    lines = [f"  (core func (canon {name} {OPERANDS[form]}))" for name, form in rows]
    lines += [f"  (canon {name} {OPERANDS[form]} (core func))" for name, form in rows]
    return ('(component (import "f" (func $f)) (type $t (stream u8)) (core type $ct (func (param i32)))\n'
            '  (core module $M (memory (export "m") 1) (table (export "t") 1 funcref) (func (export "f")))\n'
            '  (core instance $i (instantiate $M)) (alias core export $i "m" (core memory $m))\n'
            '  (alias core export $i "t" (core table $tb)) (alias core export $i "f" (core func $cf))\n'
            + "\n".join(lines) + ")\n")


def forms(text, keyword):
    """The parenthesised forms of a script that begin so, by their parentheses; strings are stepped over."""
    for found in re.finditer(r"^ *" + re.escape(keyword), text, re.MULTILINE):
        depth = 0
        for token in re.finditer(r'"(?:[^"\\]|\\.)*"|;;[^\n]*|\(|\)', text[found.start():]):
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if depth == 0 and token[0] == ")":
                yield text[found.start():found.start() + token.end()]
                break


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    seeds = {"forms.wat": FORMS, "script.wast": SCRIPT, "builtins.wat": built_ins()}
    suite = os.path.join(os.environ.get("STINT_CONFORMANCE", "conformance"), "component-wast")
    for path in sorted(glob.glob(os.path.join(suite, "test", "*", "*.wast"))):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        name = os.path.splitext(os.path.basename(path))[0]
        for number, form in enumerate(list(forms(text, "(component"))[:20]):
            if len(form) < 4000:
                seeds[f"{name}{number}.wat"] = form
    for name, text in seeds.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)


main()
