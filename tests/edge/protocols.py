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
from served import ROOT, Served, build_app, compiled  # noqa: E402
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


def build_trailing(t):
    kit = os.path.join(ROOT, "guest", "c")
    return compiled(t, "trailing.wasm", "--size", "--reactor", "-I" + kit,
                    os.path.join(ROOT, "tests", "edge", "trailing.c"),
                    *(os.path.join(kit, f"stint_{part}.c") for part in ("wasm", "alloc")))


def request(want, *fields, method="GET", body=b""):
    head = (f"{method} / HTTP/1.1", "Host: h", "Connection: close", f"X-Want: {want}", *fields)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@test
def trailers_go_both_ways(t):
    """Whether the body ends before the guest begins, or later."""
    chunks, end = b"5\r\nhello\r\n", b"0\r\nX-Sum: 42\r\nX-Sum: 43\r\n\r\n"
    chunked = "Transfer-Encoding: chunked"
    with Served(t, build_trailing(t)) as server:
        answer = ask(server, request("trailers", chunked, method="POST", body=chunks + end))
        t.check(answer.endswith(b"0\r\nx-sum: 42\r\nx-sum: 43\r\n\r\n"), answer)
        with socket.create_connection((server.host, server.port), timeout=60) as sock:
            sock.sendall(request("trailers", chunked, method="POST", body=chunks))
            got = b""
            while not got.endswith(b"hello\r\n"):
                got += sock.recv(1 << 16)
            sock.sendall(end)
            while piece := sock.recv(1 << 16):
                got += piece
        t.check(got.endswith(b"\r\n0\r\nx-sum: 42\r\nx-sum: 43\r\n\r\n"), got)
        # Without trailers, the length is known; HTTP/1.0 knows no chunks.
        answer = ask(server, request("trailers", chunked, method="POST",
                                     body=chunks + b"0\r\n\r\n"))
        t.check(b"Content-Length: 5\r\n" in answer and answer.endswith(b"hello"), answer)


@test
def lengths_of_guests_are_checked(t):
    with Served(t, build_trailing(t)) as server:
        for length in ("5", "05"):
            answer = ask(server, request("length " + length))
            t.check(b"\r\nContent-Length: 5\r\n" in answer and answer.endswith(b"12345"), answer)
        # No number at all: as if the guest had not said anything.
        for length in ("abc", "-1", "+5", "5, 5", "18446744073709551621"):
            answer = ask(server, request("length " + length))
            t.check(answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"ontent-") == 1 and
                    b"\r\nContent-Length: 5\r\n" in answer and answer.endswith(b"12345"), answer)
        # Another number than the body has bytes.
        for length in ("9", "3"):
            answer = ask(server, request("length " + length))
            t.check(answer.startswith(b"HTTP/1.1 500 "), answer)
        t.check(server.lines("its response is not whole: HTTP-response-body-size"), "the log")
        answer = ask(server, request("length 9", method="HEAD"))
        t.check(answer.startswith(b"HTTP/1.1 200 ") and b"\r\nContent-Length: 9\r\n" in answer,
                answer)


@test
def responses_that_are_none(t):
    with Served(t, build_trailing(t)) as server:
        for status in (100, 101, 199):
            answer = ask(server, request(f"status {status}"))
            t.check(answer.startswith(b"HTTP/1.1 500 "), answer)
        t.check(server.lines("its response has the status 101, which ends no request"), "the log")
        t.check(ask(server, request("dropped")).startswith(b"HTTP/1.1 500 "), "no end")
        t.check(server.lines("its response is not whole: the body was not finished"), "the log")
        t.check(ask(server, request("status 204")).endswith(b"\r\n\r\n"), "204")


@test
def who_waits_for_100_is_told_when_the_guest_reads(t):
    waits = ("Content-Length: 5", "Expect: 100-continue")
    with Served(t, build_trailing(t)) as server:
        answer = ask(server, request("unread", *waits, method="POST"))
        t.check(answer.startswith(b"HTTP/1.1 200 "), answer)
        with socket.create_connection((server.host, server.port), timeout=60) as sock:
            sock.sendall(request("trailers", *waits, method="POST"))
            got = sock.recv(1 << 16)
            t.check(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"), got)
            sock.sendall(b"hello")
            while piece := sock.recv(1 << 16):
                got += piece
        t.check(b"HTTP/1.1 200 " in got and b"hello" in got, got)


@test
def the_target_says_which_host(t):
    build_app(t)
    with Served(t, t.path("app.wasm")) as server:
        for host in ("h", "other:81"):
            answer = ask(server, b"GET http://other:81/header HTTP/1.1\r\nHost: %s\r\n"
                         b"X-Ask: host\r\nConnection: close\r\n\r\n" % host.encode())
            t.check(answer.endswith(b"\r\n\r\nother:81"), answer)


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
        got = ask(server, head + b"ffffffffffffffff\r\n")
        t.check(got.startswith(b"HTTP/1.1 413 "), got)


main()
