#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes seeds for fuzz_server into a folder: conversations of both versions, in pieces."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
sys.dont_write_bytecode = True

import h2  # noqa: E402
import server  # noqa: E402


def pieces(data, size):
    return b"".join(bytes([len(data[i:i + size])]) + data[i:i + size]
                    for i in range(0, len(data), size))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    start = h2.PREFACE + h2.frame(h2.SETTINGS)
    seeds = [server.CONVERSATION, start + h2.get(1) + h2.get(3, "/abc") + h2.frame(
        h2.HEADERS, 4, 5, h2.block("/abcd", method="POST")) + h2.frame(0, 1, 5, b"abc")]
    seeds += list(server.SMUGGLING.values()) + [start + data for data, _ in h2.BAD_FRAMES.values()]
    seeds += [start + h2.frame(h2.HEADERS, 5, 1, head) for head in h2.BAD_REQUESTS.values()]
    for number, seed in enumerate(seeds):
        for size in (255, 19):
            with open(os.path.join(folder, f"{number}-{size}"), "wb") as file:
                file.write(bytes([number & 1, 200]) + pieces(seed, size))


main(sys.argv[1])
