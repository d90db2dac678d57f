# SPDX-License-Identifier: Apache-2.0
"""Which engines there are on this machine, and how each one is told to run a module."""
import os
import shutil
import subprocess

FUEL_PLENTY = "1000000000000000"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


class Engine:
    """A way to run a program. `prefix` is the command line up to the module's path."""

    def __init__(self, name, prefix, version_command=None, note=""):
        self.name = name
        self.prefix = prefix
        self.version_command = version_command
        self.note = note

    def command(self, wasm, args):
        return self.prefix + [wasm] + args

    def version(self):
        if not self.version_command:
            return ""
        try:
            done = subprocess.run(self.version_command, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        lines = (done.stdout or done.stderr).strip().splitlines()
        return lines[0].strip() if lines else ""


def locate(name):
    """The program `name`: from the variable of that name in capitals, else from PATH."""
    given = os.environ.get(name.upper())
    if not given:
        return shutil.which(name)
    found = shutil.which(given)
    if not found:
        raise SystemExit(f"bench: {name.upper()}={given} is not a program that can be run")
    return os.path.abspath(found)


def locate_stint():
    given = os.environ.get("STINT")
    path = os.path.abspath(given or os.path.join(ROOT, "build", "release", "stint"))
    if os.access(path, os.X_OK):
        return path
    if given:
        raise SystemExit(f"bench: STINT={given} is not a program that can be run")
    return None


def find(with_fuel, extra):
    """All engines found, Stint first. `extra` holds NAME=COMMAND strings."""
    engines = []
    stint = locate_stint()
    if stint:
        engines.append(Engine("stint", [stint, "run"], [stint, "--version"]))
        if with_fuel:
            engines.append(Engine("stint+fuel", [stint, "run", "--fuel", FUEL_PLENTY]))
    for text in extra:
        name, _, command = text.partition("=")
        if not name or not command:
            raise SystemExit(f"bench: --engine {text}: expected NAME=COMMAND")
        engines.append(Engine(name, command.split()))
    for name, arguments in (("wasm3", []), ("iwasm", []), ("wasmtime", ["run"]),
                            ("wasmedge", ["run"])):
        path = locate(name)
        if path:
            engines.append(Engine(name, [path] + arguments, [path, "--version"]))
    python = os.environ.get("WASMTIME_PYTHON")
    if python and not any(engine.name == "wasmtime" for engine in engines):
        runner = os.path.join(HERE, "support", "wasmtime_wheel.py")
        version = [python, "-c", "from importlib.metadata import version; "
                   "print('wasmtime', version('wasmtime'), 'as a wheel')"]
        engines.append(Engine("wasmtime", [python, runner], version, "includes Python's start"))
    node = locate("node")
    if node:
        runner = os.path.join(HERE, "support", "node_wasi.mjs")
        engines.append(Engine("node", [node, "--no-warnings", runner], [node, "--version"]))
    return engines


def select(engines, names):
    """The engines whose names are in the comma-separated `names`; "native" is always there."""
    if not names:
        return engines
    wanted = [name for name in names.split(",") if name != "native"]
    known = {engine.name: engine for engine in engines}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise SystemExit(f"bench: no engine {', '.join(missing)} here; found: "
                         f"{', '.join(known) or 'none'}")
    return [known[name] for name in wanted]
