#!/usr/bin/env python3
# suite: builds=debug timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Mixed load on everything that a server does, and its memory: tests/edge/soak.py [--seconds N].

Clients ask, break off, send nonsense, read slowly and wait; functions trap, spin, print and use stores;
the application is loaded anew meanwhile. Now and then all is quiet, and what the server holds then is
noted: it has to stop growing. The sanitizers of the debug build look for the rest."""
import argparse
import os
import random
import signal
import socket
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mmdb import write  # noqa: E402
from monitored import Monitor, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import main, test  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float,
                    default=120 if os.environ.get("STINT_TEST_ALL") == "1" else 8)
parser.add_argument("--clients", type=int, default=8)
parser.add_argument("tests", nargs="*")
options = parser.parse_args()
sys.argv[1:] = options.tests

MANIFEST = """
spin_manifest_version = 2
[application]
name = "soak"
version = "1.0.0"
[application.tool.stint]
trusted_proxies = ["127.0.0.1"]
state_dir = "state"
[application.tool.stint.server]
fence = "off" # it would keep the leak checker out
[application.tool.stint.geo]
database = ["world.mmdb"]
[[trigger.http]]
route = "/..."
component = "app"
[[trigger.http]]
route = "/store/..."
component = "store"
[[trigger.http]]
route = "/narrow/..."
component = "narrow"
[[trigger.http]]
route = "/files/..."
component = "files"
[component.app]
source = "app.wasm"
[component.app.tool.stint.limits]
timeout = "2s"
cpu = "30ms"
[component.store]
source = "store.wasm"
key_value_stores = ["default"]
sqlite_databases = ["default"]
[component.narrow]
source = "app.wasm"
[component.narrow.tool.stint.limits]
concurrency = 2
queue = 2
rate = "1000/s"
request_size = "100K"
[component.files]
source = "app.wasm"
files = [{ source = "site", destination = "/" }]
[component.files.tool.stint]
static = true
"""
NONSENSE = [b"\r\n" * 20, b"GET / HTTP/1.1\r\n", b"GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\4\x77\0\0\0\0\1abcd" * 9,
            b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", bytes(range(256)) * 4]
ADDRESSES = ["81.2.69.142", "2001:200::1", "203.0.113.9", "10.1.2.3", "not an address"]
FINE = {200, 206, 304, 404, 413, 429, 500, 503, 504}


class Load:
    """Clients in threads; `pause` waits until none of them has anything on its way."""

    def __init__(self, t, server):
        self.t, self.server = t, server
        self.is_over, self.may_run = threading.Event(), threading.Event()
        self.may_run.set()
        self.asked = [0] * options.clients
        self.resting = [False] * options.clients
        self.problems = []
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(options.clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        rng = random.Random(number)
        acts = [getattr(self, name) for name in dir(self) if name.startswith("act_")]
        while not self.is_over.is_set():
            if not self.may_run.is_set():
                self.resting[number] = True
                self.may_run.wait(0.1)
                continue
            self.resting[number] = False
            act = rng.choice(acts)
            try:
                act(rng)
            except (OSError, AssertionError) as problem:
                self.problems.append(f"{act.__name__}: {problem!r}")
                return
            except Exception as problem:  # http.client's, of connections that end early
                if type(problem).__module__ != "http.client":
                    self.problems.append(f"{act.__name__}: {problem!r}")
                    return
            self.asked[number] += 1

    def pause(self):
        self.may_run.clear()
        return wait_for(lambda: all(rest or not thread.is_alive() for rest, thread in
                                    zip(self.resting, self.threads)))

    def end(self):
        self.is_over.set()
        self.may_run.set()
        for thread in self.threads:
            thread.join()

    # ---- What they do --------------------------------------------------------------------

    def ask(self, rng, method, path, body=None, wants=FINE, **headers):
        headers["x-forwarded-for"] = rng.choice(ADDRESSES)
        answer = self.server.request(method, path, body=body, headers=headers)
        assert answer.status in wants, f"{method} {path}: {answer.status} {answer.text[:80]}"
        return answer

    def act_short(self, rng):
        connection = self.server.connect()
        for _ in range(rng.randrange(1, 20)):
            answer = self.server.request("GET", rng.choice(["/hello", "/count", "/nothing", "/x"]),
                                         connection=connection)
            assert answer.status in FINE, answer.status
            if answer.headers.get("connection") == "close":
                break
        connection.close()

    def act_fail(self, rng):
        self.ask(rng, "GET", rng.choice(["/trap", "/spin", "/burn=100000", "/print", "/narrow/hello"]))

    def act_break(self, rng):
        connection = self.server.connect()
        connection.request("GET", "/late-trap")
        connection.getresponse().read()

    def act_echo(self, rng):
        body = rng.randbytes(rng.choice([0, 1, 5000, 70000, 300000]))
        path = rng.choice(["/echo", "/narrow/echo"])
        answer = self.ask(rng, "POST", path, body=body)
        assert answer.status != 200 or answer.body == body, "the echo differs"

    def act_store(self, rng):
        key = f"key{rng.randrange(50)}"
        self.ask(rng, "POST", f"/store/set/{key}", body=rng.randbytes(rng.randrange(3000)))
        self.ask(rng, "GET", f"/store/get/{key}")
        self.ask(rng, "GET", f"/store/{rng.choice(['delete', 'exists', 'count'])}/{key}")
        self.ask(rng, "POST", "/store/sql/default",
                 body=b"create table if not exists t (a)\ninsert into t values (1)\n"
                      b"delete from t\nselect count(*) as n from t")

    def act_files(self, rng):
        self.ask(rng, "GET", "/files/page.html", range=f"bytes={rng.randrange(99)}-")
        self.ask(rng, "GET", f"/files/{rng.choice(['page.html', 'none', '../app.wasm'])}")

    def act_nonsense(self, rng):
        with socket.create_connection((self.server.host, self.server.port), 30) as connection:
            connection.sendall(rng.choice(NONSENSE))
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(65536):
                    pass
            except ConnectionResetError:
                pass

    def act_leave(self, rng):
        with socket.create_connection((self.server.host, self.server.port), 30) as connection:
            path = rng.choice(["/big=3000000", "/sleep=300", "/drip=20", "/spin"])
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            if rng.randrange(2):
                connection.recv(1000)
            if rng.randrange(2):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def act_wait(self, rng):
        self.ask(rng, "GET", rng.choice(["/sleep=20", "/drip=5", "/big=200000"]))


def burst(server, rng):
    """Many requests of HTTP/2, where there is a client."""
    if shutil.which("h2load"):
        subprocess.run(["h2load", "-n", "300", "-c", "3", "-m", "20",
                        f"http://{server.host}:{server.port}/{rng.choice(['hello', 'narrow/hello'])}"],
                       capture_output=True, timeout=120)


@test
def memory_does_not_grow(t):
    build_app(t, component=True)
    os.replace(build_app(t, source="services.c", name="core.wasm"), t.path("store.wasm"))
    t.file("site/page.html", "<p>page</p>" * 500)
    write(t.path("world.mmdb"))
    app = t.file("spin.toml", MANIFEST)
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8")
    rng, samples, rounds = random.Random(1), [], 12
    with Served(t, app, "--workers", "2", "--metrics", "127.0.0.1:0", "--access-log", os.devnull,
                env=env) as server:
        monitor, load = Monitor(server), Load(t, server)
        for number in range(rounds):
            until = time.monotonic() + options.seconds / rounds
            while time.monotonic() < until and not load.problems:
                burst(server, rng)
                server.process.send_signal(signal.SIGHUP)
                time.sleep(min(5, options.seconds / rounds / 2))
            t.check(load.pause(), "the clients do not come to rest")
            t.check(wait_for(lambda: monitor.total(t, "stint_component_running") == 0
                             and monitor.total(t, "stint_connections") == 0), "something runs on")
            samples.append((monitor.total(t, "stint_heap_bytes"),
                            monitor.total(t, "process_resident_memory_bytes")))
            if sys.stdout.isatty() or options.seconds > 60:
                print(f"      {sum(load.asked)} acts, heap {samples[-1][0] / 1024:.0f} KiB, "
                      f"resident {samples[-1][1] / 1048576:.1f} MiB", flush=True)
            load.may_run.set()
        load.end()
        asked = sum(load.asked)
        t.equal(load.problems, [])
        t.equal(server.stop(), 0)
    # The first third is for pools and caches to fill.
    early, late = samples[:rounds // 3], samples[-rounds // 3:]
    heap = [min(heap for heap, _ in late), max(heap for heap, _ in early)]
    t.check(heap[0] <= heap[1] * 1.02 + 65536, f"the heap grew: {samples}")
    t.check(asked > options.seconds * 4, f"only {asked} acts")
    print(f"      {asked} acts in {options.seconds:.0f} s; heap {samples[0][0] / 1024:.0f}, "
          f"{heap[1] / 1024:.0f}, {samples[-1][0] / 1024:.0f} KiB, resident "
          f"{samples[rounds // 3][1] / 1048576:.1f}, {samples[-1][1] / 1048576:.1f} MiB")


main()
