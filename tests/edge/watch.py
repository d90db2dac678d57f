#!/usr/bin/env python3
# suite: builds=release timeout=120
# SPDX-License-Identifier: Apache-2.0
"""`stint watch`: what is changed is built and served, and no request is lost by that."""
import os
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import STINT, main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "watched"
version = "1.0.0"
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
[component.app.build]
command = "sh build.sh"
watch = ["src/**/*.txt"]
"""
# What is built is one of two programs, by what a source file says.
BUILD = """set -e
grep -q good src/deep/choice.txt
cp "$(cat src/deep/choice.txt).wasm" app.wasm.new
mv app.wasm.new app.wasm
echo built >> builds
"""


class Watched(Served):
    """A server as in `Served`, started by `stint watch`."""

    def __init__(self, t, *arguments):
        super().__init__(t, "-f" + t.path("spin.toml"), *arguments, "--", "--listen", "127.0.0.1:0",
                         "--workers", "2", verb="watch", listen=False)


def project(t):
    build_app(t, name="good-hello.wasm")
    with open(t.path("good-hello.wasm"), "rb") as file:
        code = file.read()
    t.file("good-other.wasm", code.replace(b"hello\n", b"other\n"))
    t.file("src/deep/choice.txt", "good-hello")
    t.file("build.sh", BUILD)
    t.file("spin.toml", MANIFEST)


def builds(t):
    with open(t.path("builds")) as file:
        return len(file.readlines())


@test
def changes_are_built_and_served_without_a_lost_request(t):
    project(t)
    with Watched(t) as server:
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(builds(t), 1)
        # What was not there was built before it was served.
        t.check(not any("is not there" in line for line in server.log), server.log)
        answers, is_over = [], threading.Event()

        def ask():
            while not is_over.is_set():
                answer = server.get("/hello")
                answers.append((answer.status, answer.text))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for text in ["other", "hello", "other"]:
            t.file("src/deep/choice.txt", f"good-{text}")
            t.check(wait_for(lambda: answers[-1:] == [(200, text + "\n")]), f"{text} is not served")
        is_over.set()
        for thread in threads:
            thread.join()
        t.equal({status for status, _ in answers}, {200})
        t.equal(builds(t), 4)
        # Another file is nobody's concern.
        t.file("src/deep/notes.md", "notes")
        # A build that fails leaves what was served.
        t.file("src/deep/choice.txt", "bad")
        t.check(wait_for(lambda: any("'app' is served as it was" in line for line in server.log)),
                "nothing was said")
        t.equal(server.get("/hello").text, "other\n")
        t.file("src/deep/choice.txt", "good-hello")
        t.check(wait_for(lambda: server.get("/hello").text == "hello\n"), "it does not go on")
        t.equal(builds(t), 5)
        t.equal(server.stop(), 0)


@test
def a_manifest_that_is_wrong_is_said(t):
    project(t)
    with Watched(t) as server:
        t.file("spin.toml", MANIFEST.replace('route = "/..."', 'rout = "/..."'))
        t.check(wait_for(lambda: any("unknown key 'rout'" in line for line in server.log)),
                "nothing was said")
        t.equal(server.get("/hello").text, "hello\n")
        t.file("spin.toml", MANIFEST.replace('"/..."', '"/moved/..."'))
        t.check(wait_for(lambda: server.get("/hello").status == 404), "it is not served")
        t.match(server.get("/moved/hello").text, "no such path")
        t.equal(server.stop(signal.SIGINT), 0)


@test
def what_others_build_is_served(t):
    project(t)
    os.symlink("good-hello.wasm", t.path("app.wasm"))
    with Watched(t, "--skip-build") as server:
        t.equal(server.get("/hello").text, "hello\n")
        os.symlink("good-other.wasm", t.path("new"))
        os.replace(t.path("new"), t.path("app.wasm"))
        t.check(wait_for(lambda: server.get("/hello").text == "other\n"), "it is not served")
        t.check(not os.path.exists(t.path("builds")), "it was built")
        t.equal(server.stop(), 0)


@test
def a_server_that_ended_begins_again(t):
    project(t)
    with Watched(t) as server:
        t.equal(server.get("/hello").text, "hello\n")
        child = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True,
                               text=True).stdout.split()
        t.equal(len(child), 1)
        # Ctrl-C in a terminal reaches the watcher alone: a second signal would cut requests off.
        t.check(os.getpgid(int(child[0])) != os.getpgid(server.process.pid), "one group")
        os.kill(int(child[0]), signal.SIGKILL)
        t.check(wait_for(lambda: any("the server has ended" in line for line in server.log)),
                "nothing was said")
        t.file("src/deep/choice.txt", "good-other")
        t.check(wait_for(lambda: len(server.lines("serving on")) == 2), "it does not begin again")
        t.equal(server.stop(), 0)


@test
def no_manifest_is_said(t):
    t.ends(run("watch", "-f", t.path("none.toml")), 1, "none.toml")
    t.ends(run("watch", "--none"), 2, "unknown|none")


main()
