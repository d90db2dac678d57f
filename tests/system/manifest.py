#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""Manifests: what is wrong is said with its place and the nearest key; `stint route`, `new`, `build`."""

import json
import os

from program import Skip, main, run, test

HEAD = 'spin_manifest_version = 2\n[application]\nname = "t"\n'
HELLO = '[component.hello]\nsource = "a.wasm"\n'
HTTP = '[[trigger.http]]\nroute = "/..."\ncomponent = "hello"\n'
STINT = "[application.tool.stint]\n"
OWN = "[component.hello.tool.stint]\n"

# What follows HEAD; the line and column after it; what is said there.
WRONG = [
    ('[[trigger.http]]\nroute = "/"\ncomponent = "helo"\n' + HELLO, "3:13",
     "http trigger 1: there is no component 'helo' (nearest: 'hello')"),
    (HTTP + '[component.hello]\nsoruce = "a"\n', "5:1",
     "component 'hello': unknown key 'soruce' (nearest: 'source')"),
    (HTTP + '[component.hello]\n', "4:12", "component 'hello': the key 'source' is missing"),
    (HTTP + HELLO + 'source = "b"\n', "6:1", "the key 'source' is there already"),
    (HTTP + '[component.hello]\nsource = 5\n', "5:10",
     "component 'hello': source: expected a string that is not empty or a table, found 5"),
    (HTTP + '[component.hello]\nsource = { url = "https://x.test/a" }\n', "5:10",
     "component 'hello': source: the key 'digest' should be \"sha256:\""),
    (HTTP + '[component.hello]\nsource = { url = "ftp://x/a", digest = "x" }\n', "5:18",
     "source: expected a URL"),
    (HTTP + '[component.hello]\nsource = { path = "a" }\n', "5:12", "source: unknown key"),
    (HTTP + HELLO + 'files = ["a/.."]\n', "6:10", "files: a pattern cannot end in '..'"),
    (HTTP + HELLO + 'files = [{ source = "a" }]\n', "6:10",
     "file 1: the key 'destination' is missing"),
    (HTTP + HELLO + 'allowed_outbound_hosts = ["example.com"]\n', "6:27",
     'allowed_outbound_hosts: "example.com": expected SCHEME://HOST:PORT'),
    (HTTP + HELLO + 'allowed_outbound_hosts = ["http://a/b"]\n', "6:27", "a rule has no path"),
    (HTTP + HELLO + 'allowed_outbound_hosts = ["https://{{ api }}"]\n', "6:27",
     "unknown variable 'api': define it in [variables]"),
    (HTTP + HELLO + 'variables = { a = "{{ x" }\n', "6:19", "'{{' has no '}}'"),
    (HTTP + HELLO + 'key_value_stores = ["defualt"]\n', "6:21",
     "key_value_stores: there is no 'defualt' (nearest: 'default')"),
    (HTTP + HELLO + 'sqlite_databases = ["other"]\n', "6:21",
     "define [sqlite_database.other] in the runtime configuration"),
    (HTTP + HELLO + 'dependencies = { "a:b" = "1.0" }\n', "6:26", "registries are not supported"),
    (HTTP + HELLO + 'dependencies = { "a:b/c" = { component = "hallo" } }\n', "6:42",
     "there is no component 'hallo' (nearest: 'hello')"),
    (HTTP + HELLO + 'build = { comand = "x" }\n', "6:11", "unknown key 'comand' (nearest: 'command')"),
    (HTTP + HELLO + "[variables]\nx = {}\n", "7:5",
     "variable 'x': expected required = true, or a default"),
    (HTTP + HELLO + "[variables]\nX = { default = 'a' }\n", "7:1",
     "the name 'X' should be lower-case words"),
    (HTTP + HELLO + "[variables]\nx = { required = true }\n", "7:5",
     "variable 'x' has no value: set SPIN_VARIABLE_X"),
    (HTTP + "[component.my_part]\nsource = 'a'\n" + HELLO, "4:12",
     "the name 'my_part' should be words of letters"),
    ("[[trigger.http]]\ncomponent = 'hello'\n" + HELLO, "1:11",
     "http trigger 1: the key 'route' is missing"),
    ("[[trigger.http]]\nroute = '/.../x'\ncomponent = 'hello'\n" + HELLO, "1:11",
     "'...' stands at the end only"),
    ("[[trigger.http]]\nroute = '/'\n" + HELLO, "1:11",
     "expected 'component' or 'static_response', one of them"),
    ("[[trigger.http]]\nroute = { private = false }\ncomponent = 'hello'\n" + HELLO, "2:9",
     "expected a path, or { private = true }"),
    ("[[trigger.http]]\nroute = '/.well-known/spin/x'\ncomponent = 'hello'\n" + HELLO, "1:11",
     "is reserved"),
    ("[[trigger.http]]\nroute = '/'\ncomponent = 'hello'\nexecutor = { type = 'wsgi' }\n" + HELLO,
     "4:21", 'executor.type: expected "http", "spin" or "wagi", found "wsgi"'),
    ("[[trigger.http]]\nroute = '/'\ncomponent = 'hello'\ndependencies.m = [{ path = 'a' }]\n"
     + HELLO, "4:1", "middleware is not supported"),
    ("[[trigger.redis]]\nchannel = 'c'\ncomponent = 'hello'\n" + HELLO, "1:11",
     "the key 'address' is missing here and in [application.trigger.redis]"),
    (HTTP + HELLO + "[tool]\n", "6:2", "unknown key 'tool'"),
    (HTTP + HELLO + OWN + "reuse = 'always'\n", "7:9",
     'tool.stint.reuse: expected "fresh", "instance" or "snapshot", found "always"'),
    (HTTP + HELLO + OWN + "limits = { memory = '64 MB' }\n", "7:21",
     'limits.memory: expected a size such as "64M"'),
    (HTTP + HELLO + OWN + "limits.timout = 5\n", "7:8", "unknown key 'timout' (nearest: 'timeout')"),
    (HTTP + HELLO + OWN + "limits.rate = '5 per s'\n", "7:15", 'expected a rate such as "100/s"'),
    (HTTP + HELLO + OWN + "regions = ['eu']\n", "7:12", "there is no region 'eu'"),
    (HTTP + HELLO + STINT + "listen = '127.0.0.1'\n", "7:10", "expected an address and a port"),
    (HTTP + HELLO + STINT + "listen = { address = ':1', tls = true }\n", "7:10", None),
    (HTTP + HELLO + STINT + "listen = { address = '127.0.0.1:1', tls = true }\n", "7:10",
     "tls needs a certificate"),
    (HTTP + HELLO + STINT + "listen = { address = '127.0.0.1:1', proxy_protocol = true }\n", "7:10",
     "proxy_protocol needs trusted_proxies"),
    (HTTP + HELLO + STINT + "trusted_proxies = ['10.0.0.0/33']\n", "7:20",
     "expected an address or a block of addresses"),
    (HTTP + HELLO + STINT + "admin.listen = '0.0.0.0:1'\n", "7:16", "no loopback address"),
    (HTTP + HELLO + STINT + "regions.eu.countries = ['Germany']\nregions.here = 'eu'\n", "7:25",
     "expected a country's code of two capital letters"),
    (HTTP + HELLO + STINT + "regions.eu.url = 'https://eu.test'\n", "7:1",
     "which one is this server in?"),
    (HTTP + HELLO + STINT + "regions = { here = 'ue', eu = {} }\n", "7:20",
     "there is no region 'ue' (nearest: 'eu')"),
    (HTTP + HELLO + STINT + "regions = { here = 'eu', eu = { countries = ['KR'] }, "
     "us = { url = 'https://us.test', countries = ['KR'] } }\n", "7:100",
     "\"KR\" belongs to region 'eu' already"),
    (HTTP + HELLO + STINT + "regions = { here = 'eu', eu = {}, us = {} }\n", None,
     "region 'us': the key 'url' is missing"),
    (HTTP + HELLO + STINT + "regions.here = 'eu'\nregions.eu.weight = 101\n", "8:21",
     "expected an integer from 0 to 100, found 101"),
    ("trigger = 5\n" + HELLO, "1:11", None),
    ("[[trigger.http]]\nrout = '/'\ncomponent = 'hello'\n" + HELLO, "2:1",
     ": http trigger 1: unknown key 'rout' (nearest: 'route')"),
    ("[component\n", "1:11", "] is expected here"),
    ("x = 1.\n", "1:5", "a digit is expected"),
]


@test
def wrong_manifests(t):
    lines = HEAD.count("\n")
    for text, place, said in WRONG:
        r = run("route", "-f", t.file("spin.toml", HEAD + text))
        t.check(r.code == 1, f"{text!r}: exit code {r.code}: {r.err}")
        if place is not None:
            line, column = place.split(":")
            place = f"spin.toml:{int(line) + lines}:{column}: "
        found = [x for x in r.err.splitlines() if (place or "") in x and (said or "") in x]
        t.check(found, f"{text!r}: {place} {said} is not in\n{r.err}")


@test
def all_problems_at_once(t):
    text = HEAD + HTTP + '[component.hello]\nsoruce = "a"\nfiles = [5]\n' + OWN + "reuse = 1\n"
    r = run("route", "-f", t.file("spin.toml", text))
    t.equal(r.code, 1)
    for said in ("'soruce' (nearest: 'source')", "file 1: expected", "stint.reuse: expected"):
        t.check(said in r.err, f"{said} is not in {r.err}")
    t.check("'source' is missing" not in r.err, f"one mistake is said twice: {r.err}")
    t.match(r.err, r"spin.toml: \d errors$")


@test
def unknown_versions(t):
    for text, said in (("", "'spin_manifest_version' is missing"),
                       ("spin_manifest_version = 3\n", "expected 2"),
                       ("spin_manifest_version = '2'\n", "expected 2")):
        t.ends(run("route", "-f", t.file("spin.toml", text), "/"), 1, said)
    t.ends(run("route", "-f", t.path("none.toml"), "/"), 1, "none.toml")


REGIONS = HEAD + HTTP + HELLO + """[[trigger.http]]
route = "/pinned"
component = { source = "b.wasm", tool.stint.regions = ["eu"] }
[application.tool.stint.regions]
here = "asia"
[application.tool.stint.regions.asia]
url = "https://asia.test"
continents = ["AS"]
[application.tool.stint.regions.eu]
url = "https://eu.test"
continents = ["EU"]
near = ["asia"]
rule = "redirect"
"""


@test
def route(t):
    path = t.file("spin.toml", REGIONS)
    r = run("route", "-f", path, "--country", "KR", "/x")
    t.ends(r, 0)
    t.match(r.out, r"^/x: route /\.\.\., component 'hello'$")
    t.match(r.out, r"served here: this server is in asia")
    r = run("route", "-f", path, "--country", "DE", "--json", "/x?a=b")
    got = json.loads(r.out)
    t.equal([got[k] for k in ("action", "region", "home", "component")],
            ["redirect", "eu", "eu", "hello"])
    r = run("route", "-f", path, "--country", "DE", "--down", "eu", "--json", "/x")
    t.equal(json.loads(r.out)["action"], "serve")
    r = run("route", "-f", path, "--country", "KR", "--down", "eu", "--json", "/pinned")
    t.equal(json.loads(r.out)["action"], "refuse")
    t.ends(run("route", "-f", path, "--down", "ue", "/"), 2, "no region 'ue'\n.*Did you mean 'eu'")
    t.ends(run("route", "-f", path, "x"), 2, "'x' is no path")
    t.ends(run("route", "-f", path, "--client", "x", "/"), 2, "'x' is no address")
    r = run("route", "-f", t.file("none/spin.toml", HEAD + "[trigger]\n"), "/x")
    t.equal((r.code, r.out), (1, "/x: no route: 404\n"))


@test
def what_would_happen(t):
    text = HEAD + HTTP + HELLO + "allowed_outbound_hosts = ['https://{{ api }}']\n" + """
variables = { token = "{{ key }}" }
[variables]
api = { default = "api.example.com" }
key = { required = true, secret = true }
"""
    path = t.file("spin.toml", text)
    t.ends(run("route", "-f", path), 1, "variable 'key' has no value: set SPIN_VARIABLE_KEY")
    env = {"SPIN_VARIABLE_KEY": "hidden", "SPIN_VARIABLE_API": "other.example.com"}
    r = run("route", "-f", path, env=env)
    t.ends(r, 0)
    t.match(r.out, r"^  /\.\.\. +hello$")
    t.match(r.out, r"^    reaches     https://other.example.com$")
    t.match(r.out, r"^    variables   token \(secret\)$")
    t.check("hidden" not in r.out, "a secret is shown")
    t.file(".env", "SPIN_VARIABLE_API=third.example.com\nSPIN_VARIABLE_KEY='x'\n")
    t.match(run("route", "-f", path, env={}).out, r"https://third.example.com")
    config = t.file("runtime.toml", """
[[variables_provider]]
type = "static"
values = { api = "static.example.com" }
[key_value_store.default]
type = "redis"
url = "redis://h:1"
[outbound_networking]
block_networks = ["private", "1.0.0.0/8"]
""")
    r = run("route", "-f", path, "--runtime-config-file", config, env=env)
    t.ends(r, 0)
    t.match(r.out, r"https://static.example.com")
    wrong = t.file("runtime.toml", "[key_value_store.a]\ntype = 'azure_cosmos'\n"
                                   "[[variables_provider]]\ntype = 'vault'\n[sqlite_databse]\n")
    r = run("route", "-f", path, "--runtime-config-file", wrong, env=env)
    t.equal(r.code, 1)
    t.match(r.err, r"runtime.toml:2:8: key_value_store 'a': type 'azure_cosmos' is not supported")
    t.match(r.err, r"runtime.toml:4:8: variables provider: type 'vault' is not supported")
    t.match(r.err, r"runtime.toml:5:2: unknown key 'sqlite_databse' \(nearest: 'sqlite_database'\)")


@test
def a_component_alone(t):
    r = run("route", "-f", t.file("app.wasm", b""), "--json", "/a")
    t.equal(json.loads(r.out)["component"], "app")


@test
def new(t):
    for template, files in (("http-c", ["hello.c", "spin.toml"]),
                            ("http-rust", ["Cargo.toml", "spin.toml", "src/lib.rs"]),
                            ("http-js", ["hello.js", "package.json", "spin.toml"])):
        folder = t.path(template)
        os.makedirs(folder)
        t.ends(run("new", "--template", template, "hello", cwd=folder), 0)
        for name in files:
            with open(os.path.join(folder, "hello", name), encoding="utf-8") as f:
                t.check("hello" in f.read(), f"{template}: {name} does not know its name")
        r = run("route", "-f", os.path.join(folder, "hello"), "--json", "/")
        t.equal(json.loads(r.out)["component"], "hello")
    t.ends(run("new", "hello", cwd=t.path("http-c")), 1, "'hello. is there already")
    t.ends(run("new", "Hel_lo", cwd=t.path("http-c")), 2, "no name for a project")
    t.ends(run("new", "--template", "http-cobol", "x", cwd=t.folder), 2, "http-cobol")


@test
def build(t):
    text = HEAD + HTTP + HELLO + """[component.hello.build]
command = ["echo one > a.wasm", "test -n \\"$STINT\\""]
workdir = "sub"
[component.other]
source = "b.wasm"
[component.other.build]
command = "exit 3"
"""
    path = t.file("spin.toml", text.replace('"a.wasm"', '"sub/a.wasm"'))
    os.makedirs(t.path("sub"))
    t.ends(run("build", "--no-compile", "-f", path, "hello"), 0, "hello: echo one")
    with open(t.path("sub/a.wasm"), encoding="utf-8") as f:
        t.equal(f.read(), "one\n")
    t.ends(run("build", "--no-compile", "-f", path), 1, "ended with 3: exit 3")
    t.ends(run("build", "-f", path, "none"), 2, "there is no component 'none'")
    t.ends(run("build", "--compile-only", "-f", path, "other"), 1, "there is no .*b.wasm")


@test
def documents_are_those_of_the_shapes(t):
    root = os.environ.get("STINT_ROOT", ".")
    with open(os.path.join(root, "docs", "stint-manifest.schema.json"), encoding="utf-8") as f:
        t.check(f.read() == run("gen-schema").out,
                "docs/stint-manifest.schema.json: write it with stint gen-schema -o")
    with open(os.path.join(root, "docs", "manifest.md"), encoding="utf-8") as f:
        t.check(run("gen-schema", "--reference").out in f.read(),
                "docs/manifest.md: its tables are not those of stint gen-schema --reference")
    json.loads(run("gen-schema").out)


@test
def the_schema_takes_what_is_right(t):
    try:
        import jsonschema
        import tomllib
    except ImportError as e:
        raise Skip(f"{e.name} is not installed") from e
    schema = json.loads(run("gen-schema").out)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(REGIONS), schema)
    for text in (HEAD, REGIONS + "x = 1\n", REGIONS.replace("KR", "Korea").replace('"AS"', '"XX"')):
        t.check(not jsonschema.Draft7Validator(schema).is_valid(tomllib.loads(text)),
                f"{text!r} is taken")


main()
