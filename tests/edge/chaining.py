#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Requests of components to their own application: `http://self` and `http://ID.spin.internal`."""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app, build_command  # noqa: E402
from program import main, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "chain"
[[trigger.http]]
route = "/front"
component = "front"
[[trigger.http]]
route = "/public/..."
component = "public"
[[trigger.http]]
route = { private = true }
component = "back"
[[trigger.http]]
route = { private = true }
component = "cmd"
executor = { type = "wagi" }
[[trigger.http]]
route = "/fixed"
component = ""
static_response = { status_code = 203, body = "fixed" }
[component.front]
source = "chain.wasm"
allowed_outbound_hosts = [HOSTS]
[component.front.tool.stint]
limits = { timeout = "20s" }
[component.public]
source = "app.wasm"
[component.back]
source = "app.wasm"
[component.back.tool.stint]
limits = { LIMITS }
[component.cmd]
source = "cmd.wasm"
"""

ALL = '"http://self", "http://*.spin.internal"'


def write(t, hosts=ALL, limits='cpu = "200ms", timeout = "2s"'):
    text = MANIFEST.replace("HOSTS", hosts).replace("LIMITS", limits)
    text = text.replace('component = ""\n', "")
    with open(t.path("spin.toml"), "w", encoding="utf-8") as f:
        f.write(text)
    return t.path("spin.toml")


def build(t, component=True):
    build_app(t, source="chain.c", name="chain.wasm")
    build_app(t, component=component)
    build_command(t)


def ask(server, to, path, body=b"", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if to is not None:
        headers["x-authority"] = to
    return server.request("POST", "/front", body=body, headers={"x-path": path, **headers})


@test
def components_and_routes_are_reached(t):
    build(t)
    with Served(t, write(t)) as server:
        t.equal(server.get("/hello").status, 404)  # back is private
        t.equal((ask(server, "back.spin.internal", "/hello").status,
                 ask(server, "back.spin.internal", "/hello").text), (200, "hello\n"))
        t.equal(ask(server, "back.spin.internal", "/none").status, 404)
        t.equal(ask(server, "self", "/public/x").text, "no such path\n")
        t.equal(ask(server, None, "/fixed").text, "fixed")
        t.equal(ask(server, "self", "/not/there").status, 404)
        t.equal(ask(server, "cmd.spin.internal", "/echo", b"in").text, "in")
        body = os.urandom(100000)
        t.equal(ask(server, "back.spin.internal", "/echo", body).body, body)
        t.equal(len(ask(server, "back.spin.internal", "/big=3000000").body), 3000000)
        t.equal(server.stop(), 0)


@test
def core_modules_chain_too(t):
    build(t, component=False)
    with Served(t, write(t), "--tier", "interp") as server:
        t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")
        t.equal([ask(server, "back.spin.internal", "/count").text for _ in range(5)], ["1\n"] * 5)


@test
def what_the_other_sees(t):
    build(t)
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    with Served(t, write(t)) as server:
        def header(name, to="back.spin.internal", **more):
            return ask(server, to, "/header?q=1" if to != "self" else "/public/x", x_ask=name,
                       **more).text

        t.equal(header("host"), "back.spin.internal")
        t.equal(header("spin-full-url"), "http://back.spin.internal/header?q=1")
        t.equal(header("spin-path-info"), "/header")
        t.match(header("spin-client-addr"), r"^127\.0\.0\.1:")
        t.match(header("traceparent", traceparent=trace), "^00-" + "ab" * 16 + "-[0-9a-f]{16}-01$")
        t.check("cd" * 8 not in header("traceparent", traceparent=trace), "the client's own span")
        own = "00-" + "ab" * 16 + "-" + "34" * 8 + "-00"  # a span of the guest's own
        t.match(header("traceparent", traceparent=trace, x_trace=own), "^00-" + "ab" * 16 + "-.*-00$")
        own = "00-" + "12" * 16 + "-" + "34" * 8 + "-00"  # of another trace
        t.match(header("traceparent", traceparent=trace, x_trace=own), "^00-" + "ab" * 16)


@test
def no_header_of_the_answer_is_lost(t):
    build(t)
    with Served(t, write(t)) as server:
        answer = ask(server, "back.spin.internal", "/headers=90")
        t.equal((answer.status, answer.text), (200, "many\n"))
        t.equal(answer.headers["x-headers"], "092")  # and content-type, content-length


@test
def bodies_arrive_as_they_are_written(t):
    build(t)
    with Served(t, write(t), "--workers", "1") as server:
        connection = server.connect()
        connection.request("POST", "/front", headers={"x-authority": "back.spin.internal",
                                                      "x-path": "/drip=30"})
        response = connection.getresponse()
        t.equal(response.read(5), b"drop\n")
        t.equal(response.read(), b"drop\n" * 4)


@test
def rules_hold(t):
    build(t)
    with Served(t, write(t, hosts='"http://public.spin.internal"')) as server:
        t.equal(ask(server, "public.spin.internal", "/hello").text, "hello\n")
        for to in ("back.spin.internal", "self", None, "nobody.spin.internal"):
            t.equal((to, ask(server, to, "/hello").text), (to, "e15\n"))
    with Served(t, write(t, hosts='"http://*.spin.internal"')) as server:
        t.equal(ask(server, "nobody.spin.internal", "/hello").text, "e15\n")
        t.equal(ask(server, "self", "/fixed").text, "e15\n")


@test
def loops_end(t):
    build(t)
    with Served(t, write(t), "--workers", "1") as server:
        t.equal(ask(server, "front.spin.internal", "/").text, "e36\n")
        t.equal(ask(server, "self", "/front").text, "e36\n")
        t.check(server.lines("requests have led to each other"), "no line in the log")
        t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")


@test
def limits_of_the_other_hold(t):
    build(t)
    limits = ('cpu = "200ms", timeout = "5s", request_size = "10K", concurrency = 1, queue = 0, '
              'response_size = "1M"')
    with Served(t, write(t, limits=limits), "--workers", "1") as server:
        t.equal(ask(server, "back.spin.internal", "/spin").status, 503)
        t.equal(ask(server, "back.spin.internal", "/sleep=60000").status, 504)
        t.check(len(ask(server, "back.spin.internal", "/echo", b"x" * 20000).body) <= 10240,
                "more than request_size came through")
        t.equal(ask(server, "back.spin.internal", "/trap").status, 500)
        t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")
        try:
            ask(server, "back.spin.internal", "/big=3000000")
        except Exception:
            pass
        t.check(server.lines("longer than the 1048576"), "no line about response_size")


@test
def who_leaves_takes_the_other_along(t):
    build(t)
    with Served(t, write(t, limits='timeout = "600s"'), "--workers", "1") as server:
        for path in ("/sleep=600000", "/spin", "/drip=600000"):
            connection = socket.create_connection((server.host, server.port))
            connection.sendall(f"POST /front HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n"
                               f"x-authority: back.spin.internal\r\nx-path: {path}\r\n\r\n".encode())
            t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")
            connection.close()
        t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")
        t.equal(server.stop(), 0)


@test
def they_are_counted_and_logged(t):
    build(t)
    with Served(t, write(t), "--metrics", "127.0.0.1:0", "--access-log", t.path("access")) as server:
        t.equal(ask(server, "back.spin.internal", "/hello").text, "hello\n")
        t.equal(server.stop(), 0)
    with open(t.path("access"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    t.equal(len(lines), 2)
    t.match([line for line in lines if '"component":"back"' in line][0], '"caller":"front"')
    t.check('"caller"' not in [line for line in lines if '"component":"front"' in line][0],
            "a client's request has no caller")


main()
