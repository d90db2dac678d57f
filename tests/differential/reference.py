#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs generated modules in wasmtime and prints what execute.c prints of them.

    reference.py FILE…
"""
import ctypes
import math
import os
import struct
import sys
import zlib

import wasmtime

MASK = (1 << 64) - 1
FEATURES = ("bulk_memory", "exceptions", "function_references", "gc", "memory64", "multi_memory",
            "multi_value", "reference_types", "relaxed_simd", "simd", "tail_call")


def configure():
    config = wasmtime.Config()
    for name in FEATURES:
        setattr(config, "wasm_" + name, True)
    config.wasm_relaxed_simd_deterministic = True
    config.cranelift_nan_canonicalization = True
    # Compiling takes most of the time: generated code runs once.
    config.cranelift_opt_level = "none"
    config.parallel_compilation = False
    return wasmtime.Engine(config)


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def text_of(kind, value):
    if kind == "i32":
        return f"i32:{value & 0xffffffff:08x}"
    if kind == "i64":
        return f"i64:{value & MASK:016x}"
    if math.isnan(value):
        return kind + ":nan"
    if kind == "f32":
        return f"f32:{struct.unpack('<I', struct.pack('<f', value))[0]:08x}"
    return f"f64:{struct.unpack('<Q', struct.pack('<d', value))[0]:016x}"


def call(store, func):
    kinds = [str(t) for t in func.type(store).results]
    try:
        results = func(store)
    except wasmtime.Trap as trap:
        # An exception that nobody caught comes without a code.
        return " exception" if trap.trap_code is None else " trap " + trap.trap_code.name
    except wasmtime.WasmtimeError as error:
        return " exception" if "exception" in str(error) else f" error {error}"
    if len(kinds) == 0:
        return ""
    values = results if len(kinds) > 1 else [results]
    return "".join(" " + text_of(k, v) for k, v in zip(kinds, values))


def run(engine, path):
    with open(path, "rb") as f:
        module = wasmtime.Module(engine, f.read())
    store = wasmtime.Store(engine)
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
    exports = None

    def mix(a, b):
        product = ((b & MASK) ^ (a & 0xFFFFFFFF)) * 0x9E3779B97F4A7C15 + 1
        return signed(product & MASK, 64)

    def back(a):
        return exports["back"](store, signed((a + 1) & 0xFFFFFFFF, 32))

    imports = [wasmtime.Func(store, wasmtime.FuncType([i32, i64], [i64]), mix),
               wasmtime.Func(store, wasmtime.FuncType([i32], [i32]), back)]
    instance = wasmtime.Instance(store, module, imports)
    exports = instance.exports(store)
    names = [e.name for e in module.exports]
    for name in names:
        if name[0] in "rs":
            print(name + call(store, exports[name]))
    for name in names:
        if name[0] == "m":
            memory = exports[name]
            size = memory.data_len(store)
            data = ctypes.string_at(ctypes.addressof(memory.data_ptr(store).contents), size)
            print(f"{name} {size} {zlib.crc32(data):08x}")
    store.close()
    module.close()


def main():
    engine = configure()
    for path in sys.argv[1:]:
        print(os.path.basename(path))
        try:
            run(engine, path)
        except wasmtime.WasmtimeError as error:
            print("unsupported", str(error).replace("\n", " "))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
