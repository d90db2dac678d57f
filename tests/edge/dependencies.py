#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Dependencies of components: composed, isolated or not, and what is said when they do not fit."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ROOT, Served  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

KIT = os.path.join(ROOT, "guest", "c")

WORDS = """package demo:words@1.2.0;
interface text {
  upper: func(s: string) -> string;
  join: func(parts: list<string>, separator: string) -> string;
}
interface counting {
  record entry { word: string, times: u32 }
  resource counter {
    constructor(start: u32);
    add: func(words: list<string>) -> list<entry>;
    total: func() -> u32;
  }
  merge: func(a: counter, b: borrow<counter>) -> u32;
}
interface probe { look: func(what: string) -> string; }
"""
SUMS = """package demo:sums@0.1.0;
interface sums { add: func(a: u32, b: u32) -> u32; }
"""
SPIN = """package fermyon:spin@2.0.0;
interface key-value {
  variant error { store-table-full, no-such-store, access-denied, other(string) }
  resource store { open: static func(label: string) -> result<store, error>; }
}
interface variables {
  variant error { invalid-name(string), undefined(string), provider(string), other(string) }
  get: func(name: string) -> result<string, error>;
}
"""
FILES = """package wasi:filesystem@0.2.0;
interface types { resource descriptor; }
interface preopens {
  use types.{descriptor};
  get-directories: func() -> list<tuple<descriptor, string>>;
}
"""
OUTGOING = """
interface outgoing-handler {
  use types.{outgoing-request, request-options, future-incoming-response, error-code};
  handle: func(request: outgoing-request, options: option<request-options>)
    -> result<future-incoming-response, error-code>;
}
"""
MORE_TYPES = """
  resource outgoing-request { constructor(headers: headers); }
  resource request-options;
  resource future-incoming-response;
}
interface incoming-handler {"""
WORLDS = """package demo:app;
world host {
  import wasi:cli/environment@0.2.0;
  import wasi:filesystem/preopens@0.2.0;
  import fermyon:spin/key-value@2.0.0;
  import fermyon:spin/variables@2.0.0;
  import wasi:http/outgoing-handler@0.2.0;
}
world words {
  include host;
  export demo:words/text@1.2.0;
  export demo:words/counting@1.2.0;
  export demo:words/probe@1.2.0;
}
world app {
  include host;
  import wasi:io/streams@0.2.0;
  import demo:words/text@1.2.0;
  import demo:words/counting@1.2.0;
  import demo:words/probe@1.2.0;
  import demo:sums/sums@0.1.0;
  export wasi:http/incoming-handler@0.2.0;
}
world sums { export demo:sums/sums@0.1.0; }
"""
ADDER = """(module (func (export "demo:sums/sums@0.1.0#add") (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1))))"""

MANIFEST = """
spin_manifest_version = 2
[application]
name = "deps"
[variables]
greeting = { default = "hello" }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
allowed_outbound_hosts = []
key_value_stores = ["default"]
files = [{ source = ".", destination = "/" }]
environment = { ONE = "1", TWO = "2" }
variables = { greeting = "{{ greeting }}" }
%s
[component.app.dependencies]
"""
BOTH = '"demo:words" = { path = "words.wasm" }\n"demo:sums/sums@0.1.0" = { path = "sums.wasm" }\n'


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def component(t, name, world, *sources):
    core = t.path(name + ".core")
    done = subprocess.run([os.path.join(ROOT, "tools", "guest-cc.sh"), "--size", "--reactor",
                           "-I" + KIT, "-o", core,
                           *(os.path.join(ROOT, "tests", "edge", source) for source in sources),
                           *(os.path.join(KIT, f"stint_{part}.c") for part in ("wasm", "alloc")),
                           *([os.path.join(KIT, "stint_http.c")] if world == "app" else [])],
                          capture_output=True, text=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    wrap(t, core, name, world)


def wrap(t, core, name, world):
    t.ends(run("component", "new", core, "--wit", t.path("wit"), "--world", world, "-o", t.path(name)), 0)


built = None


def application(t, dependencies=BOTH, more=""):
    """The manifest's path; the components are built once."""
    global built
    if built is None:
        with open(os.path.join(KIT, "wit", "http.wit")) as file:
            http = file.read()
        http = http.replace("}\n\ninterface incoming-handler {", MORE_TYPES) + OUTGOING
        for name, text in (("deps/http.wit", http), ("deps/words.wit", WORDS), ("deps/sums.wit", SUMS),
                           ("deps/spin.wit", SPIN), ("deps/files.wit", FILES), ("app.wit", WORLDS)):
            write(t.path("wit/" + name), text)
        for name in ("io.wit", "cli.wit"):
            shutil.copy(os.path.join(KIT, "wit", name), t.path("wit/deps/" + name))
        component(t, "app.wasm", "app", "dependent.c", "look.c")
        component(t, "words.wasm", "words", "dependency.c", "look.c")
        write(t.path("sums.wat"), ADDER)
        t.ends(run("wat", t.path("sums.wat"), "-o", t.path("sums.core")), 0)
        wrap(t, t.path("sums.core"), "sums.wasm", "sums")
        built = {}
        for name in ("app.wasm", "words.wasm", "sums.wasm", "sums.core"):
            with open(t.path(name), "rb") as file:
                built[name] = file.read()
    for name, data in built.items():
        with open(t.path(name), "wb") as file:
            file.write(data)
    write(t.path("spin.toml"), MANIFEST % more + dependencies)
    return t.path("spin.toml")


@test
def strings_lists_and_resources_go_across(t):
    with Served(t, application(t)) as server:
        t.equal(server.get("/upper/Hello").text, "HELLO")
        t.equal(server.get("/join").text, "a, \u00e4, ccc")
        for _ in range(3):
            t.equal(server.get("/count").text, "ein 6 zwei 7 1 107 ")
        t.equal(server.get("/sum").text, "499500 ")


@test
def a_dependency_is_isolated(t):
    with Served(t, application(t)) as server:
        t.equal(server.get("/own/environment").text, "2")
        t.equal(server.get("/own/directories").text, "1")
        t.equal(server.get("/own/store").text, "open")
        t.equal(server.get("/own/variable").text, "hello")
        t.equal(server.get("/look/environment").text, "0")
        t.equal(server.get("/look/directories").text, "0")
        t.equal(server.get("/look/store").text, "error 2")
        t.equal(server.get("/look/variable").text, "error 1 greeting")
        t.equal(server.get("/look/request").text,
                'error 38 "wasi:http/outgoing-handler" is not permitted')
        lines = server.lines("a dependency is denied fermyon:spin/key-value@2.0.0")
        t.equal([line["component"] for line in lines], ["app"])


@test
def what_is_inherited_is_there(t):
    app = application(t, more="dependencies_inherit_configuration = true")
    with Served(t, app) as server:
        t.equal(server.get("/look/environment").text, "2")
        t.equal(server.get("/look/directories").text, "1")
        t.equal(server.get("/look/store").text, "open")
        t.equal(server.get("/look/variable").text, "hello")
        t.check("not permitted" not in server.get("/look/request").text, "requests are inherited")
    one = BOTH.replace('"words.wasm"', '"words.wasm", inherit_configuration = ["environment"]')
    with Served(t, application(t, one)) as server:
        t.equal(server.get("/look/environment").text, "2")
        t.equal(server.get("/look/store").text, "error 2")


def small(t, name, wit, wat):
    """A component of a world `it` in the package of `wit`, from text."""
    folder = t.path("wit-" + name)
    write(os.path.join(folder, "it.wit"), wit)
    write(t.path(name + ".wat"), wat)
    t.ends(run("wat", t.path(name + ".wat"), "-o", t.path(name + ".core")), 0)
    t.ends(run("component", "new", t.path(name + ".core"), "--wit", folder, "--world", "it",
               "-o", t.path(name + ".wasm")), 0)


def sums(t, name, signature, wat, package="demo:sums@0.1.0"):
    small(t, name, f"package {package};\ninterface sums {{ {signature} }}\nworld it {{ export sums; }}",
          wat)


def check(t, dependencies, code, *patterns, more=""):
    result = run("up", "--check", application(t, dependencies, more))
    t.check(result.code == code, f"ended with {result.code}: {result.err}")
    for pattern in patterns:
        t.match(result.err if code else result.out, pattern)


@test
def check_shows_what_meets_what(t):
    check(t, BOTH.replace('"words.wasm"', '"words.wasm", inherit_configuration = ["files"]'), 0,
          r"\ndependencies\n  app\n    demo:words/text@1\.2\.0 from words\.wasm, which inherits files\n",
          r"demo:sums/sums@0\.1\.0 from sums\.wasm, isolated\n",
          r"wasi:cli/environment@0\.2\.0 is denied\n")


@test
def what_does_not_fit_is_said(t):
    words = '"demo:words" = { path = "words.wasm" }\n'
    here = r"spin\.toml:\d+: dependency '%s': "
    add = lambda dependency: words + '"demo:sums/sums" = { %s }\n' % dependency
    check(t, add('path = "no.wasm"'), 1, here % "demo:sums/sums" + r"no\.wasm: .*No such file")
    check(t, add('path = "sums.core"'), 1, r"sums\.core: it is a core module")
    with open(t.path("junk.wasm"), "wb") as file:
        file.write(built["sums.wasm"][:60])
    check(t, add('path = "junk.wasm"'), 1, here % "demo:sums/sums" + r"junk\.wasm: .*out of bounds")
    check(t, BOTH + '"demo:other" = { path = "sums.wasm" }', 1,
          here % "demo:other" + r"app\.wasm imports no 'demo:other'; it imports \S")
    check(t, BOTH + '"demo:words/text" = { path = "words.wasm" }', 1,
          here % "demo:words/text" + "'demo:words' and 'demo:words/text' both stand for the import "
          r"'demo:words/text@1\.2\.0' of app\.wasm")
    check(t, add('path = "words.wasm"'), 1,
          r"words\.wasm does not export 'demo:sums/sums@0\.1\.0', which app\.wasm imports; it exports "
          r"demo:words/text@1\.2\.0, ")
    check(t, add('path = "sums.wasm", export = "demo:sums/nothing"'), 1,
          r"does not export 'demo:sums/nothing'")
    sums(t, "wide", "add: func(a: u32, b: u64) -> u32;",
         ADDER.replace("i32 i32) (r", "i32 i64) (r").replace("(local.get 1)", "(i32.const 1)"))
    check(t, add('path = "wide.wasm"'), 1, here % "demo:sums/sums" +
          r"'demo:sums/sums@0\.1\.0' of wide\.wasm does not fit what app\.wasm imports: type mismatch in "
          r"instance export 'add': type mismatch in 'b': expected u32, found u64")
    sums(t, "less", "sub: func(a: u32, b: u32) -> u32;", ADDER.replace("#add", "#sub"))
    check(t, add('path = "less.wasm"'), 1, r"missing expected export 'add'")
    check(t, words + '"demo:sums/sums@0.2.0" = { path = "sums.wasm" }', 1, r"imports no 'demo:sums/sums@0\.2\.0'")
    check(t, add('version = "1", registry = "example.com", package = "a:b"'), 1, "registries are not supported")
    check(t, add('component = "app"'), 1, "cannot be its own dependency")
    check(t, add('path = "sums.wasm", inherit_configuration = ["file"]'), 1,
          r"nothing called 'file' can be inherited \(nearest: 'files'\)")


@test
def names_and_versions_select(t):
    words = '"demo:words" = { path = "words.wasm" }\n'
    check(t, words + '"demo:sums@0.1.0" = { path = "sums.wasm" }', 0)
    check(t, words + '"demo:sums" = { path = "sums.wasm", inherit_configuration = true }', 0,
          "inherits everything")
    sums(t, "later", "add: func(a: u32, b: u32) -> u32;", ADDER.replace("0.1.0", "0.1.7"), "demo:sums@0.1.7")
    check(t, words + '"demo:sums/sums@0.1.0" = { path = "later.wasm" }', 0,
          r"demo:sums/sums@0\.1\.0 from later\.wasm \(demo:sums/sums@0\.1\.7\), isolated")
    sums(t, "other", "add: func(a: u32, b: u32) -> u32;", ADDER.replace("demo:sums/sums@0.1.0", "x:y/sums@3.0.0"),
         "x:y@3.0.0")
    check(t, words + '"demo:sums/sums" = { path = "other.wasm" }', 1, "does not export")
    check(t, words + '"demo:sums/sums" = { path = "other.wasm", export = "x:y/sums@3.0.0" }', 0,
          r"\(x:y/sums@3\.0\.0\)")
    manifest = application(t, words + '"demo:sums/sums" = { component = "adder" }\n'
                           '[component.adder]\nsource = "sums.wasm"\n')
    t.equal(run("up", "--check", manifest).code, 0)


@test
def a_component_that_does_not_fit_answers_503(t):
    app = application(t, BOTH.replace("sums.wasm", "no.wasm"))
    manifest = open(app).read().replace('[component.app]', """[[trigger.http]]
route = "/fine"
component = "fine"
[component.fine]
source = "whole.wasm"
[component.app]""")
    t.ends(run("component", "compose", t.path("app.wasm"), "--with", t.path("words.wasm"),
               "--with", "demo:sums=" + t.path("sums.wasm"), "-o", t.path("whole.wasm")), 0)
    write(app, manifest)
    with Served(t, app) as server:
        t.equal(server.get("/upper/a").status, 503)
        t.match(server.lines("dependency 'demo:sums/sums@0.1.0'")[0]["message"], r"no\.wasm.*No such file")
        t.equal(server.get("/fine").status, 200)


@test
def a_composition_is_a_component(t):
    application(t)
    whole = t.path("whole.wasm")
    compose = lambda *arguments: run("component", "compose", t.path("app.wasm"), *arguments)
    t.ends(compose("--with", t.path("words.wasm"), "--with", t.path("sums.wasm"), "-o", whole), 0)
    wit = run("wit", whole).out
    t.check("import demo:" not in wit and "export wasi:http/incoming-handler@0.2.0" in wit, wit)
    with Served(t, whole) as server:
        t.equal(server.get("/count").text, "ein 6 zwei 7 1 107 ")
        t.equal(server.get("/sum").text, "499500 ")
    t.ends(compose("--with", t.path("words.wasm"), "-o", t.path("half.wasm")), 0)
    t.match(run("wit", t.path("half.wasm")).out, "import demo:sums/sums@0.1.0;")
    t.ends(compose("--with", t.path("app.wasm")), 1, "it exports nothing that .*app.wasm imports")
    t.ends(compose("--with", "demo:nope=" + t.path("sums.wasm")), 1, "imports no 'demo:nope'")
    t.ends(compose("--with", t.path("sums.core")), 1, "sums.core: it is a core module")
    t.ends(compose("--with", t.path("missing.wasm")), 1, "missing.wasm")
    t.ends(compose(), 2, "compose needs --with")
    t.ends(run("component", "new", "--with", "a", "b"), 2, "was expected")


@test
def reloads_see_dependencies(t):
    with Served(t, application(t), "--admin", "127.0.0.1:0") as server:
        t.equal(server.get("/sum").text, "499500 ")
        sums(t, "sums", "add: func(a: u32, b: u32) -> u32;", ADDER.replace("(local.get 1)", "(i32.const 2)"))
        server.process.send_signal(signal.SIGHUP)
        for _ in range(600):
            if server.get("/sum").text == "2000 ":
                break
            time.sleep(0.05)
        t.equal(server.get("/sum").text, "2000 ")
        place = server.lines("admin page on")[0]["message"].split("//")[1].rstrip("/")
        for _ in range(600):
            with urllib.request.urlopen(f"http://{place}/api/state") as answer:
                text = json.load(answer)["versions"][0]["text"]
            if text == "app changed":
                break
            time.sleep(0.05)
        t.equal(text, "app changed")


@test
def watch_sees_dependencies(t):
    with Served(t, "-f" + application(t), "--", "--listen", "127.0.0.1:0", verb="watch", listen=False) as server:
        t.equal(server.get("/sum").text, "499500 ")
        sums(t, "sums", "add: func(a: u32, b: u32) -> u32;", ADDER.replace("(local.get 1)", "(i32.const 2)"))
        for _ in range(600):
            if server.get("/sum").text == "2000 ":
                break
            time.sleep(0.05)
        t.equal(server.get("/sum").text, "2000 ")


main()
