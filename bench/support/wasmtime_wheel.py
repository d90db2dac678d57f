# SPDX-License-Identifier: Apache-2.0
"""Runs a preview 1 command in wasmtime's Python wheel: wasmtime_wheel.py FILE.wasm [ARG...]

For machines without the wasmtime program; the start of Python is part of what it takes.
"""
import os
import sys

import wasmtime

engine = wasmtime.Engine()
linker = wasmtime.Linker(engine)
linker.define_wasi()
wasi = wasmtime.WasiConfig()
wasi.argv = sys.argv[1:]
wasi.inherit_stdout()
wasi.inherit_stderr()
store = wasmtime.Store(engine)
store.set_wasi(wasi)
instance = linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1]))
code = 0
try:
    instance.exports(store)["_start"](store)
except wasmtime.ExitTrap as exit_trap:
    code = exit_trap.code
os._exit(code)
