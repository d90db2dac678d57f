#!/usr/bin/env python3
# suite: builds=debug,release timeout=200
# SPDX-License-Identifier: Apache-2.0
"""Components by URL and digest: downloaded once, kept, and never used with another digest."""
import hashlib
import http.server
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402

MANIFEST = """spin_manifest_version = 2
[application]
name = "far"
[[trigger.http]]
route = "/near/..."
component = "near"
[[trigger.http]]
route = "/..."
component = "far"
[component.near]
source = "app.wasm"
[component.far]
source = %s
"""


class Files:
    """A server of one file at /app.wasm, and of redirects to it."""

    def __init__(self, content):
        self.content, self.asked = content, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                if self.path.startswith("/hop"):
                    left = int(self.path[4:])
                    self.send_response(302)
                    self.send_header("Location", f"/hop{left - 1}" if left > 1 else outer.url)
                    self.end_headers()
                elif self.path == "/elsewhere":
                    self.send_response(301)
                    self.send_header("Location", "file:///etc/passwd")
                    self.end_headers()
                elif self.path == "/long":
                    self.send_response(200)
                    self.send_header("Content-Length", str(1 << 40))
                    self.end_headers()
                elif self.path in ("/app.wasm", "/short"):
                    more = self.path == "/short"
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(outer.content) + more))
                    self.end_headers()
                    self.wfile.write(outer.content)
                else:
                    self.send_error(404)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = self.base + "/app.wasm"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self.server.shutdown()
        self.server.server_close()


def begin(t):
    """The component's bytes and their digest; the cache is the test's own."""
    with open(build_app(t), "rb") as file:
        content = file.read()
    os.makedirs(t.path("cache"), mode=0o700, exist_ok=True)
    return content, hashlib.sha256(content).hexdigest()


def served(t, source):
    with open(t.path("spin.toml"), "w") as file:
        file.write(MANIFEST % source)
    return Served(t, t.path("spin.toml"), "--tier", "interp", env=dict(os.environ, XDG_CACHE_HOME=t.path("cache")))


def by_url(url, digest):
    return '{ url = "%s", digest = "sha256:%s" }' % (url, digest)


def kept(t):
    folder = t.path("cache/stint/downloads")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


@test
def downloads_once_and_works_offline_then(t):
    content, digest = begin(t)
    with Files(content) as files:
        source = by_url(files.url, digest)
        for _ in range(2):
            with served(t, source) as server:
                t.equal(server.get("/hello").status, 200)
        t.equal((files.asked, kept(t)), (["/app.wasm"], [digest + ".wasm"]))
    with served(t, source) as server:
        t.equal(server.get("/hello").status, 200)


@test
def downloads_again_what_was_changed_on_the_disk(t):
    content, digest = begin(t)
    with Files(content) as files:
        for _ in range(2):
            with served(t, by_url(files.url, digest)) as server:
                t.equal(server.get("/hello").status, 200)
            with open(t.path(f"cache/stint/downloads/{digest}.wasm"), "r+b") as file:
                file.write(b"other")
        t.equal(len(files.asked), 2)


@test
def follows_redirects_but_not_for_ever(t):
    content, digest = begin(t)
    with Files(content) as files:
        with served(t, by_url(files.base + "/hop6", digest)) as server:
            t.check(server.lines("more than 5 redirects"), server.log)
        with served(t, by_url(files.base + "/hop5", digest)) as server:
            t.equal(server.get("/hello").status, 200)


def refuses(t, source, *messages):
    """The others are served, and its routes answer 503."""
    with served(t, source) as server:  # near answers 404 by itself: it knows no such path
        t.equal((server.get("/near/hello").status, server.get("/hello").status), (404, 503))
        for message in messages:
            t.check(server.lines(message, component="far", level="error"), server.log)
    t.equal(kept(t), [])


@test
def refuses_another_digest_and_tells_both(t):
    content, digest = begin(t)
    with Files(content) as files:
        refuses(t, by_url(files.url, "0" * 64), f"digest sha256:{digest}, not sha256:{'0' * 64}")


@test
def says_why_a_download_failed(t):
    content, digest = begin(t)
    with Files(content) as files:
        refuses(t, by_url(files.base + "/none", digest), "the answer was 404")
        refuses(t, by_url(files.base + "/elsewhere", digest), "redirected to no URL of http")
        refuses(t, by_url(files.base + "/long", digest), "longer than 256 MB")
        refuses(t, by_url(files.base + "/short", digest), "it broke off")
    refuses(t, by_url(files.url, digest), "the connection was refused", files.url)


@test
def says_that_registries_are_not_supported(t):
    begin(t)
    refuses(t, '{ registry = "ghcr.io", package = "a:b", version = "1.0.0" }',
            "packages of registries are not supported yet")


@test
def dependencies_are_downloaded_and_checked(t):
    """What they are composed with is in dependencies.py; here it is a core module, which has none."""
    content, digest = begin(t)
    with Files(content) as files:
        refuses(t, '"app.wasm"\n[component.far.dependencies]\n"a:b/c" = ' + by_url(files.url, "0" * 64),
                "dependency 'a:b/c'", f"digest sha256:{digest}, not sha256:{'0' * 64}")
        with served(t, '"app.wasm"\n[component.far.dependencies]\n"a:b/c" = '
                    + by_url(files.url, digest)) as server:
            t.equal(server.get("/hello").status, 503)
            t.check(server.lines("it is a core module, and dependencies are for components"), server.log)


@test
def build_downloads_too(t):
    content, digest = begin(t)
    with Files(content) as files:
        with open(t.path("spin.toml"), "w") as file:
            file.write(MANIFEST % by_url(files.url, digest))
        environment = dict(os.environ, XDG_CACHE_HOME=t.path("cache"))
        done = run("build", "-f", t.path("spin.toml"), "far", env=environment)
        t.ends(done, 0, r"is in .*/downloads/")
        t.equal(kept(t), [digest + ".wasm"])
    with open(t.path("spin.toml"), "w") as file:
        file.write(MANIFEST % by_url(files.url, "1" * 64))
    t.ends(run("build", "-f", t.path("spin.toml"), "far", env=environment), 1,
           "the connection was refused")


main()
