#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Logs of `stint up` that rotate, keep addresses short and stay JSON; what SIGHUP takes; budgets."""
import glob
import json
import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402
from monitored import Monitor, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import Skip, main, run, test  # noqa: E402

METRICS = ("--metrics", "127.0.0.1:0")


def manifest(t, settings="", component=""):
    if not os.path.exists(t.path("app.wasm")):
        build_app(t)
    with open(t.path("spin.toml.new"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "logs"
[application.tool.stint]
trusted_proxies = ["127.0.0.1"]
{settings}
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
{component}
""")
    os.replace(t.path("spin.toml.new"), t.path("spin.toml"))
    return t.path("spin.toml")


def lines_of(*paths):
    found = []
    for path in paths:
        with open(path, "rb") as file:
            text = file.read()
        assert text == b"" or text.endswith(b"\n"), path
        found += text.splitlines()
    return found


# Writes a line that would clear a screen, in three ways, and gives no answer.
STEERS = r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\1a\00\00\00")
  (data (i32.const 16) "begin \1b[2J \c2\9b2J \9b2J \c3\a9nd\0a")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


@test
def guests_do_not_steer_a_terminal(t):
    path = manifest(t)
    run("wat", t.file("app.wat", STEERS), "-o", t.path("app.wasm"))
    terminal, end = pty.openpty()
    with Served(t, path, terminal=end) as server:
        os.close(end)
        t.equal(server.get("/").status, 500)
        seen = b""
        while b"nd\r\n" not in seen.partition(b"begin")[2]:
            seen += os.read(terminal, 4096)
        said = seen.partition(b"begin")[2].partition(b"\r")[0]
        t.equal(said, b"  [2J  2J  2J \xc3\xa9nd")
    os.close(terminal)


@test
def no_line_is_lost_when_the_log_rotates(t):
    log = t.path("access.jsonl")
    path = manifest(t, '[application.tool.stint.log]\naccess = "access.jsonl"')
    with Served(t, path, "--workers", "2") as server:
        counts, is_over = [0] * 4, threading.Event()

        def ask(number):
            connection = server.connect()
            while not is_over.is_set():
                server.request("GET", f"/hello?{number}-{counts[number]}", connection=connection)
                counts[number] += 1
            connection.close()
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(counts))]
        for thread in threads:
            thread.start()
        for i in range(8):
            os.rename(log, t.path(f"access.{i}"))
            server.process.send_signal(signal.SIGHUP if i % 4 == 3 else signal.SIGUSR1)
            t.check(wait_for(lambda: os.path.exists(log)), "the log was not opened again")
            t.check(wait_for(lambda: os.path.getsize(log) > 0), "nothing is written there")
        is_over.set()
        for thread in threads:
            thread.join()
        t.equal(server.stop(), 0)
    paths = [json.loads(line)["path"] for line in lines_of(log, *glob.glob(t.path("access.[0-9]")))]
    t.equal(sorted(paths),
            sorted(f"/hello?{i}-{k}" for i, count in enumerate(counts) for k in range(count)))


@test
def lines_that_are_lost_are_told_of_once(t):
    os.symlink("/dev/full", t.path("access.jsonl"))
    path = manifest(t, '[application.tool.stint.log]\naccess = "access.jsonl"')
    with Served(t, path, "--workers", "1") as server:
        for _ in range(3):
            t.equal(server.get("/hello").status, 200)
            t.check(server.lines("the access log cannot be written: No space left on device"), server.log)
        os.remove(t.path("access.jsonl"))
        server.process.send_signal(signal.SIGUSR1)
        server.lines("the access log is opened again")
        server.get("/hello")
        t.check(server.lines("the access log is written again"), server.log)
        server.stop()
        t.equal(len([line for line in server.log if "cannot be written" in line]), 1)
    t.equal(1 <= len(lines_of(t.path("access.jsonl"))) <= 3, True)  # what waited to be written is there, too


@test
def a_log_that_cannot_be_opened_again_stays(t):
    os.mkdir(t.path("logs"))
    path = manifest(t, '[application.tool.stint.log]\naccess = "logs/access.jsonl"')
    with Served(t, path) as server:
        os.rename(t.path("logs"), t.path("moved"))
        server.process.send_signal(signal.SIGUSR1)
        t.check(server.lines("the log before goes on", level="error"), server.log)
        server.get("/hello")
        server.stop()
    t.equal(len(lines_of(t.path("moved/access.jsonl"))), 1)


@test
def addresses_are_kept_as_wanted(t):
    for kept, v4, v6 in (("full", "203.0.113.77", "2001:db8:1:2:3::4"),
                         ("short", "203.0.113.0", "2001:db8:1::"), ("off", None, None)):
        log = t.path(f"{kept}.jsonl")
        path = manifest(t, f'[application.tool.stint.log]\naccess = "{kept}.jsonl"\n'
                           f'addresses = "{kept}"')
        with Served(t, path, "--workers", "1") as server:
            server.get("/hello", x_forwarded_for="203.0.113.77")
            server.get("/hello", x_forwarded_for="2001:db8:1:2:3::4")
            server.stop()
        t.equal([json.loads(line).get("client") for line in lines_of(log)], [v4, v6])


@test
def the_combined_format(t):
    path = manifest(t, '[application.tool.stint.log]\naccess = "access.log"\nformat = "combined"')
    with Served(t, path, "--workers", "1") as server:
        server.get("/hello?a=b", referer="http://x/", user_agent='say "hi" \\ \xff')
        server.get("/hello", user_agent="")
        server.stop()
    first, second = lines_of(t.path("access.log"))
    t.match(first.decode(), r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
            r'"GET /hello\?a=b HTTP/1\.1" 200 6 "http://x/" "say \\"hi\\" \\\\ \\xff"$')
    t.match(second.decode(), r'200 6 "-" ""$')


@test
def lines_are_json_whatever_comes(t):
    log = t.path("access.jsonl")
    path = manifest(t, '[application.tool.stint.log]\naccess = "access.jsonl"')
    chance = random.Random(1)
    allowed = [b for b in range(0x80, 256)] + [b for b in range(0x21, 0x7f)] + [9, 32]
    sent = 0
    with Served(t, path, "--workers", "1") as server:
        for _ in range(300):
            agent = bytes(chance.choice(allowed) for _ in range(chance.randrange(1, 60)))
            target = bytes(chance.choice(range(0x21, 0x7f)) for _ in range(chance.randrange(30)))
            with socket.create_connection((server.host, server.port)) as connection:
                connection.sendall(b"GET /" + target.replace(b"#", b"") + b" HTTP/1.1\r\nhost: x\r\n"
                                   b"connection: close\r\nuser-agent: " + agent.strip() + b"\r\n\r\n")
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            # What the server itself refuses has no request to log.
            sent += not answer.startswith(b"HTTP/1.1 400")
        server.stop()
    lines = lines_of(log)
    t.check(sent > 100 and len(lines) == sent, f"{len(lines)} lines of {sent}")
    for line in lines:
        found = json.loads(line.decode("utf-8"))
        t.check(found["path"].startswith("/") and "agent" in found or found, line)


@test
def a_reload_takes_settings(t):
    mmdb.write(t.path("one.mmdb"), {"203.0.113.0/24": mmdb.place("KR", "AS")})
    mmdb.write(t.path("two.mmdb"), {"203.0.113.0/24": mmdb.place("FR", "EU")})
    geo = '[application.tool.stint.geo]\ndatabase = "{}.mmdb"\n'
    log = '[application.tool.stint.log]\naccess = "{}.jsonl"\n'
    path = manifest(t, geo.format("one") + log.format("one"))

    def country(server):
        return server.get("/header", x_ask="cf-ipcountry", x_forwarded_for="203.0.113.9").text

    def reload(server, what):
        before = len(server.lines(what)) if any(what in line for line in server.log) else 0
        server.process.send_signal(signal.SIGHUP)
        t.check(wait_for(lambda: sum(what in line for line in server.log) > before), server.log)
    good, bad = "is served as it is now", "is not used as it is now"
    with Served(t, path, "--workers", "2", *METRICS) as server:
        t.equal(country(server), "KR")
        manifest(t, geo.format("two") + log.format("two"))
        reload(server, good)
        t.check(wait_for(lambda: country(server) == "FR"), "the other database is not used")
        t.check(not any("need a restart" in line for line in server.log), server.log)
        t.check(wait_for(lambda: os.path.exists(t.path("two.jsonl")) and
                         lines_of(t.path("two.jsonl"))), "the other log is not written")
        # Nothing of what is wrong in part is taken.
        size = os.path.getsize(t.path("one.jsonl"))
        for settings in (geo.format("none") + log.format("one"),
                         geo.format("one") + '[application.tool.stint.log]\naccess = "no/where"\n',
                         geo.format("one") + log.format("one") +
                         '[application.tool.stint.traces]\nendpoint = "http://c/"\n'
                         'headers_file = "none"\n'):
            manifest(t, settings)
            reload(server, bad)
            t.equal(country(server), "FR")
        t.equal(os.path.getsize(t.path("one.jsonl")), size)
        manifest(t, geo.format("two") + log.format("two") +
                 '[application.tool.stint.server]\nworkers = 7\n'
                 '[application.tool.stint.metrics]\nlisten = "127.0.0.1:1"\ncountries = 0\n')
        reload(server, good)
        line, = server.lines("need a restart")
        t.match(line["message"], r"\[application\.tool\.stint\].*: server, metrics\.listen$")
        labels = Monitor(server).get("/metrics")[1]
        t.check('country="other"' in labels and 'country="FR"' not in labels, "labels stayed")
        t.equal(server.stop(), 0)


@test
def routes_beyond_their_budget_are_warned_about(t):
    path = manifest(t, '[application.tool.stint.metrics]\nlisten = "127.0.0.1:0"\n'
                       'budget_window = "1s"', '[component.app.tool.stint.limits]\n'
                       'cpu_budget = "5ms"')
    with Served(t, path) as server:
        monitor = Monitor(server)
        for _ in range(3):
            server.get("/burn=30000000")
        t.check(wait_for(lambda: monitor.total(t, "stint_cpu_budget_exceeded", route="/...") == 1),
                "the gauge does not tell")
        line = server.lines("of its", level="warn", component="app")[0]
        t.match(line["message"], r"^/\.\.\.: \d of its \d requests in \d+ s took more than the 5 ms of "
                r"cpu_budget")
        t.check(monitor.total(t, "stint_over_budget_total", route="/...") >= 1, "not counted")
        t.check(wait_for(lambda: monitor.total(t, "stint_cpu_budget_exceeded") == 0),
                "a window without requests exceeds nothing")


@test
def certificates_tell_when_they_end(t):
    key, certificate = t.path("site.key"), t.path("site.pem")
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                           "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                           "/CN=example.org", "-addext", "subjectAltName=DNS:example.org",
                           "-keyout", key, "-out", certificate], capture_output=True)
    if done.returncode != 0:
        raise Skip("openssl makes no certificate")
    end = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-dateopt", "iso_8601", "-in",
                          certificate], capture_output=True, text=True).stdout
    with Served(t, build_app(t), *METRICS, "--tls-cert", certificate, "--tls-key", key) as server:
        value = Monitor(server).total(t, "stint_certificate_expiry_seconds", name="example.org")
        import datetime
        found = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        t.equal(found.strftime("%Y-%m-%d %H:%M:%SZ"), re.search("notAfter=(.*)", end)[1].strip())


def guest_seconds(t, server, monitor):
    """The CPU time of three requests that compute."""
    before = monitor.total(t, "stint_cpu_seconds_total")
    count = monitor.total(t, "stint_requests_total")
    for _ in range(3):
        t.equal(server.get("/burn=3000000").text, "burnt\n")
    t.check(wait_for(lambda: monitor.total(t, "stint_requests_total") >= count + 3), "not counted")
    return monitor.total(t, "stint_cpu_seconds_total") - before


@test
def instances_made_before_the_code_are_made_anew(t):
    env = {**os.environ, "XDG_CACHE_HOME": t.path("cache")}
    with Served(t, build_app(t), *METRICS, "--tier", "jit", env=env) as server:
        monitor = Monitor(server)
        if not wait_for(lambda: any("runs as machine code now" in line for line in server.log)):
            t.check(server.lines("stays interpreted"), server.log)
            raise Skip("no compiler")
        # The one of the start, which was made for the interpreter, is gone.
        t.equal(monitor.total(t, "stint_instances"), 0)
        t.equal(server.get("/hello").text, "hello\n")
        t.check(wait_for(lambda: monitor.total(t, "stint_instances_idle") == 1), "no idle one")
        # What is served now is machine code: the same work takes a fraction of the interpreter's time.
        t.equal(monitor.total(t, "stint_component_machine_code"), 1)
        compiled = guest_seconds(t, server, monitor)
    with Served(t, t.path("app.wasm"), *METRICS, "--tier", "interp", env=env) as server:
        monitor = Monitor(server)
        t.equal(monitor.total(t, "stint_component_machine_code"), 0)
        interpreted = guest_seconds(t, server, monitor)
    t.check(compiled < interpreted / 2, f"{compiled} s of CPU, interpreted {interpreted} s")


main()
