# SPDX-License-Identifier: Apache-2.0
"""The parts that the speed bars refer to: machine code, tiers, warm slots, loading, compiling."""
import json
import os
import shutil
import subprocess
import time

import engines as engines_module
import measure
from edge_bench import run_edge
from http_bench import run_http
from measure import BUILD, BenchError, median

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, "support")
SCRATCH = os.path.join(BUILD, "scratch")
# The second native baseline: native code with the C library that the guests' is made of.
SAME_LIBRARY = "native musl"
NATIVE_SECONDS = 2.0
# What is asked for: part, what, the bar, its unit.
BARS = [
    ("aot", "mean", 1.10, "of native with glibc, geometric mean"),
    ("aot", "worst", 1.35, "of native with glibc, worst program"),
    ("tiers", "cold", 1.25, "of native, cold cache"),
    ("tiers", "warm", 1.12, "of native, warm cache"),
    ("slots", "64K/0", 3.0, "us, 64 KiB image, empty export"),
    ("slots", "1024K/8", 5.0, "us, 1 MiB image, 8 pages written"),
    ("slots", "64K/0-aot", 3.0, "us, 64 KiB image, empty export, compiled"),
    ("slots", "1024K/8-aot", 5.0, "us, 1 MiB image, 8 pages written, compiled"),
    ("slots", "1024K/8 drop", 25.0, "us, the same without PAGEMAP_SCAN"),
    ("entry", "host interp", 10.0, "ns, host call from the guest, interpreted"),
    ("entry", "guest interp", 30.0, "ns, call into the guest, interpreted"),
    ("entry", "host aot", 10.0, "ns, host call from the guest, compiled"),
    ("entry", "guest aot", 30.0, "ns, call into the guest, compiled"),
    ("component", "host aot", 40.0, "ns, host call from a component, compiled"),
    ("component", "guest aot", 80.0, "ns, call into a component, compiled"),
    ("component", "list-in aot", 1.25, "of memcpy, 1 MiB list<u8> into a component"),
    ("component", "list-out aot", 1.25, "of memcpy, 1 MiB list<u8> out of a component"),
    ("component", "list-fused aot", 1.25, "of memcpy, 1 MiB list<u8> between components"),
    ("cslots", "greet-c aot first", 10.0, "us to the first instruction, C component, compiled"),
    ("cslots", "greet-rust aot first", 10.0, "us, the same, Rust component of 190 KB"),
    ("cslots", "greet-js aot first", 300.0, "us, the same, JavaScript component of 13 MB"),
    ("cslots", "greet-c aot cycle", 4.0, "us a whole cycle, C component, compiled"),
    ("calls", "stint aot", 10.0, "ns, WASI call from the guest, compiled"),
    ("load", "first_ns_per_byte", 1.0, "ns a byte, first load of the large artefact (1 GB/s)"),
    ("load", "later_ms", 1.0, "ms, later loads of the large artefact"),
    ("compile", "ratio", 2.0, "of clang -c, geometric mean"),
]


class Spec:
    """How both sides are compiled for this machine."""

    def __init__(self, target):
        self.target = target or default_target()
        if self.target == "native":
            self.march = ["-march=native"]
        elif self.target.startswith("x86_64"):
            self.march = ["-march=" + self.target.replace("_", "-")]
        else:
            self.march = ["-march=armv8-a"]


def default_target():
    machine = os.uname().machine
    if machine != "x86_64":
        return machine
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        return "x86_64-v3" if " avx2 " in file.read() else "x86_64-v2"


def wasmtime_run():
    return measure.build_native(os.path.join(SUPPORT, "wasmtime_run.c"), "wasmtime_run", ["-ldl"])


def stint_or_none(what):
    stint = engines_module.locate_stint()
    if not engines_module.stint_can_compile(stint):
        print(f"{what}: skipped: this build of Stint has no 'stint compile'\n")
        return None
    return stint


def compile_for(engine, wasm, name):
    """What `engine` runs: the module, or what it made of it. And a message where it failed."""
    if not isinstance(engine, engines_module.AotEngine):
        return wasm, ""
    output = os.path.join(BUILD, "aot", engine.name, name + engine.ending)
    os.makedirs(os.path.dirname(output), exist_ok=True)
    done = subprocess.run(engine.compile_command(wasm, output), capture_output=True, text=True,
                          timeout=measure.RUN_SECONDS_MAX)
    if done.returncode != 0 or not os.path.exists(output):
        lines = (done.stderr or done.stdout).strip().splitlines()
        return None, f"does not compile: {lines[-1] if lines else done.returncode}"
    return output, ""


def stint_compiled(options, wasm, name):
    """The command that runs a module as machine code in Stint; or None, and why."""
    stint = engines_module.locate_stint()
    if not engines_module.stint_can_compile(stint):
        return None, ""
    os.makedirs(SCRATCH, exist_ok=True)
    engine = engines_module.find_aot(Spec(options.target).target, SCRATCH, wasmtime_run)[0]
    image, problem = compile_for(engine, wasm, name)
    return (engine.command(image, []) if image else None), problem


# ---- Machine code against native ------------------------------------------------------------


def prepare_for(march):
    """What an engine of the aot part runs in place of a module; a message where it failed."""
    def prepare(engine, wasm, name):
        if engine.name != SAME_LIBRARY:
            return compile_for(engine, wasm, name)
        return build_same_library(name, march), ""
    return prepare


def build_same_library(name, march):
    source = os.path.join(HERE, "programs", name + ".c")
    return measure.build_native_musl(source, name, march, "native-musl" + "".join(march))


def run_aot(options, run, spawner):
    """Every program, compiled ahead of time by every engine that can, against native."""
    spec = Spec(options.target)
    os.makedirs(SCRATCH, exist_ok=True)
    engines = engines_module.select(
        engines_module.find_aot(spec.target, SCRATCH, wasmtime_run), options.engines)
    if not engines:
        print("aot: skipped: no engine here compiles ahead of time\n")
        return None
    print(f"native and Stint for {spec.target} ({' '.join(spec.march)})")
    if build_same_library(run.PROGRAMS[0], spec.march):
        engines = engines + [engines_module.Engine(
            SAME_LIBRARY, [], None, "native code with musl, static; 'same library' is Stint to it")]
    else:
        print(f"{SAME_LIBRARY}: skipped: musl-dev or clang's runtime library is not installed")
    for engine in engines:
        print(f"{engine.name}: {engine.version()} {engine.note}".replace(":  ", ": "))
    report = run.run_programs(options, engines, spawner, spec.march, prepare_for(spec.march))
    ratios = [cell["stint"]["ratio"] for cell in report["programs"].values()
              if "ratio" in cell.get("stint", {})]
    if ratios:
        report["bars"] = {"mean": measure.geometric_mean(ratios), "worst": max(ratios)}
    same = report["geometric_mean"].get("same library")
    if ratios and same:
        worst = max(cell["same library"]["ratio"] for cell in report["programs"].values())
        print(f"Stint: {report['bars']['mean']:.2f} of native with glibc, which is the bar; with "
              f"the guests' library on both sides {same:.2f}, worst {worst:.2f}\n")
    report["engines"] = {engine.name: {"version": engine.version(), "flags": engine.note}
                         for engine in engines}
    report["march"] = spec.march
    return report


# ---- Tiers ------------------------------------------------------------------------------------


def run_tiers(options, run, spawner):
    """`stint run` as anyone types it, on programs that take two seconds natively: wall time."""
    stint = stint_or_none("tiers")
    if not stint:
        return None
    spec = Spec(options.target)
    names = options.programs.split(",") if options.programs else run.PROGRAMS
    caches = os.path.join(SCRATCH, "tiers")
    shutil.rmtree(caches, ignore_errors=True)
    seconds = options.seconds
    rows, report = [], {"programs": {}}
    for name in names:
        source = os.path.join(HERE, "programs", name + ".c")
        native = measure.build_native(source, name, spec.march, "native-" + spec.target)
        wasm = measure.build_guest(source, name)
        usual = run.iterations_of(source, 1.0)
        once, _, _ = spawner.run([[native]])
        arguments = [str(max(1, round(usual * seconds / once[0]["wall_s"])))]
        walls = {"native": [], "cold": [], "warm": []}
        problem = ""
        for number in range(min(options.rounds, 3)):
            run.progress(f"tiers: {name}, round {number + 1}")
            own = engines_module.private_folders(os.path.join(caches, f"{name}-{number}"))
            expected = None
            for kind in walls:
                command = [native] if kind == "native" else own + [stint, "run", wasm]
                runs, output, stderr = spawner.run([command + arguments])
                expected = expected or output
                if runs[0]["exit"] != 0 or output != expected:
                    problem = f"{kind}: exit {runs[0]['exit']} {stderr}"
                walls[kind].append(runs[0]["wall_s"])
        if problem:
            report["programs"][name] = {"problem": problem}
            rows.append([name, "failed", "", ""])
            print(f"failed: {name}, {problem}")
            continue
        base = median(walls["native"])
        cell = {"native_s": base, "cold": median(walls["cold"]) / base,
                "warm": median(walls["warm"]) / base, "walls_s": walls}
        report["programs"][name] = cell
        rows.append([name, f"{base:.2f} s", f"{cell['cold']:.2f}", f"{cell['warm']:.2f}"])
    run.progress("")
    good = [cell for cell in report["programs"].values() if "cold" in cell]
    if good:
        report["bars"] = {kind: measure.geometric_mean([cell[kind] for cell in good])
                          for kind in ("cold", "warm")}
        rows.append(["geometric mean", "", f"{report['bars']['cold']:.2f}",
                     f"{report['bars']['warm']:.2f}"])
    print("Plain 'stint run', wall time as a multiple of native: nothing cached, then cached")
    run.print_table(["program", "native", "cold", "warm"], rows)
    return report


# ---- Warm slots and calls between host and guest --------------------------------------------


def run_slots(options, run, spawner):
    """Take, call, give back: median and 99th percentile of a cycle."""
    program = measure.build_embedder(os.path.join(SUPPORT, "slots.c"), "slots")
    cells = {}
    for number in range(options.rounds):
        run.progress(f"slots: round {number + 1}")
        runs, output, stderr = spawner.run([[program]])
        if runs[0]["exit"] != 0:
            raise BenchError(f"slots: {stderr}")
        for line in output.splitlines():
            name, middle, high, how = line.split()
            cells.setdefault(name + (" drop" if how == "drop" else ""), []).append(
                (float(middle), float(high)))
    run.progress("")
    report = {"cells": {name: {"median_us": median([v[0] for v in values]),
                               "p99_us": median([v[1] for v in values])}
                        for name, values in cells.items()}}
    report["bars"] = {name: cell["median_us"] for name, cell in report["cells"].items()}
    rows = [[name, f"{cell['median_us']:.2f}", f"{cell['p99_us']:.2f}"]
            for name, cell in report["cells"].items()]
    print("Warm slot: take, call, give back, us (image/pages written; drop: without PAGEMAP_SCAN)")
    run.print_table(["slot", "median", "99 %"], rows)
    return report


def run_entry(options, run, spawner):
    """Calls from the guest to a host function and from the host into the guest, by an embedder."""
    program = measure.build_embedder(os.path.join(SUPPORT, "entry.c"), "entry")
    figures = {}
    for number in range(options.rounds):
        run.progress(f"entry: round {number + 1}")
        runs, output, stderr = spawner.run([[program]])
        if runs[0]["exit"] != 0:
            raise BenchError(f"entry: {stderr}")
        for line in output.splitlines():
            kind, engine, value = line.split()
            figures.setdefault(f"{kind} {engine}", []).append(float(value))
    run.progress("")
    report = {"bars": {name: median(values) for name, values in figures.items()}}
    print("Calls between host and guest through stint.h, ns")
    run.print_table(["call", "median"],
                    [[name, f"{value:.1f}"] for name, value in report["bars"].items()])
    return report


def release_lines(options, run, spawner, part, program, *commands):
    """Builds a program of bench/support beside the release program; the words of each line that it
    prints, round by round, for each list of arguments (none: once without)."""
    build = os.path.join(measure.ROOT, "build", "release")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        raise BenchError("build/release is not there: run make first")
    done = subprocess.run(["ninja", "-C", build, program], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise BenchError(f"{part}: {done.stdout}{done.stderr}")
    for number in range(options.rounds):
        run.progress(f"{part}: round {number + 1}")
        for arguments in commands or [[]]:
            command = [os.path.join(build, "tests", program), *arguments]
            runs, output, stderr = spawner.run([command])
            if runs[0]["exit"] != 0:
                raise BenchError(f"{part}: {stderr}")
            for line in output.splitlines():
                yield line.split()
    run.progress("")


def run_component_slots(options, run, spawner):
    """wasi:http handlers in warm slots: to the first instruction, and whole cycles.

    The handlers are --app FILE, else what examples/build.sh has built. A file NAME.aot.wasm is run
    compiled only: compiling a large one takes minutes."""
    built = os.path.join(measure.ROOT, "build", "examples")
    names = ["greet-c", "greet-rust", "greet-js"]
    files = options.app or [path for name in names
                            if os.path.exists(path := os.path.join(built, name + ".wasm"))]
    if not files:
        print("cslots: skipped: --app FILE names a handler, or examples/build.sh builds some\n")
        return None
    commands = []
    for path in files:
        size = os.path.getsize(path)
        is_made = path.endswith(".aot.wasm")
        cycles = "5000" if size < 4 << 20 else "200"
        commands += [] if is_made else [["interp", cycles, path]]
        # A component of megabytes is compiled by `stint compile`, before.
        commands += [["aot", cycles, path]] if is_made or size < 4 << 20 else []
    figures = {}
    for name, tier, *values in release_lines(options, run, spawner, "cslots", "component_slots",
                                             *commands):
        name = name.removesuffix(".wasm").removesuffix(".aot")
        figures.setdefault(f"{name} {tier}", []).append([float(value) for value in values])
    medians = {name: [median(column) for column in zip(*rows)] for name, rows in figures.items()}
    report = {"medians": medians, "bars": {}}
    for name, values in medians.items():
        report["bars"][f"{name} first"], report["bars"][f"{name} cycle"] = values[0], values[5]
    print("wasi:http handlers in warm slots, us (first: until the handler begins)")
    run.print_table(["handler", "first", "take", "exchange", "call", "give", "cycle", "bytes"],
                    [[name, *(f"{value:.2f}" for value in values[:6]), f"{values[6]:.0f}"]
                     for name, values in medians.items()])
    return report


def run_component(options, run, spawner):
    """Calls between hosts and components, and lists that cross."""
    figures, units = {}, {}
    lines = release_lines(options, run, spawner, "component", "component_calls")
    for kind, tier, value, unit in lines:
        figures.setdefault(f"{kind} {tier}", []).append(float(value))
        units[f"{kind} {tier}"] = unit
    medians = {name: median(values) for name, values in figures.items()}
    report = {"medians": medians, "bars": {}}
    for name, value in medians.items():
        kind, tier = name.split()
        is_list = kind.startswith("list")
        report["bars"][name] = value / medians[f"memcpy {tier}"] if is_list else value
    print("Calls of components: an s32 each way, or a list of 1 MiB")
    run.print_table(["call", "median"],
                    [[name, f"{value:.1f} {units[name]}"] for name, value in medians.items()])
    return report


def run_h1(options, run, spawner):
    """The HTTP/1.1 parser on heads of requests."""
    figures, sizes = {}, {}
    for name, size, value in release_lines(options, run, spawner, "h1", "h1_speed"):
        figures.setdefault(name, []).append(float(value))
        sizes[name] = int(size)
    medians = {name: median(values) for name, values in figures.items()}
    print("The head of a request, parsed")
    run.print_table(["request", "bytes", "ns", "GB/s"],
                    [[name, sizes[name], f"{value:.0f}", f"{sizes[name] / value:.2f}"]
                     for name, value in medians.items()])
    return {"medians": medians, "bytes": sizes}


def run_fiber(options, run, spawner):
    """Fibers: switches, starts, and the memory of what is suspended."""
    figures, units = {}, {}
    for name, value, unit in release_lines(options, run, spawner, "fiber", "fiber_costs"):
        figures.setdefault(name, []).append(float(value))
        units[name] = unit
    medians = {name: median(values) for name, values in figures.items()}
    print("Fibers: a switch, a start with its end, and memory of one that is suspended")
    run.print_table(["what", "median"],
                    [[name, f"{value:.1f} {units[name]}"] for name, value in medians.items()])
    return {"medians": medians}


# ---- Loading and compiling --------------------------------------------------------------------


def run_load(options, run, spawner):
    """The first load of a large artefact, which verifies it, and later ones, which know it.

    It is signed by a key of this run's own. The first load reads, hashes, copies into the cache and
    maps; "read" and "decode" of --stats are what is timed.
    """
    artefact = options.artefact
    stint = engines_module.locate_stint()
    if not stint or not artefact or not os.path.exists(artefact):
        print("load: skipped: --artefact FILE.aot.wasm names a large artefact\n")
        return None
    folder = os.path.join(SCRATCH, "load")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    own = engines_module.private_folders(folder)
    signed = os.path.join(folder, "signed.aot.wasm")
    for arguments in (["key", "generate", "bench"],
                      ["sign", "--key", "bench", "-o", signed, artefact]):
        done = subprocess.run(own + [stint] + arguments, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"stint {arguments[0]}: {done.stderr.strip()}")
    time.sleep(0.1)  # a file that has just changed gets no stamp
    loads = []
    for number in range(1 + max(3, options.rounds)):
        run.progress(f"load: round {number}")
        done = subprocess.run(own + [stint, "run", "--stats=json", signed, "--version"],
                              capture_output=True, text=True, timeout=600)
        stats = json.loads(done.stderr.splitlines()[-1])
        if stats["tier_cached_images"] != 1:
            raise BenchError(f"the artefact's code was not used: {done.stderr.splitlines()[0]}")
        loads.append((stats["read_ns"] + stats["decode_ns"]) / 1e6)
    run.progress("")
    size = os.path.getsize(signed)
    shutil.rmtree(folder)
    later = median(loads[1:])
    print(f"Load {os.path.basename(artefact)} ({size / 1e6:.0f} MB): first {loads[0]:.1f} ms "
          f"({size / 1e6 / loads[0]:.2f} GB/s), later {later:.2f} ms\n")
    return {"bytes": size, "loads_ms": loads,
            "bars": {"later_ms": later, "first_ns_per_byte": loads[0] * 1e6 / size}}


def run_compile(options, run, spawner):
    """`stint compile` on one thread against clang -c of the same program: CPU time."""
    stint = stint_or_none("compile")
    if not stint:
        return None
    spec = Spec(options.target)
    own = engines_module.private_folders(os.path.join(SCRATCH, "compile"))
    names = options.programs.split(",") if options.programs else run.PROGRAMS
    os.makedirs(SCRATCH, exist_ok=True)
    output, rows, report, ratios = os.path.join(SCRATCH, "out"), [], {"programs": {}}, []
    for name in names:
        source = os.path.join(HERE, "programs", name + ".c")
        wasm = measure.build_bare(source, name)
        clang = [shutil.which(measure.native_compiler()), *measure.FLAGS, *spec.march, "-c", source,
                 "-o", output + ".o"]
        ours = own + [stint, "compile", "-q", "-j", "1", "--target", spec.target, wasm, "-o",
                      output + ".aot.wasm"]
        run.progress(f"compile: {name}")
        runs, _, stderr = spawner.run([clang, ours], min(options.rounds, 3))
        if any(one["exit"] != 0 for one in runs):
            report["programs"][name] = {"problem": stderr}
            rows.append([name, "", "failed", ""])
            continue
        times = [median([one["user_s"] + one["system_s"] for one in runs if one["command"] == i])
                 for i in range(2)]
        ratios.append(times[1] / times[0])
        report["programs"][name] = {"clang_s": times[0], "stint_s": times[1], "ratio": ratios[-1],
                                    "wasm_bytes": os.path.getsize(wasm)}
        rows.append([name, f"{times[0]:.3f} s", f"{times[1]:.3f} s", f"{ratios[-1]:.2f}"])
    run.progress("")
    if ratios:
        report["bars"] = {"ratio": measure.geometric_mean(ratios)}
        rows.append(["geometric mean", "", "", f"{report['bars']['ratio']:.2f}"])
    print("Compiling on one thread, CPU time: clang -c of the source, stint compile of the same code "
          "as a module")
    run.print_table(["program", "clang -c", "stint compile", "ratio"], rows)
    return report


RUNNERS = {"aot": run_aot, "tiers": run_tiers, "slots": run_slots, "entry": run_entry,
           "component": run_component, "cslots": run_component_slots, "h1": run_h1, "http": run_http,
           "edge": run_edge, "fiber": run_fiber, "load": run_load, "compile": run_compile}


def print_bars(run, report):
    """One line a bar: what was asked for, what was measured."""
    rows = []
    for part, key, bar, unit in BARS:
        got = ((report.get(part) or {}).get("bars") or {}).get(key)
        if part in report:
            verdict = "not measured" if got is None else "met" if got <= bar else "MISSED"
            rows.append([f"{part}: {unit}", f"{bar:g}", "-" if got is None else f"{got:.2f}",
                         verdict])
    if rows:
        print("The bars")
        run.print_table(["what", "at most", "measured", ""], rows)
