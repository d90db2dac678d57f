#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""wasi:http for core modules: the handler of tests/wasi/p2/http.c, called by tests/http/host.c."""

import os
import shutil
import subprocess
import tempfile

from program import STINT, Skip, main, test

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST = os.path.join(os.path.dirname(STINT), "tests", "http_host")
CLANG, LD = shutil.which("clang-19"), shutil.which("wasm-ld-19")
scratch = tempfile.TemporaryDirectory(prefix="stint-test-")


def compile_guest(name, sources, *flags):
    if CLANG is None or LD is None:
        raise Skip("clang-19 and lld-19 are not installed")
    path = os.path.join(scratch.name, name + ".wasm")
    if not os.path.exists(path):
        subprocess.run([CLANG, "--target=wasm32", "-nostdlib", "-ffreestanding", "-mbulk-memory",
                        "-Wall", "-Wno-unused-function", "-fuse-ld=" + LD, "-Wl,--no-entry", *flags,
                        "-o", path, *[os.path.join(ROOT, source) for source in sources]],
                       check=True, env={"PATH": "/nonexistent"})
    return path


def ask(path, *headers, method="GET", body=b"", app=None, host_flags=()):
    if not os.path.exists(HOST):
        raise Skip("http_host was not built")
    app = app or compile_guest("http", ["tests/wasi/p2/http.c"], "-O1")
    return subprocess.run([HOST, *host_flags, app, method, path, *headers], input=body, timeout=60,
                          capture_output=True)


def answers(t, path, want, *args, code=0, **more):
    result = ask(path, *args, **more)
    t.equal(result.stdout.decode(), want)
    t.check(result.returncode == code, f"{result.returncode}: {result.stderr}")


def fails(t, path, text):
    result = ask(path)
    t.equal(result.returncode, 2)
    t.match(result.stderr.decode(), text)


@test
def echo(t):
    answers(t, "/a?b=c", "201\nX-Two: 1\nx-two: 2\n\nmethod 2\n/a?b=clocalhost scheme 0\nvalues 2\n"
            "again 1\nHello\nend 1\ntrailers 1000\ntaken 1\n",
            "X-Two:1", "x-two:2", method="POST", body=b"Hello")
    result = ask("/", method="BREW")
    t.match(result.stdout.decode(), "method 9\nBREW/localhost")


@test
def large_bodies(t):
    body = os.urandom(3000000)
    result = ask("/echo", body=body)
    t.check(body in result.stdout, "the body did not come back")
    result = ask("/large")
    t.equal(len(result.stdout), len("200\n\n") + 10000000)


@test
def header_fields(t):
    answers(t, "/fields", "200\n\nappend 0\nsyntax 10\nvalue 10\nforbidden 11\nempty 10\nset 2\n"
            "not set 12\nhas 10\ndeleted 0\nlist 2\n2\nbad list 10\nimmutable 12\nstatus 200\n"
            "wrong 11\nimmutable 12\n")


@test
def fields_that_the_guest_keeps(t):
    answers(t, "/kept-fields", "response 1\nrequest 2\nagain 2\n200\nx-kept: 1\n\n", "X-Two:a",
            "X-Two:b")


@test
def content_length(t):
    result = ask("/length")
    t.match(result.stdout.decode(), "code 0")
    t.equal(result.returncode, 0)
    result = ask("/short")
    t.match(result.stdout.decode(), "code 28")
    t.match(result.stdout.decode(), "cut off: HTTP-response-body-size")


@test
def trailers(t):
    answers(t, "/trailers", "200\n\nbody\n\nx-sum: 42\n")


@test
def first_candidate(t):
    answers(t, "/oldest", "202\nx-old: yes\n\nold\n")


@test
def without_a_response(t):
    answers(t, "/error", "error HTTP-request-length-required\n", code=1)
    answers(t, "/none", "no response\n", code=1)
    answers(t, "/no-body", "200\n\n")
    answers(t, "/unfinished", "200\n\nbegun\ncut off: HTTP-response-incomplete\n", code=1)


@test
def misuse(t):
    fails(t, "/twice", "handle")
    fails(t, "/used-headers", "handle")
    fails(t, "/bad-error", "discriminant")
    fails(t, "/many", "too long")
    fails(t, "/trap", "unreachable")


@test
def greeting_in_c(t):
    kit = ["guest/c/stint_http.c", "guest/c/stint_wasm.c", "guest/c/stint_alloc.c"]
    app = compile_guest("greet", ["examples/greet-c/greet.c", *kit], "-Oz",
                        "-I" + os.path.join(ROOT, "guest", "c"))
    for country, greeting in (("KR", "안녕하세요!"), ("JP", "こんにちは!"), ("CH", "Hello!")):
        answers(t, "/", f"200\ncontent-type: text/plain; charset=utf-8\n\n{greeting}\n",
                "CF-IPCountry:" + country, app=app)


main()
