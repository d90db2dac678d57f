#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Limits of components in `stint up`: places and queues, rates, sizes, time and what goes to the log."""
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ROOT, Served, build_app  # noqa: E402
from program import main, test  # noqa: E402


def limited(t, limits, source="app.wasm", **more):
    """A manifest with these limits for its one component."""
    build_app(t, component=True)
    text = f"""spin_manifest_version = 2
[application]
name = "limited"
[application.tool.stint.log]
access = "off"
[[trigger.http]]
route = "/..."
component = "a"
{more.get("triggers", "")}
[component.a]
source = "{source}"
{more.get("component", "")}
[component.a.tool.stint]
[component.a.tool.stint.limits]
{limits}
"""
    path = t.path("spin.toml")
    with open(path, "w") as file:
        file.write(text)
    return path


def together(count, ask):
    """What `ask` gives in so many threads that begin at once."""
    begin, answers = threading.Barrier(count), []

    def one():
        begin.wait()
        answers.append(ask())

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@test
def requests_wait_for_a_place(t):
    for workers in ("1", "3"):
        with Served(t, limited(t, "concurrency = 2\nqueue = 100\nqueue_timeout = \"60s\""),
                    "--workers", workers) as server:
            answers = together(20, lambda: server.get("/sleep=30"))
            t.equal([answer.text for answer in answers], ["slept\n"] * 20)
            t.equal(server.stop(), 0)


@test
def beyond_the_queue_is_503(t):
    with Served(t, limited(t, "concurrency = 1\nqueue = 2\nqueue_timeout = \"60s\""),
                "--workers", "2") as server:
        answers = together(8, lambda: server.get("/sleep=1000"))
        statuses = sorted(answer.status for answer in answers)
        t.check(statuses.count(200) >= 3, statuses)
        t.check(statuses.count(503) >= 1, statuses)
        refused = next(answer for answer in answers if answer.status == 503)
        t.equal(refused.headers["retry-after"], "1")
        t.match(refused.text, "^Too many requests at a time ")
        t.equal(server.get("/hello").status, 200)


@test
def who_waits_too_long_gets_503(t):
    with Served(t, limited(t, "concurrency = 1\nqueue_timeout = \"50ms\""),
                "--workers", "1") as server:
        first = socket.create_connection((server.host, server.port))
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.sendall(b"GET /sleep=600000 HTTP/1.1\r\nhost: x\r\n\r\n")
        t.equal(server.get("/hello").status, 503)
        first.close()
        for _ in range(1000):
            if server.get("/hello").status == 200:
                break
        t.equal(server.get("/hello").status, 200)


@test
def who_leaves_the_queue_is_forgotten(t):
    with Served(t, limited(t, "concurrency = 1\nqueue = 3\nqueue_timeout = \"60s\"\n"
                              "timeout = \"600s\""), "--workers", "2") as server:
        def begin(path):
            sock = socket.create_connection((server.host, server.port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            return sock

        first = begin("/drip=1000")
        t.match(first.recv(15), b"HTTP/1.1 200")
        waiting = [begin("/hello") for _ in range(3)]
        for sock in waiting:
            sock.close()
        for _ in range(1000):  # until the server has seen that they left
            last = begin("/hello")
            last.settimeout(1)
            try:
                t.match(last.recv(12), b"HTTP/1.1 503")
            except TimeoutError:
                break
        first.close()
        last.settimeout(60)
        t.match(last.recv(12), b"HTTP/1.1 200")
        last.close()
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(server.stop(), 0)


@test
def clients_have_a_rate(t):
    with Served(t, limited(t, 'rate = "5/m"\nrate_burst = 3'), "--workers", "2") as server:
        statuses = [server.get("/hello").status for _ in range(6)]
        t.equal(statuses, [200] * 3 + [429] * 3)
        refused = server.get("/hello")
        t.match(refused.text, "^Too many requests ")
        t.check(1 <= int(refused.headers["retry-after"]) <= 12, refused.headers["retry-after"])


@test
def bodies_have_a_size(t):
    with Served(t, limited(t, 'request_size = "10K"\nresponse_size = "20K"')) as server:
        t.equal(server.request("POST", "/echo", body=b"x" * 10240).status, 200)
        t.equal(server.request("POST", "/echo", body=b"x" * 10241).status, 413)
        long = socket.create_connection((server.host, server.port), timeout=60)
        long.sendall(b"POST /sleep=100 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" +
                     b"1000\r\n" + b"y" * 4096 + b"\r\n1000\r\n" + b"y" * 4096 + b"\r\n1000\r\n" +
                     b"y" * 4096 + b"\r\n0\r\n\r\n")
        t.match(long.recv(100), b"^HTTP/1.1 413 ")
        long.close()
        t.equal(len(server.get("/big=20480").body), 20480)
        try:
            server.get("/big=20481")
            t.check(False, "a long response looked whole")
        except Exception:
            pass
        t.check(server.lines("response_size", level="warn", component="a"), server.log)


@test
def time_of_the_processor_ends(t):
    with Served(t, limited(t, 'cpu = "50ms"\ntimeout = "300s"')) as server:
        spun = server.get("/spin")
        t.equal((spun.status, spun.headers["retry-after"]), (503, "1"))
        t.match(spun.text, "^The function used too much CPU time ")
        lines = server.lines(request=spun.text.split()[-1].rstrip(")"))
        t.match(lines[0]["message"], "more than its 50 ms of CPU time")
        # Who waits uses none.
        t.equal(server.get("/sleep=300").text, "slept\n")


@test
def time_by_the_clock_ends(t):
    with Served(t, limited(t, 'timeout = "1s"')) as server:
        for path in ("/spin", "/sleep=60000"):
            late = server.get(path)
            t.equal(late.status, 504)
            t.match(late.text, "^The function took too long ")
        t.equal(server.get("/hello").status, 200)


@test
def fuel_and_memory_end(t):
    with Served(t, limited(t, "fuel = 5000000\n")) as server:
        t.equal(server.get("/spin").status, 503)
        t.equal(server.get("/hello").status, 200)


def build_start(t, start_ms, component):
    """app.c with a start function that waits so long; 0: it runs for ever."""
    more = (os.path.join(ROOT, "tests", "edge", "start.c"), f"-DSTART_MS={start_ms}")
    build_app(t, name="start.wasm", component=component, more=more)


@test
def start_functions_are_under_the_limits(t):
    wanted = (("timeout", '"300ms"', 504, "The function took too long "),
              ("cpu", '"50ms"', 503, "The function used too much CPU time "),
              ("fuel", "5000000", 503, "The function used too much CPU time "))
    for component in (False, True):
        build_start(t, 0, component)
        for limit, value, status, text in wanted:
            manifest = limited(t, f"{limit} = {value}\n", source="start.wasm")
            with Served(t, manifest, "--workers", "1") as server:
                answer = server.get("/hello")
                t.equal(answer.status, status)
                t.match(answer.text, "^" + text)
                t.check(server.lines(message="starts",
                                     request=answer.text.split()[-1].rstrip(")")), server.log)
                t.equal(server.stop(), 0)


@test
def start_functions_let_others_run(t):
    for component in (False, True):
        build_start(t, 200000, component)
        manifest = limited(t, 'timeout = "300s"\n', source="start.wasm", triggers="""
[[trigger.http]]
route = "/other"
static_response = { body = "other" }
""")
        with Served(t, manifest, "--workers", "1") as server:
            client = socket.create_connection((server.host, server.port))
            client.sendall(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
            t.check(server.lines(message="starts"), server.log)
            t.equal(server.get("/other").text, "other")
            # Nobody waits for it any more, so it ends, and the server does.
            client.close()
            t.equal(server.stop(), 0)


@test
def the_log_has_a_size(t):
    with Served(t, limited(t, 'log_size = "10"')) as server:
        t.equal(server.get("/print").text, "printed\n")
        t.check(server.lines("log_size", level="warn", component="a"), server.log)
        t.equal(len(server.lines(message="to stdout")), 1)
        t.check(not any("without an end" in line for line in server.log), "a line too many")


main()
