#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `exec` into a folder: small modules of the core test suite,
where there is one, and decisions for the generator of tests/differential."""
import os
import random
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BYTES_MAX = 2000
EACH = 12  # modules of a folder


def suite():
    for folder in (os.environ.get("STINT_CONFORMANCE"), os.path.join(ROOT, "conformance"),
                   os.path.join(ROOT, "..", "shared", "conformance")):
        if folder and os.path.isdir(os.path.join(folder, "core-json")):
            return os.path.join(folder, "core-json")
    return None


def modules(folder):
    for path, folders, names in os.walk(folder):
        folders.sort()
        small = [n for n in sorted(names) if n.endswith(".wasm")
                 and os.path.getsize(os.path.join(path, n)) <= BYTES_MAX]
        stems = {}
        for name in small:
            stems.setdefault(name.split(".")[0], []).append(name)
        for stem, found in stems.items():
            for name in found[:EACH]:
                yield f"{stem}-{name}", os.path.join(path, name)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    chance = random.Random(1)
    for i in range(200):
        with open(os.path.join(out, f"decisions-{i}"), "wb") as f:
            f.write(bytes([i % 128]) + chance.randbytes(chance.choice((1, 40, 400, 2000))))
    folder = suite()
    if folder is None:
        print("no conformance data: the seeds are decisions only")
        return
    for name, path in modules(folder):
        with open(path, "rb") as source, open(os.path.join(out, name), "wb") as f:
            f.write(source.read())


if __name__ == "__main__":
    main()
