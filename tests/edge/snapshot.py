#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""reuse = "snapshot": requests that begin with what a warm-up left, and share nothing else."""
import os
import random
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ROOT, Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "warm"
[application.tool.stint]
server = { workers = 2 }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
files = [{ source = "files", destination = "/" }]
[component.app.tool.stint]
reuse = "snapshot"
OWN
"""

WITS = {"app": """package test:snapshot;
world app {
  import wasi:random/random@0.2.0;
  import wasi:filesystem/preopens@0.2.0;
  import wasi:clocks/monotonic-clock@0.2.0;
  import wasi:cli/stdout@0.2.0;
  import wasi:http/types@0.2.0;
  export wasi:http/incoming-handler@0.2.0;
}
""", "deps/random": """package wasi:random@0.2.0;
interface random {
  get-random-u64: func() -> u64;
}
""", "deps/filesystem": """package wasi:filesystem@0.2.0;
interface types {
  flags descriptor-flags { read, write, file-integrity-sync, data-integrity-sync,
                           requested-write-sync, mutate-directory }
  flags path-flags { symlink-follow }
  flags open-flags { create, directory, exclusive, truncate }
  enum error-code { access, would-block }
  resource descriptor {
    open-at: func(path-flags: path-flags, path: string, open-flags: open-flags,
                  %flags: descriptor-flags) -> result<descriptor, error-code>;
  }
}
interface preopens {
  use types.{descriptor};
  get-directories: func() -> list<tuple<descriptor, string>>;
}
"""}

READY = "warmed up:"
REFUSED = "there is no snapshot"


def write(t, path="/setup=100", own=""):
    os.makedirs(t.path("files"), exist_ok=True)
    with open(t.path("files/kept.txt"), "w", encoding="utf-8") as f:
        f.write("kept\n")
    with open(t.path("spin.toml"), "w", encoding="utf-8") as f:
        f.write(MANIFEST.replace("OWN", f'warm_path = "{path}"\n{own}'))
    return t.path("spin.toml")


def build(t, component):
    path = build_app(t, "snapshot_app.c")
    if not component:
        return
    os.makedirs(t.path("wit/deps"), exist_ok=True)
    for name, text in WITS.items():
        with open(t.path(f"wit/{name}.wit"), "w", encoding="utf-8") as f:
            f.write(text)
    kit = os.path.join(ROOT, "guest", "c", "wit")
    for name in os.listdir(kit):
        shutil.copy(os.path.join(kit, name), t.path("wit/deps"))
    t.ends(run("component", "new", path, "--wit", t.path("wit"), "--world", "app", "-o",
               path + ".component"), 0)
    os.replace(path + ".component", path)


def modes():
    """Components and core modules; interpreted, and with machine code that comes while it serves."""
    return [(component, tier) for component in (True, False) for tier in ("interp", "jit")]


def is_warm(t, server):
    t.check(server.lines(READY), "not warmed up: " + "\n".join(server.log))


@test
def requests_begin_with_what_the_warm_up_left(t):
    for component, tier in modes():
        build(t, component)
        with Served(t, write(t), "--tier", tier) as server:
            is_warm(t, server)
            t.equal(len(server.lines("set up", request="warm-up")), 1)
            seen = [server.get("/state").text for _ in range(20)]
            # One setup, this call the second, memory that has grown, and what was drawn at random
            # once; fields as they were.
            t.match(seen[0], r"^1 2 1 1 1 [0-9]+$")
            t.equal(set(seen), {seen[0]})
            t.equal(server.get("/trap").status, 500)
            t.equal(server.get("/state").text, seen[0])
            # What belongs to one request is of its own.
            t.equal(len({server.get("/draw").text for _ in range(10)}), 10)
            # The stream and the directory that the warm-up got are there in each instance.
            t.equal([server.get("/print").status for _ in range(2)], [200, 200])
            t.equal([server.get("/look").text for _ in range(3)], ["open"] * 3)
            t.equal(server.stop(), 0)
            t.equal(len(server.written("printed", level="info")), 2)


@test
def nothing_of_a_request_is_seen_by_another(t):
    for component in (True, False):
        build(t, component)
        with Served(t, write(t)) as server:
            is_warm(t, server)
            numbers = random.sample(range(10**6, 10**9), 120)
            wrong = []

            def use(mine):
                connection = server.connect()
                for at, number in enumerate(mine):
                    here = server.request("GET", f"/write={number}", connection=connection).text
                    again = server.request("GET", f"/find={mine[random.randrange(at + 1)]}",
                                           connection=connection).text
                    state = server.request("GET", "/state", connection=connection).text
                    if here != "3" or again != "0" or not state.startswith("1 2 1 1 1 "):
                        wrong.append((number, here, again, state))
                connection.close()

            threads = [threading.Thread(target=use, args=(numbers[i::4],)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            t.equal(wrong, [])
            t.equal({server.get(f"/find={number}").text for number in numbers[:40]}, {"0"})
            t.equal(server.stop(), 0)


@test
def what_cannot_be_kept_is_said_and_requests_are_fresh(t):
    build(t, True)
    for path, why, state in [
            ("/pollable", "a pollable is open", "none"),
            ("/file", "a file is open", "none"),
            ("/broken", "it answered 503", "none"),
            ("/trap", "unreachable", "none"),
            ("/nothing", "it answered 500", "none"),
            ("/once", "asked the same again, it trapped: unreachable", "none"),
    ]:
        with Served(t, write(t, path), "--tier", "interp") as server:
            lines = server.lines(REFUSED, level="warn", component="app")
            t.equal(len(lines), 1)
            t.check(why in lines[0]["message"] and path in lines[0]["message"], lines[0]["message"])
            t.equal([server.get("/state").text for _ in range(3)], [state] * 3)
            t.equal(server.get("/setup=1").text.split()[:2], ["1", "1"])


@test
def core_modules_are_refused_alike(t):
    build(t, False)
    for path, why in [("/pollable", "a pollable is open"), ("/file", "a file is open")]:
        with Served(t, write(t, path), "--tier", "interp") as server:
            lines = server.lines(REFUSED, level="warn")
            t.check(lines and why in lines[0]["message"], lines)
            t.equal(server.get("/state").text, "none")


@test
def a_warm_up_has_the_limits_of_a_request(t):
    build(t, True)
    for path, limits, why in [("/spin", 'timeout = "100ms"', "time is up"),
                              ("/spin", 'cpu = "50ms"', "more than its CPU time"),
                              ("/spin", "fuel = 1000000", "fuel used up")]:
        with Served(t, write(t, path, f"limits = {{ {limits} }}\n"), "--tier", "interp") as server:
            lines = server.lines(REFUSED, level="warn")
            t.check(lines and why in lines[0]["message"], "\n".join(server.log))
            t.equal(server.get("/state").text, "none")
    # An answer that is longer than what waits for who reads it is read.
    with Served(t, write(t, "/big=200000"), "--tier", "interp") as server:
        is_warm(t, server)
        t.equal(len(server.get("/big=1000").body), 10000)


@test
def a_reload_warms_up_anew(t):
    build(t, True)
    with Served(t, write(t), "--tier", "interp") as server:
        is_warm(t, server)
        before = server.get("/state").text
        t.match(before, "^1 2 1 1 1 ")
        write(t, "/state")
        server.process.send_signal(signal.SIGHUP)
        t.check(server.lines("served as it is now"), "not reloaded")
        t.equal({server.get("/state").text for _ in range(5)} - {before}, {"none"})
        t.equal(server.get("/setup=1").text.split()[:2], ["1", "2"])
        t.equal(server.stop(), 0)


@test
def instances_are_made_at_start_when_asked(t):
    build(t, True)
    with Served(t, write(t, own="warm = 3\nlimits = { concurrency = 4 }\n")) as server:
        is_warm(t, server)
        t.match(server.get("/state").text, "^1 2 1 1 1 ")


main()
