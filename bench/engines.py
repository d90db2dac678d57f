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


class AotEngine(Engine):
    """An engine that runs what was compiled before: `compiler` makes OUT of a module."""

    def __init__(self, name, compiler, ending, prefix, version_command=None, note=""):
        super().__init__(name, prefix, version_command, note)
        self.compiler = compiler
        self.ending = ending

    def compile_command(self, wasm, output):
        return [output if word == "OUT" else wasm if word == "IN" else word
                for word in self.compiler]


def private_folders(folder):
    """Prefix of a command: its own cache and keys, so that nothing depends on the user's."""
    return ["/usr/bin/env", "XDG_CACHE_HOME=" + os.path.join(folder, "cache"),
            "XDG_CONFIG_HOME=" + os.path.join(folder, "config"),
            "XDG_DATA_HOME=" + os.path.join(folder, "data")]


def stint_can_compile(stint):
    """Whether this build has `stint compile`, with its plug-in."""
    if not stint:
        return False
    try:
        done = subprocess.run([stint, "compile", "--help"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def wasmtime_library():
    """libwasmtime: WASMTIME_LIB, or the one in the wheel that WASMTIME_PYTHON has."""
    given = os.environ.get("WASMTIME_LIB")
    python = os.environ.get("WASMTIME_PYTHON")
    if given or not python:
        return given
    code = ("import glob, os, wasmtime; print(*glob.glob(os.path.join(os.path.dirname("
            "wasmtime.__file__), '*', '_libwasmtime.so')))")
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def find_aot(target, folder, wasmtime_run):
    """Engines with compilation ahead of time, Stint first. `target` is what `stint compile` calls
    the processor, `folder` is scratch; `wasmtime_run` builds support/wasmtime_run.c."""
    found = []
    stint = locate_stint()
    own = private_folders(folder)
    if stint_can_compile(stint):
        found.append(AotEngine("stint", own + [stint, "compile", "-q", "--target", target, "IN",
                                               "-o", "OUT"], ".aot.wasm",
                               own + [stint, "run", "--tier", "aot", "--fuel", FUEL_PLENTY],
                               [stint, "--version"], f"--target {target} -O2, fuel on"))
    wamrc, iwasm = locate("wamrc"), os.environ.get("IWASM_AOT") or locate("iwasm")
    if wamrc and iwasm:
        cpu = (["--target=x86_64", "--cpu=" + target.replace("_", "-")]
               if target.startswith("x86_64") else [])
        found.append(AotEngine("wamr", [wamrc, *cpu, "-o", "OUT", "IN"], ".aot", [iwasm],
                               [wamrc, "--version"], " ".join(["wamrc", *cpu, "(-O3)"])))
    wasmedge = locate("wasmedge")
    if wasmedge:
        found.append(AotEngine("wasmedge", [wasmedge, "compile", "IN", "OUT"], ".edge.wasm",
                               [wasmedge, "run", "--run-mode", "aot"], [wasmedge, "--version"],
                               "compile with its defaults (-O2, this CPU), --run-mode aot"))
    library = wasmtime_library()
    if library:
        runner = wasmtime_run()
        found.append(AotEngine("wasmtime", [runner, library, "compile", "IN", "OUT"], ".cwasm",
                               [runner, library, "precompiled"], None,
                               "its library, precompiled, this CPU"))
        found.append(Engine("wasmtime+compile", [runner, library, "run"], None,
                            "its library, compiles at each start"))
    node = locate("node")
    if node:
        runner = os.path.join(HERE, "support", "node_wasi.mjs")
        found.append(Engine("node", [node, "--no-warnings", runner], [node, "--version"],
                            "tiers up by itself"))
    return found


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
