#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the binary seeds of the fuzz target `peer` into a folder: headers of the PROXY protocol 2."""
import os
import struct
import sys

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(command, family, rest):
    return b"P" + SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    v4 = bytes([192, 0, 2, 7, 192, 0, 2, 1]) + struct.pack(">HH", 4711, 443)
    v6 = bytes(range(32)) + struct.pack(">HH", 4711, 443)
    seeds = {
        "tcp4": header(0x21, 0x11, v4) + b"GET / HTTP/1.1\r\n",
        "tcp6": header(0x21, 0x21, v6 + b"\3\0\1x"),
        "local": header(0x20, 0, b""),
        "unix": header(0x21, 0x31, bytes(216)),
        "cut off": header(0x21, 0x11, v4[:10]),
        "long": header(0x21, 0x11, v4 + bytes(2100)),
    }
    for name, data in seeds.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


main()
