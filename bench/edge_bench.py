# SPDX-License-Identifier: Apache-2.0
"""The bench part `edge`: `stint up` beside nginx `return 200`, a fresh instance for every request."""
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from http_bench import NGINX, cpu_us, serving, worker_of
from measure import ROOT, median

SUPPORT = os.path.join(ROOT, "bench", "support")
STINT = os.environ.get("STINT", os.path.join(ROOT, "build", "release", "stint"))
IDLE, COMPONENTS = 10000, 100
CLIENT = "203.0.113.9" # in the database: geo headers and labels are made
MANIFEST = """spin_manifest_version = 2
[application]
name = "many"
"""
ROUTE = """[[trigger.http]]
route = "/c{0}"
component = "c{0}"
[component.c{0}]
source = "{1}"
"""


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def wrk(port, seconds, connections=32):
    """(requests, requests a second, 99th percentile in ms) of one run from core 1."""
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", "--latency",
                          "-H", f"X-Forwarded-For: {CLIENT}", f"-d{seconds}s",
                          f"http://127.0.0.1:{port}/"],
                         capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError("the server answered with errors:\n" + out)
    last = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    scale = {"us": 1e-3, "ms": 1, "s": 1e3}[last[2]]
    return (int(re.search(r"(\d+) requests in", out)[1]),
            float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(last[1]) * scale)


def await_port(port, pid=None):
    for _ in range(20000):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.0005)
    raise RuntimeError("the server does not listen")


def answer(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n")
    return connection.recv(65536)


def first_answer_ms(command, port, rounds=15):
    """From the start of the process to its first answer, medians and best."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                with await_port(port) as connection:
                    answer(connection)
                    times.append((time.perf_counter() - begin) * 1000)
            finally:
                process.terminate()
    return median(times), min(times)


def up(app, port, *more):
    return [STINT, "up", app, "--listen", f"127.0.0.1:{port}", "--workers", "1", "--quiet", *more]


def compiled(app, folder):
    """A copy with machine code, which goes to this run's cache as well."""
    out = os.path.join(folder, os.path.basename(app).replace(".wasm", "") + ".aot.wasm")
    subprocess.run([STINT, "compile", "-q", app, "-o", out], check=True)
    return out


def build_apps(folder, more):
    """Handlers by name; C is built here, others are taken where examples/build.sh has made them."""
    built = os.path.join(ROOT, "build", "examples")
    subprocess.run([os.path.join(ROOT, "examples", "build.sh"), "greet-c"], check=True,
                   stdout=subprocess.DEVNULL)
    apps = {}
    for path in [os.path.join(built, f"{name}.wasm") for name in ("greet-c", "greet-rust", "greet-js")
                 ] + more:
        if os.path.exists(path):
            apps[os.path.basename(path).replace(".wasm", "")] = compiled(path, folder)
    return apps


def rates(options, apps, folder, port):
    figures = {}
    world = os.path.join(folder, "world.mmdb")
    subprocess.run([sys.executable, os.path.join(ROOT, "tests", "edge", "mmdb.py"), world], check=True)
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(NGINX.format(folder, port, port + 1))
    with serving(["nginx", "-c", config]) as nginx:
        time.sleep(0.5)
        pids, ports, processes = {"nginx": worker_of(nginx.pid)}, {"nginx": port}, []
        for number, (name, path) in enumerate(apps.items()):
            ports[name] = port + 2 + number
            log = os.path.join(folder, name + ".jsonl")
            processes.append(subprocess.Popen(
                ["taskset", "-c", "0", *up(path, ports[name], "--access-log", log, "--geo", world,
                                           "--trust-proxy", "127.0.0.1", "--metrics",
                                           "127.0.0.1:0")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            pids[name] = processes[-1].pid
            await_port(ports[name]).close()
        try:
            for name in ports:
                figures[name] = {"idle_mb": rss_mb(pids[name]), "rows": []}
            for _ in range(options.rounds):
                for name, at in ports.items():
                    before = cpu_us(pids[name])
                    count, rate, last = wrk(at, 2)
                    figures[name]["rows"].append((rate, (cpu_us(pids[name]) - before) / count, last))
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    return figures


def many(folder, app, port):
    """RSS with many components deployed, each asked once, and many idle connections."""
    manifest = os.path.join(folder, "spin.toml")
    with open(manifest, "w", encoding="utf-8") as file:
        file.write(MANIFEST)
        for number in range(COMPONENTS):
            own = os.path.join(folder, f"own{number}.wasm")
            shutil.copyfile(app, own)
            file.write(ROUTE.format(number, os.path.basename(own)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 100:
        return None
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    process = subprocess.Popen(up(manifest, port), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for number in range(IDLE):
            connection = await_port(port)
            connections.append(connection)
            connection.sendall(f"GET /c{number % COMPONENTS} HTTP/1.1\r\nhost: b\r\n\r\n".encode())
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("a component did not answer")
        return rss_mb(process.pid)
    finally:
        for connection in connections:
            connection.close()
        process.terminate()
        process.wait()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def build_busy(folder):
    """A handler that computes for a quarter of a millisecond: the flood's client can send twice as
    many requests as it serves, which for a greeting is more than one core sends."""
    kit, out = os.path.join(ROOT, "guest", "c"), os.path.join(folder, "busy-c.wasm")
    sources = [os.path.join(SUPPORT, "busy.c")] + [os.path.join(kit, f"stint_{part}.c")
                                                   for part in ("wasm", "alloc", "http")]
    subprocess.run([os.path.join(ROOT, "tools", "guest-cc.sh"), "--size", "--reactor", "-I" + kit,
                    "-o", out, *sources], check=True)
    return compiled(out, folder)


def flood(folder, app, port):
    """Requests at twice the rate that 32 connections reach: what becomes of them, and of memory."""
    tool = os.path.join(folder, "flood")
    subprocess.run(["clang-19", "-O2", "-o", tool, os.path.join(SUPPORT, "flood.c")], check=True)
    process = subprocess.Popen(["taskset", "-c", "0", *up(app, port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        await_port(port).close()
        calm = wrk(port, 3)
        before = rss_mb(process.pid)
        out = subprocess.run(["taskset", "-c", "1", tool, str(port), f"{2 * calm[1]:.0f}", "512", "20"],
                             capture_output=True, text=True, check=True).stdout
        good, refused, others, rate, _, last, _, _, sent = map(int, out.split())
        if others:
            raise RuntimeError(f"{others} requests of the flood were answered with errors")
        is_short = rate < 1.9 * calm[1]
        return {"calm_rate": calm[1], "calm_p99_ms": calm[2], "rate": rate, "good": good,
                "refused": refused, "is_short": is_short, "p99_ms": (sent if is_short else last) / 1000,
                "growth_mb": rss_mb(process.pid) - before}
    finally:
        process.terminate()
        process.wait()


def run_edge(options, run, spawner):
    """`stint up`, server on core 0, load on core 1, runs in turn; access logs on."""
    missing = [tool for tool in ("nginx", "wrk", "taskset") if not shutil.which(tool)]
    if missing or (os.cpu_count() or 1) < 2:
        print(f"edge: skipped: needs {' '.join(missing) or 'two cores'}\n")
        return None
    port = 20000 + os.getpid() % 20000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
        apps = build_apps(folder, options.app)
        figures = rates(options, apps, folder, port)
        c = apps["greet-c"]
        source = os.path.join(ROOT, "build", "examples", "greet-c.wasm")
        starts = {"with machine code": first_answer_ms(up(c, port), port),
                  "without": first_answer_ms(up(source, port, "--no-cache"), port)}
        memory_mb = many(folder, c, port)
        apps["busy-c"] = build_busy(folder)
        flooded = {name: flood(folder, apps[name], port)
                   for name in ("greet-c", "greet-rust", "greet-js", "busy-c") if name in apps}
    base = median([row[0] for row in figures["nginx"]["rows"]])
    rows, medians = [], {}
    for name, one in figures.items():
        rate, cpu, last = (median(column) for column in zip(*one["rows"]))
        medians[name] = {"rate": rate, "ratio": rate / base, "cpu_us": cpu, "p99_ms": last,
                         "idle_mb": one["idle_mb"]}
        rows.append([name, f"{rate:.0f}", f"{rate / base:.2f}", f"{cpu:.1f}", f"{last:.2f}",
                     f"{one['idle_mb']:.1f}"])
    print("`stint up`: a fresh instance for every request; access log, metrics, geo on; one core, wrk -c32")
    run.print_table(["server", "req/s", "of nginx", "CPU us", "p99 ms", "idle MB"], rows)
    print("From the start of the process to the first answer (C): " +
          ", ".join(f"{name} {at:.1f} ms (best {best:.1f})" for name, (at, best) in starts.items()))
    if memory_mb is None:
        print(f"{IDLE} connections: skipped: 'ulimit -Hn' allows too few")
    else:
        print(f"{COMPONENTS} components, {IDLE} idle connections: {memory_mb:.0f} MB")
    for name, one in flooded.items():
        short = ", all that the client can send on 512 connections" if one["is_short"] else ""
        since = " since they were sent" if one["is_short"] else ""
        print(f"{name}, flood at twice {one['calm_rate']:.0f} req/s (came: {one['rate']}{short}): "
              f"{one['good']} served, {one['refused']} refused, p99 of the served{since} "
              f"{one['p99_ms']:.2f} ms, calm {one['calm_p99_ms']:.2f} ms, "
              f"memory {one['growth_mb']:+.1f} MB")
    print()
    return {"medians": medians, "first_answer_ms": starts, "many_mb": memory_mb,
            "flood": flooded}
