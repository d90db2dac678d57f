#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What components of `stint up` may reach: allowed_outbound_hosts, private addresses, limits of calls."""
import http.server
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import Monitor, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import STINT, Skip, main, test  # noqa: E402

DENIED, PROHIBITED, LIMIT, TIMEOUT = "e015\n", "e004\n", "e011\n", "e033\n"


class Upstream(http.server.BaseHTTPRequestHandler):

    def do_GET(self):
        count = len(self.headers.get_all("x-field", []))
        self.send_response(200 + count if count else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def manifest(t, rules, limits=""):
    if not os.path.exists(os.path.join(os.path.dirname(STINT), "libstint-http.so")):
        raise Skip("no libstint-http.so")
    build_app(t, "asks.c")
    with open(t.path("spin.toml"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "asks"
[application.tool.stint.log]
access = "off"
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "app.wasm"
allowed_outbound_hosts = {rules}
[component.a.tool.stint.limits]
timeout = "60s"
{limits}
""")
    return t.path("spin.toml")


class Silence:
    """A server that takes connections and never answers."""

    def __init__(self):
        self.socket, self.taken = socket.socket(), []
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(100)
        self.socket.settimeout(60)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for one in (self.socket, *self.taken):
            one.close()

    def take(self, count):
        """Until `count` more have come."""
        self.taken += [self.socket.accept()[0] for _ in range(count)]


def ask(server, authority, scheme="http", **more):
    return server.get("/", x_scheme=scheme, x_authority=authority, **more).text


@test
def rules_decide(t):
    up = upstream()
    port = up.server_address[1]
    with Served(t, manifest(t, f'["http://127.0.0.1:{port}", "https://*.example.com"]')) as server:
        t.equal(ask(server, f"127.0.0.1:{port}"), "s204\n")
        for authority in (f"127.0.0.2:{port}", "127.0.0.1:1", f"localhost:{port}", "example.org"):
            t.equal(ask(server, authority), DENIED)
        t.equal(ask(server, f"127.0.0.1:{port}", "https"), DENIED)
        t.equal(ask(server, "www.example.com"), DENIED)
        # Each thread writes its own lines: they come in any order.
        lines = server.lines(f"refused: a request to http://127.0.0.2:{port}: no rule of "
                             "allowed_outbound_hosts", component="a")
        t.check(lines and "request" in lines[0], server.log)
    up.shutdown()


@test
def a_request_has_as_many_fields_as_the_guest_gives_it(t):
    up = upstream()
    port = up.server_address[1]
    with Served(t, manifest(t, f'["http://127.0.0.1:{port}"]')) as server:
        for count in (1, 64, 65, 90):  # the other end takes a hundred
            t.equal(ask(server, f"127.0.0.1:{port}", x_fields=str(count)), f"s{200 + count}\n")
    up.shutdown()


@test
def names_do_not_lead_to_private_addresses(t):
    up = upstream()
    port = up.server_address[1]
    with Served(t, manifest(t, f'["http://*:{port}"]')) as server:
        t.equal(ask(server, f"127.0.0.1:{port}"), PROHIBITED)
        t.equal(ask(server, f"localhost:{port}"), PROHIBITED)
        t.equal(ask(server, f"0x7f.1:{port}"), PROHIBITED)
        t.equal(ask(server, f"[::ffff:127.0.0.1]:{port}"), PROHIBITED)
    with Served(t, manifest(t, f'["http://localhost:{port}"]')) as server:
        t.equal(ask(server, f"localhost:{port}"), "s204\n")
    up.shutdown()


@test
def nothing_is_reached_without_rules(t):
    with Served(t, manifest(t, "[]")) as server:
        t.equal(ask(server, "127.0.0.1:80"), DENIED)
        t.equal(ask(server, "self.alt"), DENIED)


@test
def calls_have_limits(t):
    up = upstream()
    port = up.server_address[1]
    rules = f'["http://127.0.0.1:{port}"]'
    with Served(t, manifest(t, rules, "outbound_calls = 3")) as server:
        for _ in range(2):  # of each request
            t.equal(ask(server, f"127.0.0.1:{port}", x_times="5"), "s204\n" * 3 + DENIED * 2)
    with Served(t, manifest(t, rules, "outbound_concurrency = 2")) as server:
        t.equal(ask(server, f"127.0.0.1:{port}", x_times="5"), "s204\n" * 5)
        t.equal(ask(server, f"127.0.0.1:{port}", x_times="4", x_keep="1"),
                "s204\n" * 2 + LIMIT * 2)
        t.equal(ask(server, f"127.0.0.1:{port}"), "s204\n")
    up.shutdown()


@test
def calls_have_a_time(t):
    with Silence() as silent:
        with Served(t, manifest(t, f'["http://127.0.0.1:{silent.port}"]',
                                'outbound_timeout = "300ms"')) as server:
            t.equal(ask(server, f"127.0.0.1:{silent.port}"), TIMEOUT)


@test
def calls_of_clients_that_left_end_by_themselves(t):
    """The version of the application that they belong to may go meanwhile."""
    def begin(server, silent, count):
        """Calls that have all come to it."""
        socks = [socket.create_connection((server.host, server.port)) for _ in range(count)]
        for sock in socks:
            sock.sendall(f"GET / HTTP/1.1\r\nhost: x\r\nx-scheme: http\r\n"
                         f"x-authority: 127.0.0.1:{silent.port}\r\n\r\n".encode())
        silent.take(count)
        return socks

    def threads(server):
        return len(os.listdir(f"/proc/{server.process.pid}/task"))

    with Silence() as silent:
        app = manifest(t, f'["http://127.0.0.1:{silent.port}"]')
        with Served(t, app, "--workers", "1", "--metrics", "127.0.0.1:0") as server:
            monitor = Monitor(server)
            for total in (12, 24):
                socks = begin(server, silent, 12)
                busy = threads(server)  # one for each call, whatever else runs
                server.process.send_signal(signal.SIGHUP)
                for sock in socks:
                    sock.close()
                t.check(wait_for(lambda: monitor.total(t, "stint_outbound_requests_total",
                                                       outcome="cancelled") == total),
                        "they are not counted")
                t.check(wait_for(lambda: threads(server) <= busy - 12), "threads stay")
            for sock in begin(server, silent, 1):
                sock.close()
            t.equal(server.stop(), 0)


main()
