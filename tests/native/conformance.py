#!/usr/bin/env python3
# suite: builds=release timeout=900
# SPDX-License-Identifier: Apache-2.0
"""The WebAssembly core test suite as machine code, and our own scripts about the collector.

    STINT=build/release/stint STINT_CONFORMANCE=... tests/native/conformance.py [-v] [--way WAY] [WORD...]

Each way (see WAYS) runs the scripts once. `make test` takes the first ones, which are at the level at
which the whole is quickest and at the one that is usual; `make test-all` all of them.
"""

import argparse
import importlib.machinery
import importlib.util
import os
import re
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What fast code leaves open: whether an access that nobody needs traps, and the store afterwards.
TOLERATED = re.compile('poisoned store: |the trap "out of bounds memory access" was expected')
# Files with references to collected objects: what stress is about.
OBJECTS = ("array", "struct", "i31", "br_on", "ref", "gc", "type", "extern", "throw", "try_table",
           "exception", "table", "elem", "global", "select", "local", "call", "return_call")
AOT = ["--tier", "aot"]
JIT = ["--tier", "jit"]
STRICT = ["--strict-traps"]


def all_files(name):
    return True


def with_objects(name):
    return any(word in name for word in OBJECTS)


# name, options, which files, whether in `make test`
WAYS = [
    ("aot", AOT + STRICT + ["-O0"], all_files, True),
    ("aot-stress", AOT + STRICT + ["-O0", "--gc-stress"], with_objects, True),
    ("fast-2", AOT + ["-O2"], all_files, True),
    ("jit", JIT + STRICT + ["-O0", "--tier-samples", "1"], all_files, True),
    ("aot-2", AOT + STRICT + ["-O2"], all_files, True),
    ("aot-stress-2", AOT + STRICT + ["-O2", "--gc-stress"], all_files, False),
    ("fast", AOT + ["-O1"], all_files, False),
    ("jit-stress", JIT + STRICT + ["-O1", "--tier-seed", "1", "--gc-stress"], all_files, False),
    ("jit-seed-2", JIT + STRICT + ["-O1", "--tier-seed", "2"], all_files, False),
    ("jit-seed-3", JIT + STRICT + ["-O1", "--tier-seed", "3"], all_files, False),
]


def load_spec():
    """tests/spec/run as a module."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("spec", os.path.join(ROOT, "tests", "spec", "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("spec", loader))
    loader.exec_module(module)
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("word", nargs="*", help="only files whose paths contain one of these")
    parser.add_argument("-v", "--verbose", action="store_true", help="the counts of each file")
    parser.add_argument("--way", action="append", help="only this way")
    args = parser.parse_args()
    stint, conformance = os.environ.get("STINT"), os.environ.get("STINT_CONFORMANCE")
    spec = load_spec()
    tally = spec.Tally()
    files = spec.collect(os.path.join(ROOT, "tests", "gc"), ".wast", args.word)
    if not stint or not os.access(stint, os.X_OK):
        tally.fail("STINT does not name a program")
        files = []
    elif not os.path.exists(os.path.join(os.path.dirname(stint), "libstint-compiler.so")):
        print("SKIP: libstint-compiler.so was not built")
        tally.skipped += 1
        files = []
    elif not conformance or not os.path.isdir(os.path.join(conformance, "core-wast")):
        print("SKIP: there is no folder core-wast")
        tally.skipped += 1
    else:
        files += spec.collect(os.path.join(conformance, "core-wast"), ".wast", args.word)
    for way, options, chooses, is_short in WAYS:
        if args.way and way not in args.way:
            continue
        if not args.way and not is_short and not os.environ.get("STINT_TEST_ALL"):
            continue
        start, before, open_before = time.monotonic(), tally.failed, tally.tolerated
        chosen = [name for name in files if chooses(os.path.basename(name))]
        for at in range(0, len(chosen), spec.BATCH_FILES):
            spec.run_scripts(stint, chosen[at:at + spec.BATCH_FILES], tally, args.verbose, options,
                             None if "--strict-traps" in options else TOLERATED)
        left_open = tally.tolerated - open_before
        print(f"{way}: {len(chosen)} files, {tally.failed - before} failed, "
              + (f"{left_open} left open, " if left_open else "")
              + f"{time.monotonic() - start:.0f} s", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
