#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `h1` into a folder: a mode, a step, and what a peer sends.
llhttp's cases are among them where they are here."""
import os
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "http"))

from llhttp_cases import read_cases  # noqa: E402

CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b?c HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
    b"\r\nPOST http://a:8/x HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    CHUNKED + b"5;a=\"b\\\"\" ; c\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    CHUNKED + b"ffffffffffffffff\r\nx",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03\x01",
    b"OPTIONS * HTTP/1.0\r\nUpgrade: h2c\r\nConnection: upgrade, keep-alive\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.0 404 No\r\n\r\nx",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    seeds = [(0, data) for data in REQUESTS] + [(1, data) for data in RESPONSES]
    for place in (os.environ.get("STINT_CONFORMANCE"), os.path.join(ROOT, "conformance"),
                  os.path.join(ROOT, "..", "shared", "conformance")):
        if place and os.path.isdir(os.path.join(place, "http", "test")):
            seeds += [(int(case.type.startswith("response")), case.data)
                      for case in read_cases(os.path.join(place, "http", "test"))]
            break
    for number, (kind, data) in enumerate(seeds):
        for small in (0, 4):
            with open(os.path.join(folder, f"{number:03}-{small}"), "wb") as file:
                file.write(bytes([kind | small, number % 64]) + data)


if __name__ == "__main__":
    main()
