#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""The applications of examples/, each served from its own manifest: the counter, the streaming proxy,
and those greetings that examples/build.sh has built (C always; all of them in the long run)."""
import hashlib
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ROOT, Served, build_app  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

EXAMPLES = os.path.join(ROOT, "examples")
BUILD = os.path.abspath(os.environ.get("STINT_BUILD", os.path.join(ROOT, "build")))
LONG = os.environ.get("STINT_TEST_ALL") == "1"
IS_DEBUG = "debug" in os.path.abspath(STINT).split(os.sep)
GREETINGS = {"203.0.113.7": "안녕하세요!", "198.51.100.7": "こんにちは!", "192.0.2.7": "Hello!",
             "127.0.0.1": "Hello!"}
STREAMED_BYTES = 20 << 20


def built(t, name):
    """The example's module, built into the test's own folder."""
    done = subprocess.run([os.path.join(EXAMPLES, "build.sh"), name], text=True,
                          env=dict(os.environ, STINT_BUILD=t.path("")), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    t.check(done.returncode == 0, done.stdout)
    module = t.path(f"examples/{name}.wasm")
    if not os.path.exists(module):
        raise Skip(done.stdout.strip())
    return module


def manifest(t, name, module):
    """The example's own manifest, in a folder where it may keep its state."""
    with open(os.path.join(EXAMPLES, name, "spin.toml"), encoding="utf-8") as file:
        text = file.read()
    source = f"../../build/examples/{name}.wasm"
    t.check(source in text, text)
    os.makedirs(t.path(name), exist_ok=True)
    with open(t.path(name + "/spin.toml"), "w", encoding="utf-8") as file:
        file.write(text.replace(source, module))
    return t.path(name + "/spin.toml")


# ---- The counter -------------------------------------------------------------------------------

def count(t, server, name, body=None, method="POST"):
    answer = server.request(method, "/count/" + name, body=body)
    t.equal((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
    return int(answer.text)


@test
def counter_counts_and_survives_restarts(t):
    app = manifest(t, "counter-c", built(t, "counter-c"))
    with Served(t, app) as server:
        t.equal([count(t, server, "visits") for _ in range(3)], [1, 2, 3])
        t.equal(count(t, server, "visits", body="41"), 44)
        t.equal(count(t, server, "visits", body="-2"), 42)
        t.equal(count(t, server, "other", method="GET"), 0)
        server.stop()
    with Served(t, app) as server:
        t.equal(count(t, server, "visits", method="GET"), 42)
        t.equal(count(t, server, "visits"), 43)
        server.process.kill()  # what was answered stays, even so
        server.process.wait()
    with Served(t, app) as server:
        t.equal(count(t, server, "visits", method="GET"), 43)


@test
def counter_loses_no_count_of_requests_at_once(t):
    with Served(t, manifest(t, "counter-c", built(t, "counter-c"))) as server:
        def some():
            for _ in range(20):
                count(t, server, "at-once")
        threads = [threading.Thread(target=some) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        t.equal(count(t, server, "at-once", method="GET"), 160)


@test
def counter_refuses_what_is_no_number(t):
    with Served(t, manifest(t, "counter-c", built(t, "counter-c"))) as server:
        for body in ("x", "-", "1.5", "12345678901", "4-2", "--1"):
            answer = server.request("POST", "/count/visits", body=body)
            t.equal((answer.status, answer.text), (400, "The body is to be a number, or empty.\n"))
        answer = server.request("PUT", "/count/visits", body="1")
        t.equal((answer.status, answer.headers["allow"]), (405, "GET, POST"))
        t.equal(server.get("/count").status, 404)
        t.equal(count(t, server, "visits", method="GET"), 0)


# ---- The proxy ---------------------------------------------------------------------------------

def peak_bytes(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("/proc does not tell the memory of a process")


def proxied(t, upstream, *options, **more):
    return Served(t, manifest(t, "proxy-c", built(t, "proxy-c")), "--variable",
                  f"upstream={upstream}", *options, **more)


def pieces():
    block = bytes(i * 7 % 251 for i in range(65536 - 13))
    left = STREAMED_BYTES
    while left > 0:
        yield block[:left]
        left -= len(block)


@test
def proxy_streams_both_ways_at_once(t):
    """The upstream sends back what it has while more comes in, so neither may wait for a whole body."""
    upstream_app = build_app(t)
    with open(t.path("echo.toml"), "w") as file:
        file.write('spin_manifest_version = 2\n[application]\nname = "echo"\n[[trigger.http]]\n'
                   'route = "/..."\ncomponent = "echo"\n[component.echo]\nsource = "app.wasm"\n'
                   '[component.echo.tool.stint.limits]\nrequest_size = "1G"\ntimeout = "5m"\n')
    with Served(t, t.path("echo.toml")) as upstream, \
            proxied(t, f"http://127.0.0.1:{upstream.port}", "--tier", "interp") as server:
        # No compiler in the server, whose memory would be counted.
        t.equal(server.get("/hello").status, 200)
        before = peak_bytes(server)
        connection = server.connect()
        connection.connect()
        sent = hashlib.sha256()

        def send():
            for piece in pieces():
                sent.update(piece)
                connection.sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.sock.sendall(b"0\r\n\r\n")

        connection.sock.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                b"\r\n")
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        response = type(connection).response_class(connection.sock, method="POST")
        response.begin()
        got, got_bytes = hashlib.sha256(), 0
        while piece := response.read(100000):
            got.update(piece)
            got_bytes += len(piece)
        sender.join(60)
        connection.close()
        t.equal((response.status, got_bytes, got.hexdigest()),
                (200, STREAMED_BYTES, sent.hexdigest()))
        # The guest has 1 MB, by its manifest; this is what the server kept of it all.
        more = peak_bytes(server) - before
        t.check(IS_DEBUG or more < STREAMED_BYTES // 2, f"{more} bytes more than before")


@test
def proxy_carries_a_conversation(t):
    """Each side speaks only when it has heard the other, and the upstream answers first of all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def upstream():
            peer = listener.accept()[0]
            with peer, peer.makefile("rb") as lines:
                while lines.readline() not in (b"\r\n", b""):
                    pass
                peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while (length := int(lines.readline(), 16)) > 0:
                    piece = lines.read(length + 2)[:-2]
                    peer.sendall(b"%x\r\n%b\r\n" % (length, piece.upper()))
                peer.sendall(b"0\r\n\r\n")

        threading.Thread(target=upstream, daemon=True).start()
        with proxied(t, f"http://127.0.0.1:{listener.getsockname()[1]}") as server:
            connection = server.connect()
            connection.connect()
            connection.sock.settimeout(60)
            connection.sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                    b"\r\n")
            response = type(connection).response_class(connection.sock, method="POST")
            response.begin()
            t.equal(response.status, 200)
            for word in (b"one", b"two", b"x" * 5000, b"three"):
                connection.sock.sendall(b"%x\r\n%b\r\n" % (len(word), word))
                t.equal(response.read(len(word)), word.upper())
            connection.sock.sendall(b"0\r\n\r\n")
            t.equal(response.read(), b"")
            connection.close()


@test
def proxy_passes_on_method_path_fields_and_status(t):
    asked = []

    def answer(listener):
        peer, _ = listener.accept()
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            head, body = head.split(b"\r\n\r\n", 1)
            while len(body) < 5:
                body += peer.recv(65536)
            asked.append((head.decode(), body))
            peer.sendall(b"HTTP/1.1 418 Teapot\r\nContent-Length: 3\r\nX-Kept: yes\r\n"
                         b"Connection: close\r\n\r\ntea")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        with proxied(t, upstream) as server:
            got = server.request("PATCH", "/a/b?c=%20d", body=b"12345",
                                 headers={"X-Mine": "1", "Cookie": "a=b"})
        thread.join(60)
    t.equal((got.status, got.text, got.headers["x-kept"]), (418, "tea", "yes"))
    head, body = asked[0]
    t.equal((head.split("\r\n")[0], body), ("PATCH /a/b?c=%20d HTTP/1.1", b"12345"))
    fields = {line.split(": ")[0].lower(): line.split(": ")[1] for line in head.split("\r\n")[1:]}
    t.equal((fields["x-mine"], fields["cookie"], fields["content-length"]), ("1", "a=b", "5"))
    t.equal(fields["host"], upstream[len("http://"):-1])
    t.equal([name for name in fields if name.startswith("spin-")], [])


@test
def proxy_breaks_off_what_the_upstream_breaks_off(t):
    def answer(listener):
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        with proxied(t, f"http://127.0.0.1:{listener.getsockname()[1]}") as server, \
                socket.create_connection((server.host, server.port), 60) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b""
            while piece := client.recv(65536):
                got += piece
        thread.join(60)
    # While nothing was sent, the client can still be told; after that it sees the connection break off.
    t.check(got == b"" or got.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 500 ")), got)
    if not got.startswith(b"HTTP/1.1 500 "):
        t.check(not got.endswith(b"\r\n0\r\n\r\n"), got)


@test
def proxy_says_when_there_is_no_upstream(t):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with proxied(t, f"http://127.0.0.1:{port}") as server:
        answer = server.request("POST", "/", body=b"x" * 100000)
        t.equal((answer.status, answer.text), (502, "The upstream does not answer.\n"))


# ---- Greetings ---------------------------------------------------------------------------------

def greets(t, name, module):
    t.ends(run("route", "-f", manifest(t, name, module)), 0)
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "edge", "mmdb.py"),
                           t.path("places.mmdb")], capture_output=True, text=True)
    t.equal((done.returncode, done.stderr), (0, ""))
    with Served(t, t.path(name + "/spin.toml"), "--geo", t.path("places.mmdb"), "--trust-proxy",
                "127.0.0.1") as server:
        for client, greeting in GREETINGS.items():
            answer = server.get("/", x_forwarded_for=client)
            t.equal((answer.status, answer.text.strip(), answer.headers["content-type"]),
                    (200, greeting, "text/plain; charset=utf-8"))


@test
def greeting_in_c(t):
    greets(t, "greet-c", built(t, "greet-c"))


def greeting(name):
    def answers(t):
        module = os.path.join(BUILD, "examples", name + ".wasm")
        if IS_DEBUG or ("-js" in name or "-py" in name) and not LONG:
            raise Skip("the long run serves it, of the release build: STINT_TEST_ALL=1")
        if not os.path.exists(module) and LONG:
            subprocess.run([os.path.join(EXAMPLES, "build.sh"), name], capture_output=True)
        if not os.path.exists(module):
            raise Skip(f"examples/build.sh {name} has not built it")
        greets(t, name, module)

    answers.__name__ = "greeting_of_" + name.replace("-", "_")
    test(answers)


for each in ("greet-rust", "greet-go", "greet-js", "greet-js-wasi", "greet-py"):
    greeting(each)
main()
