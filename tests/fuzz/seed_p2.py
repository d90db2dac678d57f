#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz_p2: calls of every function, each a few times among random others."""

import os
import random
import sys

FUNCTIONS, CALL, WRITE = 340, 200, 20


def step(rng, number=None):
    if rng.random() < 0.2:
        return bytes([WRITE, rng.randrange(32), 24]) + rng.randbytes(24)
    number = rng.randrange(FUNCTIONS) if number is None else number
    return bytes([CALL]) + number.to_bytes(2, "big") + rng.randbytes(rng.randrange(4, 16))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(2)
    for number in range(FUNCTIONS):
        steps = [step(rng) for _ in range(20)] + [step(rng, number) for _ in range(4)]
        rng.shuffle(steps)
        with open(os.path.join(folder, f"{number:03}"), "wb") as file:
            file.write(bytes([rng.randrange(256)]) + b"".join(steps))


main()
