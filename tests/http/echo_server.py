# SPDX-License-Identifier: Apache-2.0
"""Runs tests/http/echo.c's server, and talks to it in raw bytes."""
import contextlib
import json
import os
import socket
import subprocess
import sys
import time

ECHO = os.path.join(os.path.dirname(os.environ.get("STINT", "build/debug/stint")), "tests",
                    "http_echo")
SLOW = 20  # seconds after which a test gives up; never what a test waits for


class Echo:
    """A running server; keys are those of http_echo."""

    def __init__(self, *arguments, **settings):
        # What the sanitizer keeps from reuse would look like memory that grows.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"
        self.process = subprocess.Popen([ECHO, *arguments,
                                         *[f"{k}={v}" for k, v in settings.items()]],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, ASAN_OPTIONS=options))
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("http_echo: " + self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])
        self.socks, self.is_told = [], False

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=SLOW)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socks.append(sock)
        return sock

    def ask(self, *pieces, half_close=False):
        """Sends pieces, and returns all that comes until the server closes."""
        with self.connect() as sock:
            for piece in pieces:
                try:
                    sock.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break
                if len(pieces) > 1:
                    time.sleep(0.001)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def stats(self):
        answer = self.ask(request("/stats", "Connection: close"))
        return json.loads(answer.split(b"\r\n\r\n", 1)[1])

    def wait_for(self, what):
        """Until what(stats) holds."""
        end = time.monotonic() + SLOW
        while not what(self.stats()):
            if time.monotonic() > end:
                raise AssertionError(f"it never came to that: {self.stats()}")
            time.sleep(0.02)

    def drain(self):
        self.is_told = True
        self.process.terminate()

    def stop(self):
        """Ends it; its exit status and what it wrote to stderr (a sanitizer's report, …)."""
        for sock in self.socks:
            sock.close()
        if not self.is_told:
            self.drain()
        try:
            _, err = self.process.communicate(timeout=SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, err = self.process.communicate()
            return "hangs", err
        return self.process.returncode, err


@contextlib.contextmanager
def echo(*arguments, **settings):
    server = Echo(*arguments, **settings)
    try:
        yield server
    finally:
        code, err = server.stop()
    if code != 0 or err:
        raise AssertionError(f"http_echo ended with {code}: {err[-3000:]}")


def read_all(sock):
    data = b""
    try:
        while True:
            piece = sock.recv(1 << 16)
            if not piece:
                return data
            data += piece
    except ConnectionResetError:
        return data + b"<reset>"


def request(path, *fields, method="GET", body=b"", version="1.1", host="h"):
    lines = [f"{method} {path} HTTP/{version}"] + ([f"Host: {host}"] if host else []) + list(fields)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Response:
    def __init__(self, status, fields, body, trailers):
        self.status, self.fields, self.body, self.trailers = status, fields, body, trailers


def parse_fields(lines):
    return {name.lower(): value.strip() for name, value in
            (line.split(":", 1) for line in lines if line)}


def parse(data, methods=()):
    """The responses in `data`, which must be whole; `methods` of their requests (default GET)."""
    found = []
    while data:
        head, sep, data = data.partition(b"\r\n\r\n")
        assert sep, f"half a head: {head!r}"
        lines = head.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), lines[0]
        status, fields = int(lines[0][9:12]), parse_fields(lines[1:])
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        body, trailers = b"", {}
        if status < 200:
            found.append(Response(status, fields, body, trailers))
            continue
        if method == "HEAD" or status in (204, 304):
            pass
        elif fields.get("transfer-encoding") == "chunked":
            while True:
                size, sep, data = data.partition(b"\r\n")
                assert sep, "half a chunk"
                size = int(size, 16)
                if size == 0:
                    break
                assert data[size:size + 2] == b"\r\n", data[:100]
                body, data = body + data[:size], data[size + 2:]
            while not data.startswith(b"\r\n"):
                line, sep, data = data.partition(b"\r\n")
                assert sep, "half a trailer"
                trailers.update(parse_fields([line.decode("latin-1")]))
            data = data[2:]
        elif "content-length" in fields:
            size = int(fields["content-length"])
            assert len(data) >= size, f"{len(data)} of {size} bytes"
            body, data = data[:size], data[size:]
        else:
            body, data = data, b""
        found.append(Response(status, fields, body, trailers))
    return found


def run_tests(namespace):
    """Calls each function test_*; arguments select some. Ends with the closing line of a suite."""
    wanted = [a for a in sys.argv[1:] if a != "-v"]
    passed = failed = 0
    if not os.path.exists(ECHO):
        print("SKIP: http_echo was not built (libuv or nghttp2 is missing)")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    for name, test in list(namespace.items()):
        if not name.startswith("test_") or (wanted and not any(w in name for w in wanted)):
            continue
        start = time.monotonic()
        try:
            test()
            passed += 1
            if "-v" in sys.argv:
                print(f"{name}: {time.monotonic() - start:.2f} s")
        except Exception as error:  # noqa: BLE001
            import traceback
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL: {name}: {type(error).__name__}: {error} ({place.name}:{place.lineno})")
            failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0
