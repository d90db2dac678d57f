#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What clients of `stint up` see of HTTP/1.1 and HTTP/2, whatever the guest does meanwhile."""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import Skip, main, test  # noqa: E402


def curl_http2(server, path, *arguments):
    """The body of an answer by HTTP/2, taken by curl."""
    curl = shutil.which("curl")
    version = subprocess.run([curl, "-V"], capture_output=True, text=True).stdout if curl else ""
    if "HTTP2" not in version:
        raise Skip("no curl that speaks HTTP/2")
    done = subprocess.run([curl, "-sS", "--http2-prior-knowledge", *arguments,
                           f"http://{server.host}:{server.port}{path}"], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(server, data):
    """What comes for these bytes until the server ends the connection."""
    with socket.create_connection((server.host, server.port), timeout=60) as sock:
        sock.sendall(data)
        got = b""
        while piece := sock.recv(1 << 16):
            got += piece
    return got


@test
def http2_loses_nothing_to_slow_clients(t):
    wanted = bytes(range(256)) * 48000
    t.file("www/large.bin", wanted)
    build_app(t)
    manifest = t.file("spin.toml", """spin_manifest_version = 2
[application]
name = "large"
[[trigger.http]]
route = "/..."
component = "app"
[[trigger.http]]
route = "/files/..."
component = "files"
[component.app]
source = "app.wasm"
[component.files]
source = "app.wasm"
files = [{ source = "www", destination = "/" }]
[component.files.tool.stint]
static = true
""")
    slow = ("--limit-rate", "24M")
    with Served(t, manifest) as server:
        letters = (bytes(range(ord("a"), ord("z") + 1)) * 158)[:4096]
        t.check(curl_http2(server, "/big=12288000", *slow) == letters * 3000, "the guest's body")
        t.check(curl_http2(server, "/files/large.bin", *slow) == wanted, "the file")


@test
def wrong_chunks_are_answered(t):
    """The guest has begun to answer, but nothing of that was sent."""
    app = build_app(t)
    head = b"POST /whole HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Served(t, app) as server:
        for chunks in (b"x\r\n", b"5\nabcde\n0\n\n", b"5\r\nabcdef\r\n", b"3;;\r\nabc\r\n0\r\n\r\n",
                       b"10000000000000000\r\n", b"0\r\nHost: h\r\n\r\n"):
            got = ask(server, head + chunks)
            t.check(got.startswith(b"HTTP/1.1 400 "), f"{chunks}: {got}")
            t.check(got.count(b"HTTP/1.1 ") == 1, f"{chunks}: {got}")
        t.check(ask(server, head + b"ffffffffffffffff\r\n").startswith(b"HTTP/1.1 413 "), "the size")


main()
