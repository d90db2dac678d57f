# SPDX-License-Identifier: Apache-2.0
"""Building the programs and measuring runs of them."""
import hashlib
import math
import os
import platform
import signal
import statistics
import subprocess
import time

from engines import ROOT

BUILD = os.path.join(ROOT, "build", "bench")
GUEST_CC = os.path.join(ROOT, "tools", "guest-cc.sh")
# The same for both sides. No contraction and no errno: else aarch64 fuses what wasm cannot, and
# sqrt is a call on one side only.
FLAGS = ["-O2", "-ffp-contract=off", "-fno-math-errno"]
GUEST_FLAGS = ["--speed"]
RUN_SECONDS_MAX = 600


class BenchError(Exception):
    """Something the person at the terminal has to know; the message is all there is to say."""


def native_compiler():
    return os.environ.get("BENCH_CC", "clang-19")


def build_one(command, output, sources):
    """Runs `command` unless `output` is newer than the sources and was made by the same command."""
    stamp = output + ".stamp"
    digest = hashlib.sha256("\0".join(command).encode()).hexdigest()
    if os.path.exists(output) and os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            same = file.read() == digest
        newest = max(os.path.getmtime(source) for source in sources)
        if same and os.path.getmtime(output) > newest:
            return
    os.makedirs(os.path.dirname(output), exist_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}\n{done.stderr.strip()}")
    with open(stamp, "w", encoding="ascii") as file:
        file.write(digest)


def build_native(source, name, extra=(), folder="native"):
    output = os.path.join(BUILD, folder, name)
    command = [native_compiler(), *FLAGS, source, "-o", output, "-lm", *extra]
    build_one(command, output, dependencies(source))
    return output


def build_native_musl(source, name, extra=(), folder="native-musl"):
    """The same with musl, of which the guests' C library is made, linked statically; None where
    musl or the compiler's runtime library is not installed. Position-independent like the other."""
    triple = os.uname().machine + "-linux-musl"
    library = os.path.join("/usr/lib", triple)
    builtins = first_line([native_compiler(), "-print-libgcc-file-name", "-rtlib=compiler-rt"])
    begin = [os.path.join(library, file) for file in ("rcrt1.o", "crti.o")]
    end = [os.path.join(library, "libc.a"), builtins, os.path.join(library, "crtn.o")]
    if not all(os.path.exists(path) for path in begin + end):
        return None
    output = os.path.join(BUILD, folder, name)
    command = [native_compiler(), f"--target={triple}", "-nostdlibinc", "-isystem",
               os.path.join("/usr/include", triple), *FLAGS, *extra, "-fPIE", "-static-pie",
               "-nostdlib", "-fuse-ld=lld", *begin, source, *end, "-o", output]
    build_one(command, output, dependencies(source))
    return output


def build_embedder(source, name):
    """A program that links the release build's library."""
    library = os.path.join(ROOT, "build", "release")
    if not os.path.exists(os.path.join(library, "libstint.so")):
        raise BenchError("build/release/libstint.so is not there: run make first")
    output = os.path.join(BUILD, "native", name)
    command = [native_compiler(), "-O2", "-I" + os.path.join(ROOT, "include"), source, "-o", output,
               "-L" + library, "-lstint", "-Wl,-rpath," + library]
    build_one(command, output, dependencies(source) + [os.path.join(library, "libstint.so")])
    return output


def build_guest(source, name):
    output = os.path.join(BUILD, "wasm", name + ".wasm")
    command = [GUEST_CC, *GUEST_FLAGS, "-o", output, source, *FLAGS[2:]]
    build_one(command, output, dependencies(source) + [GUEST_CC])
    return output


def build_bare(source, name):
    """The program's own code as a module; what it has of the C library are imports."""
    output = os.path.join(BUILD, "wasm", name + ".bare.wasm")
    sysroot = os.environ.get("GUEST_SYSROOT", "/usr")
    os.makedirs(os.path.dirname(output), exist_ok=True)
    build_one([native_compiler(), "--target=wasm32-wasi", "--sysroot=" + sysroot, *FLAGS,
               "-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint", "-c", source, "-o",
               output + ".o"], output + ".o", dependencies(source))
    build_one(["wasm-ld-19", "--no-entry", "--allow-undefined", "--export-all", "--strip-all",
               output + ".o", "-o", output], output, [output + ".o"])
    return output


def dependencies(source):
    folder = os.path.dirname(source)
    headers = [os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".h")]
    return [source] + headers


class Spawner:
    """Runs commands through support/spawn.c, which see."""

    def __init__(self, support):
        self.program = build_native(os.path.join(support, "spawn.c"), "spawn", ["-static"])
        self.output = os.path.join(BUILD, "stdout.txt")

    def run(self, commands, rounds=1):
        """A list of runs (dicts) in the order they happened, and the last run's output.

        A command that takes longer than RUN_SECONDS_MAX is killed, with the spawner.
        """
        arguments = [self.program, str(rounds), self.output]
        for command in commands:
            arguments += ["--", *command]
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, start_new_session=True)
        try:
            out, err = child.communicate(timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            what = " ".join(commands[0])
            raise BenchError(f"took more than {RUN_SECONDS_MAX} s: {what}") from None
        if child.returncode != 0:
            raise BenchError(err.strip())
        runs = []
        for line in out.splitlines():
            number, code, wall_ns, user_us, system_us, rss_kib = map(int, line.split())
            runs.append({"command": number, "exit": code, "wall_s": wall_ns / 1e9,
                         "user_s": user_us / 1e6, "system_s": system_us / 1e6, "rss_kib": rss_kib})
        with open(self.output, encoding="utf-8", errors="replace") as file:
            text = file.read()
        return runs, text, err.strip()


def median(values):
    return statistics.median(values)


def spread(values):
    """How far the runs lie apart: (largest - smallest) / median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model", "uarch"):
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "not found"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else ""


def context(engines):
    """What the figures depend on; goes above the table and into the JSON."""
    commit = first_line(["git", "-C", ROOT, "describe", "--always", "--dirty"])
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit,
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "native": f"{first_line([native_compiler(), '--version'])}, {' '.join(FLAGS)}",
        "guest": f"{first_line([GUEST_CC, '--describe'])} {' '.join(FLAGS[2:])}",
        "load": os.getloadavg()[0],
        "engines": {engine.name: {"command": " ".join(engine.prefix), "version": engine.version(),
                                  "note": engine.note} for engine in engines},
    }
