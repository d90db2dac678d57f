#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `image` into a folder: an image that passes every check with the
target's help, some that nearly do, and files with sections that are cut off."""
import os
import struct
import sys

PAGE = 65536
SECTIONS_AT, ARRAYS_AT, HEADER_BYTES = 136, 136 + 4 * 48, 504


def header(sections, arrays):
    out = bytearray(HEADER_BYTES)
    for i, (offset, size) in enumerate(sections):
        struct.pack_into("<QQ", out, SECTIONS_AT + 48 * i, offset, size)
    for i, (offset, count) in enumerate(arrays):
        struct.pack_into("<QI", out, ARRAYS_AT + 16 * i, offset, count)
    return bytes(out)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    good = [(PAGE, 64), (2 * PAGE, 64), (3 * PAGE, PAGE), (4 * PAGE, 64)]
    none = [(4 * PAGE, 0)] * 9
    funcs = [(4 * PAGE, 2)] + none[1:]
    seeds = {
        "good": bytes([80]) + header(good, none),
        "funcs": bytes([80]) + header(good, funcs) + bytes(64 * 3) + struct.pack("<4I", 0, 0, 1, 8),
        "overlap": bytes([80]) + header([good[0], (PAGE, 64)] + good[2:], none),
        "empty tables at imports": bytes([80]) + header(good[:3] + [(3 * PAGE, 0)], none),
        "empty constants at text": bytes([80]) + header([good[0], (PAGE, 0)] + good[2:], none),
        "outside": bytes([80]) + header(good[:3] + [(90 * PAGE, 64)], none),
        "file": b"\0\0asm\1\0\0\0\0\x0c\x09stint.aotXX",
        "cut": b"\0\0asm\1\0\0\0\0\x7f\x09stint.aotstintaot",
        "signature": b"\0\0asm\1\0\0\0\0\x12\x09stint.aotstintsig",
    }
    for name, data in seeds.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


main()
