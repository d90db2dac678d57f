#!/usr/bin/env python3
# suite: builds=release timeout=900
# SPDX-License-Identifier: Apache-2.0
"""The greetings of examples/, each built by its language's own toolchain, answer alike: here as core
modules and components, and under the references, jco on Node.js and wasmtime.

C is always built. The others are in the long run (STINT_TEST_ALL=1), or where examples/build.sh has
built them since they last changed.
"""

import http.client
import os
import shutil
import socket
import subprocess
import time

from program import STINT, Skip, main, run, test

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("STINT_BUILD", os.path.join(ROOT, "build")))
HOST = os.path.join(os.path.dirname(os.path.abspath(STINT)), "tests", "http_host")
LONG = os.environ.get("STINT_TEST_ALL") == "1"
JCO_VERSION = "1.35.0"
GREETINGS = {"KR": "안녕하세요!", "JP": "こんにちは!", "US": "Hello!", "": "Hello!"}
START_S = 300

# A core module and a world become a component; jco's own command takes no text for the world.
WRAP = """import { componentEmbed, componentNew } from "@bytecodealliance/jco";
import { readFile, writeFile } from "node:fs/promises";
const [core, wit, out] = process.argv.slice(2);
const binary = await readFile(core);
const witSource = await readFile(wit, "utf8");
const module = await componentEmbed({ binary, witSource, worldName: "greet" });
await writeFile(out, await componentNew(module, []));
"""


# ---- Toolchains --------------------------------------------------------------------------------

def is_current(name, module):
    folder = os.path.join(ROOT, "examples", name)
    sources = [os.path.join(at, file) for at, _, files in os.walk(folder) for file in files]
    return os.path.exists(module) and all(os.path.getmtime(source) < os.path.getmtime(module)
                                          for source in sources)


def built(name, always=False):
    module = os.path.join(BUILD, "examples", name + ".wasm")
    if is_current(name, module) and not always:
        return module
    if not LONG and not always:
        raise Skip(f"the long run builds it: STINT_TEST_ALL=1, or examples/build.sh {name}")
    done = subprocess.run([os.path.join(ROOT, "examples", "build.sh"), name], text=True,
                          env=dict(os.environ, STINT_BUILD=BUILD), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode == 0 and not os.path.exists(module):
        raise Skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout
    return module


def jco_folder():
    """Where npm has put jco; installs it in the long run."""
    folder = os.path.join(BUILD, "js", "jco")
    if os.path.exists(os.path.join(folder, "node_modules", ".bin", "jco")):
        return folder
    if not LONG:
        raise Skip("jco is not there: the long run installs it, STINT_TEST_ALL=1")
    if shutil.which("npm") is None:
        raise Skip("npm is not installed")
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error",
                           "@bytecodealliance/jco@" + JCO_VERSION], cwd=folder, text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise Skip("npm could not install jco: " + done.stderr.strip()[-200:])
    return folder


def jco(*args):
    program = os.path.join(jco_folder(), "node_modules", ".bin", "jco")
    done = subprocess.run([program, *args], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def made(t, module, *options):
    """`stint component new`."""
    component = t.path("made.wasm")
    t.ends(run("component", "new", module, "-o", component, *options), 0)
    return component


# ---- Asking ------------------------------------------------------------------------------------

def greets(t, module):
    """The greetings, from the test host."""
    if not os.path.exists(HOST):
        raise Skip("http_host was not built")
    for country, greeting in GREETINGS.items():
        headers = ["CF-IPCountry:" + country] if country else []
        done = subprocess.run([HOST, module, "GET", "/", *headers], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300)
        t.equal((done.returncode, done.stderr.decode()), (0, ""))
        head, _, body = done.stdout.decode().partition("\n\n")
        t.equal(head.split("\n")[0], "200")
        t.match(head, r"^content-type: text/plain; charset=utf-8$")
        t.equal(body.strip(), greeting)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, country):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    connection.request("GET", "/", headers={"CF-IPCountry": country} if country else {})
    response = connection.getresponse()
    body = response.read().decode().strip()
    connection.close()
    return response.status, response.getheader("content-type"), body


def wait_for(process, port, log):
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    raise AssertionError("the reference does not serve it: " + log.read()[-2000:])


def serves(t, command, port, component):
    with open(t.path("serve.log"), "w+", encoding="utf-8", errors="replace") as log, \
            subprocess.Popen([*command, component], stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log) as process:
        try:
            wait_for(process, port, log)
            for country, greeting in GREETINGS.items():
                t.equal(ask(port, country), (200, "text/plain; charset=utf-8", greeting))
        finally:
            process.kill()


def node_major():
    shown = subprocess.run(["node", "--version"], text=True, capture_output=True).stdout
    return int(shown.lstrip("v").split(".")[0] or 0)


def same_under_references(t, *components, node=20):
    """The same answers from jco, where Node.js is new enough, and from wasmtime where there is one."""
    program = os.path.join(jco_folder(), "node_modules", ".bin", "jco")
    wasmtime = shutil.which("wasmtime")
    has_node = node_major() >= node
    if not has_node and wasmtime is None:
        raise Skip(f"it takes Node.js {node} or newer, or wasmtime")
    for component in components:
        port = free_port()
        if has_node:
            serves(t, [program, "serve", "--isolate-requests", "instance", "--host", "127.0.0.1",
                       "--port", str(port)], port, component)
        if wasmtime is not None:
            port = free_port()
            serves(t, [wasmtime, "serve", "-Scli", f"--addr=127.0.0.1:{port}"], port, component)


# ---- Languages ---------------------------------------------------------------------------------

@test
def c(t):
    module = built("greet-c", always=True)
    t.check(os.path.getsize(module) < 30000, "the handler is to stay under 30 KB")
    greets(t, module)
    greets(t, made(t, module))


@test
def c_under_references(t):
    """The component that `stint component new` makes, and the one that jco makes."""
    folder = jco_folder()
    module = built("greet-c", always=True)
    wit = ["package example:greet;\nworld greet { export wasi:http/incoming-handler@0.2.0; }\n"]
    for name in ("io", "http"):
        with open(os.path.join(ROOT, "guest", "c", "wit", name + ".wit"), encoding="utf-8") as file:
            wit.append(file.read().replace("@0.2.0;", "@0.2.0 {", 1) + "}\n")
    script = os.path.join(folder, "wrap.mjs")
    with open(script, "w", encoding="utf-8") as file:
        file.write(WRAP)
    theirs = t.path("jco.wasm")
    done = subprocess.run(["node", script, module, t.file("one.wit", "".join(wit)), theirs],
                          text=True, capture_output=True)
    t.equal((done.returncode, done.stderr), (0, ""))
    greets(t, theirs)
    same_under_references(t, made(t, module), theirs)


@test
def rust(t):
    greets(t, built("greet-rust"))


@test
def rust_under_references(t):
    """spin-sdk's interfaces are 0.2.0, those of the adapter for preview 1 0.2.6."""
    module, component = built("greet-rust"), t.path("jco.wasm")
    jco("new", module, "--wasi-reactor", "-o", component)
    greets(t, component)
    same_under_references(t, component)


@test
def go(t):
    greets(t, built("greet-go"))


def component_of(name, example, node=20):
    """A toolchain that makes components itself. `node`: what their core modules take of Node.js."""
    def answers(t):
        greets(t, built(example))

    def answers_under_references(t):
        same_under_references(t, built(example), node=node)

    for function in (answers, answers_under_references):
        function.__name__ = function.__name__.replace("answers", name)
        test(function)


component_of("javascript_of_spin", "greet-js")
component_of("javascript_of_componentize_js", "greet-js-wasi")
component_of("python", "greet-py", node=22)  # constant expressions that add
main()
