#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `decode`, small binary modules, into a folder.

One module holds every operator of op.def in unreachable code, where any operands will do; the others
hold every section, form of segment and kind of type.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
I32, I64, V128, FUNCREF, EXTERNREF, ANYREF = (
    b"\x7f", b"\x7e", b"\x7b", b"\x70", b"\x6f", b"\x6e")
END, UNREACHABLE = b"\x0b", b"\x00"


def u(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def vec(*items):
    return u(len(items)) + b"".join(items)


def sized(content):
    return u(len(content)) + content


def name(text):
    return sized(text.encode())


def section(number, *items):
    return bytes([number]) + sized(vec(*items))


def func(params=b"", results=b""):
    return b"\x60" + sized(params) + sized(results)


def body(code, *local_groups):
    return sized(vec(*local_groups) + code + END)


def module(*sections):
    return b"\0asm\1\0\0\0" + b"".join(sections)


def const(value=0):
    return b"\x41" + u(value) + END


# Bytes that stand for the immediates of each kind, all of which name index 0.
IMMEDIATES = {
    "NONE": b"", "BLOCK": b"\x40", "LABEL": b"\0", "BR_TABLE": b"\1\0\0", "FUNC": b"\0",
    "TYPE": b"\0", "CALL_INDIRECT": b"\0\0", "LOCAL": b"\0", "GLOBAL": b"\0", "TABLE": b"\0",
    "MEMARG": b"\0\0", "MEMARG_LANE": b"\0\0\0", "MEMORY": b"\0", "DATA_MEMORY": b"\0\0",
    "DATA": b"\0", "MEMORY2": b"\0\0", "ELEM_TABLE": b"\0\0", "ELEM": b"\0", "TABLE2": b"\0\0",
    "I32": b"\x2a", "I64": b"\x80\x7f", "F32": b"\0\0\x80\x3f", "F64": b"\0" * 6 + b"\xf0\x3f",
    "V128": bytes(range(16)), "SHUFFLE": bytes(range(16, 32)), "LANE": b"\0", "HEAP": b"\x6e",
    "SELECT_T": b"\1\x7f", "TRY_TABLE": b"\x40\1\2\0", "TAG": b"\0", "TYPE_FIELD": b"\0\0",
    "TYPE_COUNT": b"\0\2", "TYPE_DATA": b"\0\0", "TYPE_ELEM": b"\0\0", "TYPE2": b"\0\0",
    "BR_CAST": b"\3\0\x6e\x6e",
}


# Type 0 is a function. Structs and arrays need types of their own; of these 3 and 4 are packed.
TYPES = {f"STRUCT_{op}": b"\1" for op in ("NEW", "NEW_DEFAULT", "GET", "SET")}
TYPES |= {f"STRUCT_GET_{op}": b"\3" for op in "SU"}
TYPES |= {f"ARRAY_{op}": b"\2" for op in ("NEW", "NEW_DEFAULT", "NEW_FIXED", "NEW_DATA", "GET", "SET",
                                         "FILL", "INIT_DATA")}
TYPES |= {f"ARRAY_GET_{op}": b"\4" for op in "SU"}
TYPES |= {"ARRAY_COPY": b"\2\2", "ARRAY_NEW_ELEM": b"\5", "ARRAY_INIT_ELEM": b"\5"}


def operators():
    """(id, opcode with immediates) of every row of op.def and its parts."""
    row = re.compile(r'^OP\((\w+), (\w+), (\w+), "[^"]*", (\w+), ')
    folder = os.path.join(ROOT, "src", "wasm")
    for part in sorted(n for n in os.listdir(folder) if re.fullmatch(r"op\w*\.def", n)):
        with open(os.path.join(folder, part), encoding="utf-8") as f:
            rows = [row.match(line) for line in f]
        for found in filter(None, rows):
            prefix, code = int(found[2], 0), int(found[3], 0)
            head = bytes([prefix]) + u(code) if prefix else bytes([code])
            yield found[1], head + IMMEDIATES[found[4]]


def all_operators():
    opens = {"BLOCK", "LOOP", "IF", "TRY_TABLE"}
    bodies = []
    for identifier, code in operators():
        if identifier in ("ELSE", "END"):
            continue
        if identifier in TYPES:
            code = code[:2] + TYPES[identifier] + code[2 + len(TYPES[identifier]):]
        elif identifier in ("BR_ON_NON_NULL", "BR_ON_CAST", "BR_ON_CAST_FAIL"):
            code = b"\x02" + ANYREF + UNREACHABLE + code + UNREACHABLE + END + b"\x1a"
        bodies.append(body(UNREACHABLE + code + (END if identifier in opens else b"")
                           + UNREACHABLE, b"\1" + I32))
    return module(
        section(1, func(), b"\x5f" + vec(I32 + b"\1"), b"\x5e" + I32 + b"\1",
                b"\x5f" + vec(b"\x78\1"), b"\x5e\x77\1", b"\x5e" + FUNCREF + b"\1"),
        section(3, *[b"\0"] * len(bodies)),
        section(4, FUNCREF + b"\0\1"), section(5, b"\0\1"), section(13, b"\0\0"),
        section(6, I32 + b"\1" + const()), section(7, name("f") + b"\0\0"),
        section(9, b"\1\0" + vec(b"\0")), b"\x0c" + sized(u(1)),
        section(10, *bodies), section(11, b"\1" + name("data")))


def control():
    block = b"\x02\x7f\x41\1\x0c\0\x0b\x1a"
    loop = b"\x03\x40\x20\0\x0d\0\x0b"
    branch = b"\x20\0\x04\x7f\x41\1\x05\x41\2\x0b\x1a"
    table = b"\x02\x40\x02\x40\x20\0\x0e\2\0\1\2\x0b\x0b"
    typed = b"\x20\0\x42\0\x02\1\x0b\x1a\x1a"
    call = b"\x20\0\x41\0\x11\2\0"
    catch = b"\x02\x7f\x1f\x40\2\0\0\0\2\1\x41\7\x08\0\x0b\x41\0\x0b\x1a"
    return module(
        section(1, func(I32), func(I32 + I64, I64 + I32), func(I32)),
        section(3, b"\0"), section(4, FUNCREF + b"\1\1\x0a"), section(13, b"\0\0"),
        section(10, body(block + loop + branch + table + call + catch, b"\2" + I64, b"\1" + V128)),
        b"\0" + sized(name("name") + b"\0" + sized(name("m")) + b"\1"
                      + sized(vec(b"\0" + name("main")))))


def segments():
    elems = [
        b"\0" + const() + vec(b"\0", b"\0"),
        b"\1\0" + vec(b"\0"),
        b"\2\0" + const() + b"\0" + vec(b"\0"),
        b"\3\0" + vec(b"\0"),
        b"\4" + const() + vec(b"\xd2\0" + END),
        b"\5" + FUNCREF + vec(b"\xd0\x70" + END, b"\xd2\0" + END),
        b"\6\0" + const() + FUNCREF + vec(b"\xd2\0" + END),
        b"\7" + FUNCREF + vec(b"\xd0\x70" + END),
    ]
    datas = [b"\0" + const(3) + name("abc"), b"\1" + name("passive"),
             b"\2\0" + b"\x41\1\x41\2\x6a\x23\0\x6b" + END + name("x")]
    return module(
        section(1, func()),
        section(2, name("m") + name("g") + b"\3" + I32 + b"\0",
                name("m") + name("f") + b"\0\0", name("m") + name("t") + b"\1" + FUNCREF + b"\0\4",
                name("m") + name("mem") + b"\2\1\1\2"),
        section(3, b"\0"), section(6, I32 + b"\0\x23\0" + END, FUNCREF + b"\1\xd2\0" + END),
        section(7, name("a") + b"\0\1", name("b") + b"\1\0", name("c") + b"\2\0",
                name("d") + b"\3\0"),
        b"\x08" + sized(u(1)), section(9, *elems), b"\x0c" + sized(u(len(datas))),
        section(10, body(b"")), section(11, *datas))


def garbage_collected():
    group = b"\x4e" + vec(
        b"\x50\0\x5f" + vec(b"\x63\1\1", b"\x78\0", b"\x77\1"),
        b"\x50\1\0\x5f" + vec(b"\x63\1\1", b"\x78\0", b"\x77\1", V128 + b"\1"),
        b"\x4f\0\x5e" + b"\x64\0\1", b"\x5e" + b"\x6e\0")
    code = (b"\xfb\1\1\x1a" + b"\x41\0\xfb\7\3\x1a"
            + b"\x02\x63\1\xd0\x6e\xfb\x18\3\0\x6e\1\xfb\x16\x6b\x1a\xd0\1\x0b\xfb\3\1\1\x1a"
            + b"\x41\5\xfb\x1c\xfb\x1d\x1a\xd2\0\x14\4\xd0\x70\xd1\x1a")
    return module(
        section(1, group, func()), section(3, b"\4"),
        section(4, b"\x40\0" + b"\x64\x70\0\1\xd2\0" + END, b"\x63\4\4\0"),
        section(6, b"\x63\1\0\xfb\1\1" + END, b"\x64\x6c\0\x41\7\xfb\x1c" + END),
        section(10, body(code)))


def wide():
    return module(
        section(1, func()), section(2, name("m") + name("t") + b"\4\0\0"), section(3, b"\0"),
        section(4, EXTERNREF + b"\5\1\2"), section(5, b"\5\1\2", b"\0\0"),
        section(10, body(b"\x42\0\x28\x42\0\x80\x80\x80\x80\x20\x1a\x41\0\x2d\x40\1\0\x1a"
                         b"\x42\0\x25\0\x1a\x3f\0\x1a\x42\0\x41\0\x41\0\xfc\x0a\0\1"
                         b"\x41\0\xfd\x0f\xfd\x15\0\x1a\x42\0\xfd\x5c\2\0\x1a")))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    seeds = {"empty": module(), "all_operators": all_operators(), "control": control(),
             "segments": segments(), "garbage_collected": garbage_collected(), "wide": wide()}
    for stem, data in seeds.items():
        with open(os.path.join(folder, stem + ".wasm"), "wb") as f:
            f.write(data)


main()
