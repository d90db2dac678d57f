#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `dwarf`, line tables of versions 2 to 5, into a folder."""
import os
import struct
import sys

LENGTHS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
PROGRAM = (
    bytes([0, 5, 2, 0, 0, 0, 0, 1, 2, 100, 1, 0, 1, 1])  # a dead sequence
    + bytes([0, 5, 2, 16, 0, 0, 0, 4, 1, 3, 10, 5, 7, 1])  # file, line, column, a row
    + bytes([75, 4, 2, 3, 1, 9, 2, 0, 1, 8, 3, 115, 1, 2, 1, 0, 1, 1]))


def sized(content):
    return struct.pack("<I", len(content)) + content


def tables(version, strings):
    if version < 5:
        return b"src/lib\0\0a.c\0\0\0\0b.c\0\1\0\0\0"
    form = {"text": 0x08, "line_strp": 0x1F, "strp": 0x0E}[strings]
    where = {"text": b"b.c\0", "line_strp": struct.pack("<I", 8), "strp": struct.pack("<I", 8)}
    one = where[strings]
    return (bytes([1, 1, form, 2]) + one * 2
            + bytes([3, 1, form, 5, 0x1E, 2, 0x0B, 3]) + (one + bytes(16) + b"\1") * 3)


def unit(version, strings="text"):
    head = b"\1" + (b"\1" if version >= 4 else b"") + bytes([1, 251, 14, 13]) + LENGTHS
    head = sized(head + tables(version, strings))
    size = b"\4\0" if version >= 5 else b""
    return sized(struct.pack("<H", version) + size + head + PROGRAM)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    seeds = {f"v{version}": unit(version) for version in (2, 3, 4, 5)}
    seeds["v5_line_strp"] = unit(5, "line_strp")
    seeds["v5_strp"] = unit(5, "strp")
    seeds["two"] = unit(4) + unit(5)
    for name, line in seeds.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(struct.pack("<IH", 17, len(line)) + line + b"src/lib\0b.c\0")


if __name__ == "__main__":
    main(sys.argv[1])
