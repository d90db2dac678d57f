#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What components of `stint up` may reach: allowed_outbound_hosts, private addresses, limits of calls."""
import http.server
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import STINT, Skip, main, test  # noqa: E402

DENIED, PROHIBITED, LIMIT, TIMEOUT = "e015\n", "e004\n", "e011\n", "e033\n"


class Upstream(http.server.BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_response(204)
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
    import socket
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with Served(t, manifest(t, f'["http://127.0.0.1:{port}"]',
                                'outbound_timeout = "300ms"')) as server:
            t.equal(ask(server, f"127.0.0.1:{port}"), TIMEOUT)


main()
