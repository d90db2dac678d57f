#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Instances that serve more than one request, and clients that leave."""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import main, test  # noqa: E402

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


main()
