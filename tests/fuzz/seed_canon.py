#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `canon` into a folder: a mode, a type, and what values are made of."""
import os
import random
import sys


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    source = random.Random(4)
    for number in range(200):
        # From 128 up a byte of a type is a compound one, and the next few are its parts.
        head = bytes([number & 0x7F]) + bytes(source.randrange(128, 256) for _ in range(number % 4))
        with open(os.path.join(folder, f"{number:03}"), "wb") as file:
            file.write(head + source.randbytes(source.randrange(8, 160)))


if __name__ == "__main__":
    main()
