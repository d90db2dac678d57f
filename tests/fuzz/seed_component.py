#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `component` into a folder: the binaries of the component test
suite, small ones of the forms that it has, and where the suite is missing only a few written here.
"""
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LARGEST_BYTES = 4096
HEADER = b"\0asm\x0d\0\x01\0"
WRITTEN = {
    "empty": b"",
    "types": b"\x07\x05\x02\x73\x70\x00\x00"[:5] + b"\x70\x00",
    "resource": b"\x07\x04\x01\x3f\x7f\x00\x0b\x07\x01\x00\x01r\x03\x00\x00",
    "component": b"\x04\x08" + HEADER,
    "module": b"\x01\x08\0asm\x01\0\0\0\x02\x04\x01\x00\x00\x00",
    "instance-type": b"\x07\x09\x01\x42\x01\x04\x00\x01r\x03\x01",
    "import": b"\x07\x05\x01\x40\x00\x01\x00\x0a\x06\x01\x00\x01f\x01\x00",
}


def suite():
    """The folder of the suite, or None."""
    for folder in (os.environ.get("STINT_CONFORMANCE"), os.path.join(ROOT, "conformance"),
                   os.path.join(ROOT, "..", "shared", "conformance")):
        place = os.path.join(folder, "component-json") if folder else None
        if place and os.path.isdir(place):
            return place
    return None


def main():
    target = sys.argv[1]
    os.makedirs(target, exist_ok=True)
    for stem, content in WRITTEN.items():
        with open(os.path.join(target, "written-" + stem), "wb") as f:
            f.write(HEADER + content)
    place = suite()
    for path, _, names in os.walk(place) if place else ():
        for name in names:
            full = os.path.join(path, name)
            if name.endswith(".wasm") and os.path.getsize(full) <= LARGEST_BYTES:
                shutil.copyfile(full, os.path.join(target, name))


main()
