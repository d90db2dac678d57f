#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Replacing a server that runs, without losing a request; sockets and messages of systemd."""
import http.client
import os
import signal
import socket
import stat
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402

os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


class Streams:
    """GET /hello on a connection of HTTP/2, four at a time; a new one for each that is answered."""
    DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
    BLOCK = b"\x82\x86\x04\x06/hello\x01\x01h"  # :method GET, :scheme http, :path, :authority

    def __init__(self, connection, is_over):
        self.connection, self.is_over = connection, is_over
        self.open, self.next, self.last, self.data = set(), 1, None, b""

    def send(self, kind, flags=0, stream=0, payload=b""):
        self.connection.sendall(len(payload).to_bytes(3, "big") + bytes((kind, flags)) +
                                stream.to_bytes(4, "big") + payload)

    def ask(self):
        self.open.add(self.next)
        self.send(self.HEADERS, 5, self.next, self.BLOCK)
        self.next += 2

    def frame(self):
        while len(self.data) < 9 or len(self.data) < 9 + int.from_bytes(self.data[:3], "big"):
            more = self.connection.recv(65536)
            if not more:
                raise ValueError(f"closed with {len(self.open)} streams, the last is {self.last}")
            self.data += more
        end = 9 + int.from_bytes(self.data[:3], "big")
        frame, self.data = self.data[:end], self.data[end:]
        return frame[3], frame[4], int.from_bytes(frame[5:9], "big"), frame[9:]

    def run(self, answered):
        """What was wrong; else None, once no stream is open and none may be opened."""
        self.connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.send(self.SETTINGS)
        self.send(self.WINDOW_UPDATE, payload=(2 ** 31 - 65536).to_bytes(4, "big"))
        for _ in range(4):
            self.ask()
        while self.open:
            kind, flags, stream, payload = self.frame()
            if kind == self.GOAWAY:
                self.last = int.from_bytes(payload[:4], "big")
                if payload[4:8] != bytes(4) or max(self.open) > self.last:
                    return f"GOAWAY {payload.hex()}, open {self.open}"
            elif kind == self.RST_STREAM:
                return f"stream {stream} was reset: {payload.hex()}"
            elif kind == self.HEADERS and payload[0] != 0x88:  # :status 200
                return f"an answer of {payload.hex()}"
            elif kind in (self.SETTINGS, self.PING) and not flags & 1:
                self.send(kind, 1, payload=payload if kind == self.PING else b"")
            if kind in (self.DATA, self.HEADERS) and flags & 1:
                self.open.remove(stream)
                answered()
                if self.last is None and not self.is_over():
                    self.ask()
        return None


class Load:
    """Requests without a pause, on connections that are kept and on new ones, until it is left."""

    def __init__(self, port, kept=4, fresh=2, h2=0):
        self.port, self.is_over, self.done, self.failed = port, False, 0, []
        self.streams_done = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i < kept,))
                        for i in range(kept + fresh)]
        self.threads += [threading.Thread(target=self.streams) for _ in range(h2)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def run(self, is_kept):
        connection = None
        while not self.is_over:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", "/hello")
                response = connection.getresponse()
                answer = (response.status, response.read())
                if not is_kept or response.will_close:
                    connection.close()
                    connection = None
                with self.lock:
                    self.done += 1
                    if answer != (200, b"hello\n"):
                        self.failed.append(answer)
            except OSError as error:
                self.note(error)
                connection = None
            except http.client.HTTPException as error:
                self.note(error)
                connection = None
        if connection is not None:
            connection.close()

    def note(self, error):
        with self.lock:
            self.failed.append(repr(error))

    def streams(self):
        """The same with HTTP/2: on each connection some streams at a time, until the server wants no more."""
        while not self.is_over:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                try:
                    ended = Streams(connection, lambda: self.is_over).run(self.answered)
                except (OSError, ValueError) as error:
                    ended = repr(error)
                if ended:
                    self.note(ended)

    def answered(self):
        with self.lock:
            self.done += 1
            self.streams_done += 1

    def more(self, count):
        """Waits until so many further requests are answered."""
        wanted = self.done + count
        while self.done < wanted and len(self.failed) < 10:
            threading.Event().wait(0.01)


@test
def no_request_is_lost(t):
    """Also when the threads, and so the sockets, are more or fewer than before."""
    app = build_app(t, component=True)
    control = t.path("control")
    server = Served(t, app, "--control", control, "--workers", "2", "--fence", "on")
    port = server.port
    mode = os.stat(control).st_mode
    t.check(stat.S_ISSOCK(mode) and mode & 0o777 == 0o600, "only for its user")
    with Load(port, h2=2) as load:
        load.more(100)
        for workers in ("1", "3", "2"):
            after = Served(t, app, "--control", control, "--replace", "--workers", workers,
                           "--fence", "on")
            t.equal(after.port, port)
            t.check(after.lines(f"replaces process {server.process.pid}"), "whom it replaces")
            t.equal(server.process.wait(60), 0)
            t.check(server.lines("replaced: finishing"), "the one before knows")
            server.stop()
            server = after
            load.more(100)
    t.equal(load.failed, [])
    t.check(load.done >= 400 and load.streams_done >= 40, "there was load")
    t.equal(server.stop(), 0)
    t.check(not os.path.exists(control) or stat.S_ISSOCK(os.stat(control).st_mode), "a socket")


@test
def a_successor_that_fails_changes_nothing(t):
    app = build_app(t, component=True)
    control = t.path("control")
    with Served(t, app, "--control", control) as server:
        where = f"127.0.0.1:{server.port}"
        with Load(server.port, 1, 1) as load:
            # Before it asks for the sockets, and after.
            t.ends(run("up", t.path("none.wasm"), "--control", control, "--replace"), 1, "none.wasm")
            r = run("up", app, "--control", control, "--replace", "--listen", "https://" + where,
                    "--tls-cert", t.path("none.pem"), "--tls-key", t.path("none.key"))
            t.ends(r, 1, "none.pem")
            t.check(server.lines("this one serves on"), "the log says so")
            t.ends(run("up", app, "--control", control, "--listen", where), 1,
                   "a server has it already")
            load.more(20)
        t.equal(load.failed, [])
        t.equal(server.process.poll(), None)
        t.equal(server.stop(), 0)


@test
def the_first_has_nobody_to_replace(t):
    app = build_app(t, component=True)
    control = t.path("control")
    with Served(t, app, "--control", control, "--replace") as server:
        t.check(server.lines("there is none to replace"), "it says so")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    # What a killed one left is no obstacle; a file is.
    with Served(t, app, "--control", control) as server:
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(server.stop(), 0)
    path = t.file("file", "text")
    t.ends(run("up", app, "--control", path, "--listen", "127.0.0.1:0"), 1, "no socket is there")
    t.ends(run("up", app, "--replace"), 2, "--replace needs --control")


@test
def metrics_come_along(t):
    app = build_app(t, component=True)
    control, more = t.path("control"), ["--metrics", "127.0.0.1:0"]
    with Served(t, app, "--control", control, *more) as server:
        line = server.lines("metrics on ")[0]["message"]
        with Served(t, app, "--control", control, "--replace", *more) as after:
            t.equal(after.lines("metrics on ")[0]["message"], line)
            t.equal(server.process.wait(60), 0)
            server.stop()
            port = int(line.split("/")[2].split(":")[1])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/healthz")
            t.equal(connection.getresponse().read(), b"alive\n")
            connection.close()
            t.equal(after.stop(), 0)


def listening():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


# Gives the descriptors named in $PASSED the numbers from 3 on, and becomes the program.
ACTIVATE = [sys.executable, "-c", """
import os, sys
for i, fd in enumerate(os.environ["PASSED"].split()):
    os.dup2(int(fd), 3 + i, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])
"""]


def activated(t, app, sockets, names, *arguments, **env):
    fds = [os.dup(sock.fileno()) for sock in sockets]
    # The numbers must not be those that they get.
    high = [os.dup2(fd, 50 + i, inheritable=True) for i, fd in enumerate(fds)]
    env = dict(os.environ, LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names,
               PASSED=" ".join(map(str, high)), **env)
    try:
        return Served(t, app, *arguments, env=env, listen=False, under=ACTIVATE, pass_fds=high)
    finally:
        for fd in fds + high:
            os.close(fd)


@test
def sockets_of_systemd_are_served(t):
    app = build_app(t, component=True)
    first, second, metrics = listening(), listening(), listening()
    # Who connects before the server is there waits for it.
    early = socket.create_connection(first.getsockname())
    early.sendall(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    with activated(t, app, (first, metrics, second), "web:metrics:web", "--workers", "2",
                   "--metrics", "%s:%d" % metrics.getsockname()) as server:
        t.equal(server.port, first.getsockname()[1])
        early.settimeout(60)
        t.check(early.makefile("rb").read().endswith(b"hello\n"), "the early one")
        for sock in (first, second):
            connection = http.client.HTTPConnection(*sock.getsockname(), timeout=60)
            connection.request("GET", "/hello")
            t.equal(connection.getresponse().read(), b"hello\n")
            connection.close()
        connection = http.client.HTTPConnection(*metrics.getsockname(), timeout=60)
        connection.request("GET", "/healthz")
        t.equal(connection.getresponse().read(), b"alive\n")
        connection.close()
        t.equal(server.stop(), 0)
    early.close()
    for sock in (first, second, metrics):
        sock.close()


@test
def what_is_no_socket_is_refused(t):
    app = build_app(t, component=True)
    pair = socket.socketpair()
    try:
        activated(t, app, pair[:1], "")
        t.check(False, "it started")
    except AssertionError as error:
        t.match(str(error), "descriptor 3 of LISTEN_FDS is no listening TCP socket")
    for sock in pair:
        sock.close()


@test
def the_service_manager_is_told(t):
    app = build_app(t, component=True)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(t.path("notify"))
    manager.settimeout(60)
    env = dict(os.environ, NOTIFY_SOCKET=t.path("notify"), WATCHDOG_USEC="300000")

    def hear(wanted):
        while True:
            text = manager.recv(1000).decode()
            if text.startswith(wanted):
                return text

    with Served(t, app, "--fence", "on", env=env) as server:
        t.match(hear("READY=1"), f"MAINPID={server.process.pid}\n")
        for _ in range(2):
            hear("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        t.match(hear("RELOADING=1"), r"MONOTONIC_USEC=\d+$")
        hear("READY=1")
        server.process.send_signal(signal.SIGTERM)
        hear("STOPPING=1")
        t.equal(server.process.wait(60), 0)
    manager.close()


main()
