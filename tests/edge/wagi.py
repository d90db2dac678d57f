#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""`stint up` with commands: CGI on standard input and output."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ROOT, Served, build_app, build_command  # noqa: E402
from program import STINT, Skip, main, test  # noqa: E402

V2 = """
spin_manifest_version = 2
[application]
name = "wagi"
[application.tool.stint]
limits = { timeout = "30s" }
[[trigger.http]]
route = "/run/:who/..."
component = "cmd"
executor = { type = "wagi", argv = "prog ${SCRIPT_NAME} -- ${ARGS}" }
[[trigger.http]]
route = "/plain"
component = "cmd"
executor = { type = "wagi" }
[component.cmd]
source = "cmd.wasm"
environment = { REQUEST_METHOD = "MINE", HTTP_X_KEPT = "of the manifest", OTHER = "o" }
[component.cmd.tool.stint]
"""

V1 = """
spin_manifest_version = "1"
name = "old"
version = "1.0.0"
trigger = { type = "http", base = "/" }
[[component]]
id = "cmd"
source = "cmd.wasm"
[component.trigger]
route = "/..."
executor = { type = "wagi", argv = "x ${ARGS}", entrypoint = "_start" }
"""


def build_command_component(t):
    kit = os.path.join(ROOT, "guest", "c")
    path = t.path("cc.wasm")
    done = subprocess.run([os.path.join(ROOT, "tools", "guest-cc.sh"), "--size", "--reactor",
                           "-I" + kit, "-o", path,
                           os.path.join(ROOT, "tests", "edge", "command_component.c"),
                           *(os.path.join(kit, f"stint_{part}.c")
                             for part in ("cli", "wasm", "alloc"))],
                          capture_output=True, text=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    done = subprocess.run([STINT, "component", "new", path, "-o", t.path("cc.c.wasm")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return t.path("cc.c.wasm")


def write(t, text, name="spin.toml"):
    with open(t.path(name), "w", encoding="utf-8") as f:
        f.write(text)
    return t.path(name)


def variables(text):
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("arg "))


def arguments(text):
    return [line[4:] for line in text.splitlines() if line.startswith("arg ")]


@test
def a_command_answers(t):
    with Served(t, build_command(t)) as server:
        hello = server.get("/")
        t.equal((hello.status, hello.text, hello.headers["content-type"]),
                (200, "hello\n", "text/plain"))
        teapot = server.get("/status")
        t.equal((teapot.status, teapot.headers.get_all("x-two"),
                 teapot.headers.get_all("set-cookie")), (418, ["a", "b"], ["a=1", "b=2"]))
        moved = server.get("/location")
        t.equal((moved.status, moved.headers["location"]), (302, "/elsewhere"))
        length = server.get("/length")
        t.equal((length.headers["content-length"], length.text), ("3", "abc"))
        t.equal(server.request("HEAD", "/length").body, b"")
        t.equal([server.get("/count").text for _ in range(4)], ["1\n"] * 4)
        t.equal(server.get("/stderr").status, 200)
        t.equal(server.lines(message="to stderr")[0]["component"], "cmd")
        t.equal(server.stop(), 0)


@test
def bodies_are_streamed(t):
    with Served(t, build_command(t)) as server:
        body = os.urandom(1000000)
        t.equal(server.request("POST", "/echo", body=body).body, body)
        t.equal(server.request("POST", "/echo", body=iter([b"ab", b"cde"])).body, b"abcde")
        t.equal(len(server.get("/big=3000000").body), 3000000)
        connection = server.connect()
        connection.request("GET", "/drip=30")
        response = connection.getresponse()
        t.equal(response.read(5), b"drop\n")
        t.equal(response.read(), b"drop\n" * 4)


@test
def variables_are_those_of_cgi(t):
    with Served(t, build_command(t), "--env", "FROM=outside") as server:
        text = server.request("POST", "/all/b%20c?x=1&y=%41", body=b"abc",
                              headers={"X-A": "1", "Cookie": "c", "Content-Type": "text/x",
                                       "Proxy": "evil", "Authorization": "secret",
                                       "spin-client-addr": "9.9.9.9", "x-geo-city": "X"}).text
        t.equal(arguments(text), ["/all/b%20c", "x=1", "y=%41"])
        got = variables(text)
        wanted = {
            "FROM": "outside", "REQUEST_METHOD": "POST", "QUERY_STRING": "x=1&y=%41",
            "PATH_INFO": "/all/b%20c", "PATH_TRANSLATED": "/all/b c", "SCRIPT_NAME": "",
            "CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/x", "SERVER_NAME": server.host,
            "SERVER_PORT": str(server.port), "SERVER_PROTOCOL": "HTTP/1.1",
            "GATEWAY_INTERFACE": "CGI/1.1", "REMOTE_ADDR": "127.0.0.1", "AUTH_TYPE": "",
            "X_FULL_URL": f"http://{server.host}:{server.port}/all/b%20c?x=1&y=%41",
            "X_MATCHED_ROUTE": "/...", "X_COMPONENT_ROUTE": "", "HTTP_X_A": "1",
            "HTTP_COOKIE": "c", "HTTP_HOST": f"{server.host}:{server.port}",
        }
        t.equal({name: got.get(name) for name in wanted}, wanted)
        for name in ("HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_SPIN_CLIENT_ADDR",
                     "HTTP_X_GEO_CITY"):
            t.check(name not in got, f"{name} came through")
        t.match(got["HTTP_TRACEPARENT"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
        chunked = variables(server.request("POST", "/all", body=iter([b"ab"])).text)
        t.check("CONTENT_LENGTH" not in chunked, "a length that nobody knows")
        t.equal(variables(server.get("/all").text)["CONTENT_LENGTH"], "0")


@test
def manifests_say_how(t):
    build_command(t)
    with Served(t, write(t, V2), "--tier", "interp") as server:
        text = server.get("/run/me/all?a&b", x_kept="of the client").text
        t.equal(arguments(text), ["prog", "/run/me/all", "--", "a", "b"])
        got = variables(text)
        t.equal((got["REQUEST_METHOD"], got["HTTP_X_KEPT"], got["OTHER"], got["PATH_INFO"]),
                ("MINE", "of the manifest", "o", "/all"))
        t.equal((got["SCRIPT_NAME"], got["X_PATH_MATCH_WHO"], got["X_MATCHED_ROUTE"]),
                ("/run/:who", "me", "/run/:who/..."))
        t.equal(server.get("/plain").text, "hello\n")
    with Served(t, write(t, V1)) as server:
        t.equal(arguments(server.get("/all?q").text), ["x", "q"])


@test
def components_are_commands_too(t):
    with Served(t, build_command_component(t)) as server:
        body = b"x" * 300000
        t.equal(server.request("POST", "/a?b&c", body=body).body, b"/a\nb\nc\nPOST\n" + body)
        t.equal(server.request("DELETE", "/a").text, "/a\n\nDELETE\n")
        t.check(server.lines(message="its main function returned an error"), "no line in the log")


@test
def what_is_no_answer_is_an_error(t):
    wanted = {
        "/silent": "wrote nothing", "/bare": "does not end with an empty line",
        "/bad-line": "not NAME: VALUE", "/bad-status": "Status is no number",
        "/no-type": "neither Content-Type nor Location", "/long-head": "longer than 64 KB",
        "/exit=3": "exited with code 3", "/trap": "unreachable",
    }
    with Served(t, build_command(t)) as server:
        for path, message in wanted.items():
            answer = server.get(path)
            t.equal((path, answer.status), (path, 500))
            request = answer.text.split()[-1].rstrip(")")
            t.match(server.lines(request=request)[0]["message"], message)
        t.equal(server.get("/exit=0").status, 200)
        connection = server.connect()
        connection.request("GET", "/late-exit")
        response = connection.getresponse()
        t.equal(response.status, 200)
        try:
            response.read()
            t.check(False, "the end of a broken body looked like a whole one")
        except Exception:
            pass
        t.equal(server.get("/").text, "hello\n")


@test
def limits_hold(t):
    build_command(t)
    # Each has a limit that comes first by far, however busy the machine is.
    limits = 'limits = { cpu = "100ms", memory = "4M", response_size = "10K", timeout = "50s" }\n'
    slow = """[[trigger.http]]
route = "/slow/..."
component = "slow"
executor = { type = "wagi" }
[component.slow]
source = "cmd.wasm"
[component.slow.tool.stint]
limits = { cpu = "50s", timeout = "500ms" }
"""
    with Served(t, write(t, V2 + limits + slow)) as server:
        t.equal(server.get("/run/me/spin").status, 503)
        t.equal(server.get("/slow/sleep=60000").status, 504)
        t.equal(server.get("/run/me/memory=1000").text, "there\n")
        t.equal(server.get("/run/me/memory=50000000").text, "none\n")
        connection = server.connect()
        connection.request("GET", "/run/me/big=1000000")
        try:
            connection.getresponse().read()
            t.check(False, "more than response_size came through")
        except Exception:
            pass
        t.check(server.lines("longer than the 10240"), "no line about response_size")


@test
def guests_see_the_files_that_were_meant(t):
    build_command(t)
    for name, text in {"www/a.txt": "a", "www/b.bin": "b", "www/sub/c.txt": "c", "www/no/d.txt": "d",
                       "secret": "s", "one.txt": "one", "dir/e.txt": "e"}.items():
        os.makedirs(os.path.dirname(t.path(name)), exist_ok=True)
        with open(t.path(name), "w", encoding="utf-8") as f:
            f.write(text)
    os.symlink("../secret", t.path("www/out.txt"))
    os.symlink("/etc/passwd", t.path("www/abs.txt"))
    os.symlink("a.txt", t.path("www/in.txt"))
    files = ('files = ["www/**/*.txt", "one.txt", { source = "dir", destination = "/else/where" }, '
             '{ source = "one.txt", destination = "two.txt" }]\nexclude_files = ["www/no/*"]\n')
    manifest = V2.replace("environment =", files + "environment =")
    with Served(t, write(t, manifest), "--tier", "interp") as server:
        def read(path):
            answer = server.get("/run/me/file/" + path)
            return answer.text if answer.status == 200 else answer.status

        wanted = {"www/a.txt": "a", "www/sub/c.txt": "c", "www/in.txt": "a", "one.txt": "one",
                  "two.txt": "one", "else/where/e.txt": "e", "www/b.bin": 404, "www/no/d.txt": 404,
                  "secret": 404, "www/out.txt": 404, "www/abs.txt": 404, "dir/e.txt": 404,
                  "www/../secret": 404, "../secret": 404, "www/sub/../a.txt": "a"}
        t.equal({path: read(path) for path in wanted}, wanted)
        trees = os.listdir(t.path(".stint/files"))
        t.equal(len(trees), 1)
        os.rename(t.path(".stint/files/" + trees[0]), t.path(".stint/files/999999999-1-x"))
        t.equal(server.stop(), 0)
    with Served(t, write(t, manifest)) as server:
        t.check("999999999-1-x" not in os.listdir(t.path(".stint/files")), "a stale tree stays")
        t.equal(server.stop(), 0)
    t.equal(os.listdir(t.path(".stint/files")), [])
    missing = manifest.replace('"one.txt",', '"none.txt",')
    with open(t.path("spin.toml"), "w", encoding="utf-8") as f:
        f.write(missing)
    try:
        with Served(t, t.path("spin.toml")):
            t.check(False, "a file that is not there")
    except AssertionError as problem:
        t.match(str(problem), "files: 'none.txt': ")


@test
def wrong_components_are_told(t):
    build_command(t)
    build_app(t)

    def log_of(text):
        with open(t.path("spin.toml"), "w", encoding="utf-8") as f:
            f.write(text)
        try:
            with Served(t, t.path("spin.toml")):
                return ""
        except AssertionError as problem:
            return str(problem)

    t.match(log_of(V2.replace('executor = { type = "wagi", argv', 'executor = { type = "http" }\n#')
                   .replace('executor = { type = "wagi" }', "")), "executor = .* runs")
    t.match(log_of(V2.replace("cmd.wasm", "app.wasm")), "exports no function '_start'")
    t.match(log_of(V2.replace('component = "cmd"\nexecutor = { type = "wagi" }',
                              'component = "cmd"')), "different executors")


main()
