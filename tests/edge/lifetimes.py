#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Instances that serve more than one request, and clients that leave."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import Monitor, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "lives"
[application.tool.stint]
server = { SERVER }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
[component.app.tool.stint]
OWN
"""


def write(t, own="", server=""):
    with open(t.path("spin.toml"), "w", encoding="utf-8") as f:
        f.write(MANIFEST.replace("OWN", own).replace("SERVER", server))
    return t.path("spin.toml")


@test
def instances_serve_again_when_asked(t):
    for component in (True, False):
        build_app(t, component=component)
        own = 'reuse = "instance"\nreuse_max = 3\n'
        with Served(t, write(t, own), "--workers", "1") as server:
            connection = server.connect()

            def count():
                return server.request("GET", "/count", connection=connection).text

            t.equal([count() for _ in range(7)], [f"{n}\n" for n in (1, 2, 3, 1, 2, 3, 1)])
            t.equal(server.request("GET", "/hello", connection=connection).text, "hello\n")
            t.equal(count(), "2\n")
            t.equal(count(), "1\n")
            t.equal(server.request("GET", "/trap", connection=connection).status, 500)
            t.equal(count(), "1\n")
            body = os.urandom(100000)
            t.equal(server.request("POST", "/echo", body=body, connection=connection).body, body)
            connection.close()
            t.equal(server.stop(), 0)


@test
def limits_begin_anew_with_each_request(t):
    build_app(t, component=True)
    own = 'reuse = "instance"\nlimits = { cpu = "200ms", timeout = "10s" }\n'
    with Served(t, write(t, own), "--workers", "1") as server:
        t.equal(server.get("/count").text, "1\n")
        t.equal(server.get("/spin").status, 503)
        t.equal(server.get("/count").text, "1\n")
        t.equal(server.get("/count").text, "2\n")


def ask_and_end(server, path):
    """What comes back after a request whose client has ended its side at once."""
    with socket.create_connection((server.host, server.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        data = b""
        while piece := connection.recv(65536):
            data += piece
        return data


@test
def who_ends_its_side_is_gone(t):
    build_app(t, component=True)
    with Served(t, write(t, 'limits = { timeout = "600s" }\n'), "--workers", "1") as server:
        for path in ("/sleep=600000", "/spin"):
            t.equal(ask_and_end(server, path), b"")
        t.match(ask_and_end(server, "/drip=50"), b"(?s)^HTTP/1.1 200.*drop.*drop|^$")
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(server.stop(), 0)


@test
def unless_half_closed_connections_are_wanted(t):
    build_app(t, component=True)
    with Served(t, write(t, server="half_close = true"), "--workers", "1") as server:
        t.match(ask_and_end(server, "/sleep=50"), b"slept")


AFTER = """(module
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response"
    (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
    (func $in (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (memory (export "memory") 1)
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)
    (call $set (local.get 1) (i32.const 0) (call $response (call $fields))
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    %s))
"""


def ticks(server):
    """Of the processor, that the server has had."""
    with open(f"/proc/{server.process.pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


@test
def who_waits_for_ever_takes_no_time(t):
    run("wat", t.file("app.wat", AFTER % "(call $block (call $in (i64.const -1)))"), "-o",
        t.path("app.wasm"))
    manifest = write(t, 'limits = { timeout = "unlimited" }\n', 'drain = "100ms"')
    with Served(t, manifest, "--workers", "1", "--tier", "interp") as server:
        t.equal(server.get("/").status, 200)
        before = ticks(server)
        time.sleep(1.5)
        t.check(ticks(server) - before < 10, "a guest that waits keeps the processor")
        t.equal(server.stop(), 0)


@test
def who_goes_on_after_the_answer_has_time_to_drain(t):
    ways = ("(call $block (call $in (i64.const 600000000000)))", "(loop $again (br $again))")
    for way in ways:
        run("wat", t.file("app.wat", AFTER % way), "-o", t.path("app.wasm"))
        manifest = write(t, 'limits = { timeout = "600s" }\n', 'drain = "500ms"')
        with Served(t, manifest, "--workers", "1") as server:
            t.equal([server.get("/").status for _ in range(2)], [200, 200])
            t.equal(server.stop(), 0)
            said = server.written("gone on without a client", level="warn")
            t.equal([line["message"][-3:] for line in said], ["(2)"])


def burst(t, server):
    """Asks for much at a time; how many instances there were for it."""
    asked = [server.connect() for _ in range(9)]
    for connection in asked:
        connection.request("GET", "/sleep=500")
    for connection in asked:
        t.equal(connection.getresponse().status, 200)
        connection.close()
    count = Monitor(server).total(t, "stint_instances")
    t.check(count > 4, f"{count} instances served them")
    return count


@test
def instances_of_a_burst_do_not_stay(t):
    build_app(t)
    options = "--workers", "1", "--metrics", "127.0.0.1:0"
    with Served(t, write(t), *options) as fresh, \
            Served(t, write(t, 'reuse = "instance"\n'), *options) as kept:
        for server, most in [(server, burst(t, server)) for server in (fresh, kept)]:
            monitor = Monitor(server)
            t.check(wait_for(lambda: monitor.total(t, "stint_instances") < most), "all of them stay")
            t.check(monitor.total(t, "stint_instances_idle") >= 1, "none is warm")
            t.equal(server.get("/hello").text, "hello\n")


main()
