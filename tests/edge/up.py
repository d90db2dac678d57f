#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""`stint up` with handlers of wasi:http, as core modules and as components."""
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402


def check_answers(t, server):
    hello = server.get("/hello")
    t.equal((hello.status, hello.text), (200, "hello\n"))
    t.equal(hello.headers["content-type"], "text/plain")
    t.equal(hello.headers["content-length"], "6")
    t.equal(server.get("/other").status, 404)
    body = os.urandom(300000)
    t.equal(server.request("POST", "/echo", body=body).body, body)
    t.equal(server.request("POST", "/echo", body=iter([b"ab", b"cde"])).body, b"abcde")
    t.equal(server.get("/header", x_ask="x-answer", x_answer="42").text, "42")
    t.equal(server.get("/header", x_ask="host").text, f"{server.host}:{server.port}")
    big = server.get("/big=1000000")
    t.equal(len(big.body), 1000000)
    head = server.request("HEAD", "/hello")
    t.equal((head.status, head.body, head.headers["content-length"]), (200, b"", "6"))


@test
def serves_a_component(t):
    with Served(t, build_app(t, component=True)) as server:
        check_answers(t, server)
        t.equal(server.stop(), 0)


@test
def serves_a_core_module(t):
    with Served(t, build_app(t), "--tier", "interp") as server:
        check_answers(t, server)


@test
def a_request_gets_a_fresh_instance(t):
    with Served(t, build_app(t, component=True), "--workers", "1") as server:
        connection = server.connect()
        for _ in range(20):
            t.equal(server.request("GET", "/count", connection=connection).text, "1\n")


@test
def failures_stay_with_their_request(t):
    with Served(t, build_app(t, component=True)) as server:
        trap = server.get("/trap")
        t.equal(trap.status, 500)
        t.match(trap.text, r"^The function failed \(request [0-9a-f]{16}\)$")
        request = trap.text.split()[-1].rstrip(")")
        lines = server.lines(request=request)
        t.match(lines[0]["message"], "trap.*unreachable")
        t.equal((lines[0]["level"], lines[0]["component"]), ("error", "app"))
        t.equal(server.get("/nothing").status, 500)
        connection = server.connect()
        connection.request("GET", "/late-trap")
        response = connection.getresponse()
        t.equal(response.status, 200)
        try:
            response.read()
            t.check(False, "the end of a broken body looked like a whole one")
        except Exception:
            pass
        t.equal(server.get("/hello").text, "hello\n")


@test
def lengths_that_are_none_are_left_out(t):
    with Served(t, build_app(t, component=True)) as server:
        for length in ("abc", "-5", "4a", "99999999999999999999", "4"):
            answer = server.get("/length", x_length=length)
            t.equal((answer.status, answer.text), (200, "four"))
            t.check(answer.headers["content-length"] in ("4", None), length)


@test
def waiting_guests_share_a_thread(t):
    """More requests wait at a time than there are threads; not so many that it is overload."""
    with Served(t, build_app(t, component=True), "--workers", "1") as server:
        started, statuses = threading.Barrier(31), []

        def ask():
            started.wait()
            statuses.append(server.get("/sleep=1500").text)

        threads = [threading.Thread(target=ask) for _ in range(30)]
        for thread in threads:
            thread.start()
        started.wait()
        t.equal(server.get("/hello").text, "hello\n")
        t.check(len(statuses) < 30, "a short request had to wait for sleepers")
        for thread in threads:
            thread.join()
        t.equal(statuses, ["slept\n"] * 30)


@test
def a_body_arrives_as_it_is_written(t):
    with Served(t, build_app(t, component=True)) as server:
        connection = server.connect()
        connection.request("GET", "/drip=30")
        response = connection.getresponse()
        t.equal(response.read(5), b"drop\n")
        t.equal(response.read(), b"drop\n" * 4)


@test
def guests_print_to_the_log(t):
    with Served(t, build_app(t, component=True)) as server:
        t.equal(server.get("/print").text, "printed\n")
        for text in ("to stdout", "and more", "to stderr without an end"):
            lines = server.lines(message=text)
            t.equal([line["component"] for line in lines], ["app"])
            t.check("request" in lines[0], "a line names its request")


@test
def clients_that_leave_end_their_guests(t):
    with Served(t, build_app(t, component=True), "--workers", "1") as server:
        for path in ("/sleep=600000", "/spin"):
            connection = socket.create_connection((server.host, server.port))
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            t.equal(server.get("/hello").text, "hello\n")
            connection.close()
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(server.stop(), 0)


@test
def requests_are_finished_before_the_end(t):
    with Served(t, build_app(t, component=True)) as server:
        connection = server.connect()
        connection.request("GET", "/drip=100")
        response = connection.getresponse()
        t.equal(response.read(5), b"drop\n")
        server.process.send_signal(signal.SIGTERM)
        t.equal(response.read(), b"drop\n" * 4)
        t.equal(server.process.wait(60), 0)


@test
def the_access_log_has_a_line_each(t):
    path = t.path("access.jsonl")
    with Served(t, build_app(t, component=True), "--access-log", path, "--workers", "1") as server:
        server.get("/hello", user_agent='a "b"')
        server.get("/other")
        server.stop()
    import json
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    t.equal([(line["path"], line["status"], line["bytes"]) for line in lines],
            [("/hello", 200, 6), ("/other", 404, 13)])
    t.equal(lines[0]["agent"], 'a "b"')
    t.equal(lines[0]["component"], "app")
    t.equal(lines[0]["client"], "127.0.0.1")


MANIFEST = """spin_manifest_version = 2
[application]
name = "shop"
version = "1.0.0"
[variables]
colour = {{ default = "red" }}
[[trigger.http]]
route = "/first/..."
component = "first"
[[trigger.http]]
route = "{second}"
component = "second"
[[trigger.http]]
id = "fixed"
route = "/fixed"
static_response = {{ status_code = 418, body = "short and stout" }}
[component.first]
source = "app.wasm"
environment = {{ COLOUR = "x" }}
[component.second]
source = "app.wasm"
"""


@test
def manifests_have_routes(t):
    build_app(t, component=True)
    t.file("spin.toml", MANIFEST.format(second="/:any/hello"))
    with Served(t, t.folder) as server:
        t.equal(server.get("/first/x").status, 404)  # the guest's own
        t.equal(server.get("/first/x").text, "no such path\n")
        t.match(server.get("/nowhere").text, r"^Nothing is served here \(request")
        header = server.get("/b/hello?q=1", x_ask="spin-path-match-any")
        t.equal(header.status, 404)
        fixed = server.get("/fixed")
        t.equal((fixed.status, fixed.text), (418, "short and stout"))
    check = run("up", "--check", t.folder)
    t.equal(check.code, 0)
    for text in ("shop", "/first/...", "/:any/hello", "/fixed"):
        t.check(text in check.out, f"{text} is missing in {check.out}")


@test
def a_check_looks_at_files(t):
    build_app(t, component=True)
    text = MANIFEST.format(second="/second").replace('source = "app.wasm"', 'source = "b/a.wasm"', 1)
    text = text.replace("[component.second]", '[component.first.build]\ncommand = "true"\n'
                                              "[component.second]")
    path = t.file("spin.toml", text)
    checked = run("up", "--check", path, "--tls-cert", t.path("no.pem"), "--tls-key", t.path("no"))
    t.ends(checked, 1, "^stint: component 'first': .*b/a.wasm: it is not there: 'stint build' makes")
    t.match(checked.err, "^stint: .*no.pem: cannot read the certificate: No such file or directory$")
    others = [line for line in checked.err.splitlines() if "no machine code" not in line]
    t.equal(len(others), 2)
    with open("/dev/full", "wb") as full:
        t.ends(run("up", "--check", path, stdout=full), 1, "stdout: No space left on device")
    for verb in ("up", "build", "route", "watch"):
        nothing = run(verb, cwd=os.path.dirname(t.file("empty/file", "")))
        t.equal(nothing.code, 1)
        t.match(nothing.err, r"there is no (\./)?spin\.toml: name a manifest.*'stint new NAME'")
        t.equal(len(nothing.err.splitlines()), 1)


@test
def a_new_version_is_served_without_a_gap(t):
    build_app(t, component=True)
    manifest = t.file("spin.toml", MANIFEST.format(second="/second"))
    with Served(t, manifest) as server:
        failures, is_over = [], threading.Event()

        def ask():
            connection = server.connect()
            while not is_over.is_set():
                answer = server.request("GET", "/fixed", connection=connection)
                if answer.status != 418:
                    failures.append(answer.status)

        asking = threading.Thread(target=ask)
        asking.start()
        t.equal(server.get("/hello").text.split(" (")[0], "Nothing is served here")
        for text, message in ((MANIFEST.format(second="/hello"), "served as it is now"),
                              ("spin_manifest_version = 3", "the one before is still served")):
            t.file("spin.toml", text)
            server.process.send_signal(signal.SIGHUP)
            for _ in range(500):
                if any(message in line for line in server.log):
                    break
                threading.Event().wait(0.02)
            t.check(any(message in line for line in server.log), f"not in the log: {message}")
        for _ in range(100):
            if server.get("/hello").status == 200:
                break
        t.equal(server.get("/hello").text, "hello\n")
        is_over.set()
        asking.join()
        t.equal(failures, [])


@test
def what_cannot_be_served_is_said(t):
    t.ends(run("up", t.path("none.wasm"), "--listen", "127.0.0.1:0"), 1, "none.wasm")
    t.ends(run("up", t.path("none"), "--listen", "127.0.0.1:0"), 1, "none")
    app = build_app(t, component=True)
    t.ends(run("up", app, "--listen", "nowhere:1"), 1, "'nowhere:1' is not an IP address and port")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        t.ends(run("up", app, "--listen", f"127.0.0.1:{port}"), 1, "cannot listen on .*in use; '--listen")
    t.ends(run("up", "a", "b"), 2, "one application at a time")
    # Handlers of later and of earlier interfaces are known by what they are.
    for name, text, said in (
            ("late", '(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) '
             '(func $f (canon lift (core func $i "f"))) (instance $h (export "handle" (func $f))) '
             '(export "wasi:http/handler@0.3.0" (instance $h)))', "of WASI 0.3, which is not supported"),
            ("early", '(module (func (export "handle-http-request")) (func (export "_start")))',
             "Spin's SDKs of before version 2")):
        t.ends(run("wat", t.file(name + ".wat", text), "-o", t.path(name + ".wasm")), 0)
        with open(t.path("spin.toml"), "w") as file:
            file.write('spin_manifest_version = 2\n[application]\nname = "x"\n[[trigger.http]]\n'
                       f'route = "/"\ncomponent = "x"\n[component.x]\nsource = "{name}.wasm"\n')
        t.ends(run("up", "--check", t.path("spin.toml")), 1, said)


main()
