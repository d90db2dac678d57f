#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Files that `stint up` serves without the guest, and those that a guest sees."""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import main, test  # noqa: E402


def site(t, files='[{ source = "www", destination = "/" }]', static="true", more=""):
    build_app(t, component=True)
    os.makedirs(t.path("www/sub/deep"), exist_ok=True)
    for name, data in (("www/index.html", "<p>index"), ("www/a.css", "a{}"), ("www/.env", "hidden"),
                       ("www/.we", "hidden"), ("www/.well-known-not", "hidden"),
                       ("www/sub/index.html", "sub"), ("www/sub/deep/x.txt", "deep"),
                       ("www/404.html", "none"), ("secret", "secret"), ("www/a b.txt", "space")):
        with open(t.path(name), "w") as file:
            file.write(data)
    with open(t.path("www/big.bin"), "wb") as file:
        file.write(bytes(range(256)) * 8192)
    if not os.path.islink(t.path("www/out")):
        os.symlink("../secret", t.path("www/out"))
        os.symlink("a.css", t.path("www/in.css"))
        os.mkfifo(t.path("www/fifo"))
    with open(t.path("spin.toml"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "site"
[application.tool.stint.log]
access = "off"
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "app.wasm"
files = {files}
{more}
[component.a.tool.stint]
static = {static}
""")
    return t.path("spin.toml")


@test
def serves_files(t):
    with Served(t, site(t)) as server:
        css = server.get("/a.css?x=1")
        t.equal((css.status, css.text), (200, "a{}"))
        t.equal(css.headers["content-type"], "text/css; charset=utf-8")
        t.equal(css.headers["content-length"], "3")
        t.equal(css.headers["accept-ranges"], "bytes")
        head = server.request("HEAD", "/a.css")
        t.equal((head.status, head.body, head.headers["content-length"]), (200, b"", "3"))
        big = server.get("/big.bin")
        t.equal((big.body, big.headers["content-type"]),
                (bytes(range(256)) * 8192, "application/octet-stream"))
        t.equal(server.get("/").text, "<p>index")
        t.equal(server.get("/sub/").text, "sub")
        moved = server.get("/sub?q")
        t.equal((moved.status, moved.headers["location"]), (308, "/sub/?q"))
        t.equal(server.get("/sub/deep/x.txt").text, "deep")
        t.equal(server.get("/a%20b.txt").text, "space")
        t.equal(server.get("/in.css").text, "a{}")
        # The guest has the rest.
        t.equal(server.get("/hello").text, "hello\n")
        t.equal(server.request("POST", "/echo", body=b"abc").body, b"abc")
        t.equal(server.stop(), 0)


@test
def nothing_leads_outside(t):
    with Served(t, site(t)) as server:
        for path in ("/../secret", "/%2e%2e/secret", "/sub/../../secret", "/sub/%2e%2e%2f%2e%2e/secret",
                     "/out", "//secret", "/.env", "/.we", "/.well-known-not", "/./a.css", "/fifo",
                     "/%00", "/%zz", "/a.css/", "/a.css/b", "/" + "x" * 3000):
            raw = socket.create_connection((server.host, server.port), timeout=60)
            raw.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            data = b""
            while piece := raw.recv(65536):
                data += piece
            raw.close()
            t.match(data[:12], b"HTTP/1.1 40[04]")
            t.check(b"secret" not in data.split(b"\r\n\r\n", 1)[1], path)
            t.check(b"hidden" not in data, path)


@test
def clients_keep_files(t):
    with Served(t, site(t, static='{ max_age = "1h", immutable = true }')) as server:
        first = server.get("/a.css")
        tag, date = first.headers["etag"], first.headers["last-modified"]
        t.equal(first.headers["cache-control"], "public, max-age=3600, immutable")
        for headers in ({"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'},
                        {"If-None-Match": "*"}, {"If-Modified-Since": date}):
            same = server.request("GET", "/a.css", headers=headers)
            t.equal((same.status, same.body, same.headers["etag"]), (304, b"", tag))
        early, late = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2049 23:59:59 GMT"
        for name, value, status in (
                ("If-Modified-Since", early, 200), ("If-Modified-Since", late, 304),
                ("If-Modified-Since", "yesterday", 200), ("If-Unmodified-Since", early, 412),
                ("If-Unmodified-Since", late, 200), ("If-Unmodified-Since", date, 200),
                ("If-Unmodified-Since", "Fri, 31 Not 2049 23:59:59 GMT", 200),
                ("If-Match", tag, 200), ("If-Match", f'"x", {tag}', 200), ("If-Match", "*", 200),
                ("If-Match", '"x"', 412), ("If-Match", f"W/{tag}", 412), ("If-Match", "", 412)):
            answer = server.request("GET", "/a.css", headers={name: value})
            t.equal((name, value, answer.status), (name, value, status))
            t.equal(answer.body, b"a{}" if status == 200 else b"")
        both = {"If-Match": '"x"', "If-None-Match": tag, "If-Unmodified-Since": late}
        t.equal(server.request("GET", "/a.css", headers=both).status, 412)
        connection = server.connect()
        t.equal(server.request("GET", "/a.css", headers={"If-None-Match": tag},
                               connection=connection).status, 304)
        t.equal(server.request("GET", "/a.css", headers={"If-None-Match": '"other"'},
                               connection=connection).status, 200)


@test
def parts_of_files(t):
    whole = bytes(range(256)) * 8192
    with Served(t, site(t)) as server:
        def part(value, **more):
            return server.request("GET", "/big.bin", headers={"Range": value, **more})

        for value, first, end in (("bytes=0-0", 0, 1), ("bytes=100-99999", 100, 100000),
                                  ("bytes=2097000-", 2097000, len(whole)),
                                  ("bytes=-5", len(whole) - 5, len(whole)),
                                  ("bytes=5-99999999999", 5, len(whole))):
            answer = part(value)
            t.equal((answer.status, answer.body == whole[first:end]), (206, True))
            t.equal(answer.headers["content-range"], f"bytes {first}-{end - 1}/{len(whole)}")
        none = part(f"bytes={len(whole)}-")
        t.equal((none.status, none.headers["content-range"]), (416, f"bytes */{len(whole)}"))
        for value in ("bytes=5-4", "lines=1-2", "bytes=a-b", "bytes=0-1,5-6"):
            t.equal(part(value).status, 200)
        tag = part("bytes=0-0").headers["etag"]
        t.equal(part("bytes=0-0", **{"If-Range": tag}).status, 206)
        t.equal(part("bytes=0-0", **{"If-Range": '"x"'}).status, 200)


@test
def fallbacks_and_patterns(t):
    with Served(t, site(t, static='{ fallback = "404.html" }')) as server:
        t.equal(server.get("/no/such").text, "none")
    with Served(t, site(t, '["www/**/*.txt", "www/*.css"]',
                        more='exclude_files = ["www/a b*"]')) as server:
        t.equal(server.get("/www/sub/deep/x.txt").text, "deep")
        t.equal(server.get("/www/a.css").text, "a{}")
        for path in ("/www/index.html", "/www/a%20b.txt", "/secret"):
            t.equal(server.get(path).text, "no such path\n")


main()
