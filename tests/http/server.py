#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 of src/http's server, in raw bytes against tests/http/echo.c."""
import signal
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True

from echo_server import SLOW, echo, parse, read_all, request, run_tests  # noqa: E402

HELLO = b"Hello, world!\n"
CLOSE = "Connection: close"


def one(data, methods=()):
    found = parse(data, methods)
    assert len(found) == 1, [r.status for r in found]
    return found[0]


def expect(got, want, what=""):
    assert got == want, f"{what} {got!r} instead of {want!r}"


def chunked(*pieces, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + end


CHUNKED = "Transfer-Encoding: chunked"

# What a connection is sent, and the bodies of the answers to it.
CONVERSATION = (
    request("/hello") + request("/echo", "Content-Length: 5", method="POST", body=b"12345") +
    request("/echo", CHUNKED, method="POST", body=chunked(b"ab", b"cde")) +
    request("/sink", "Content-Length: 3", method="POST", body=b"abc") +
    request("/hello", CLOSE))
ANSWERS = [HELLO, b"12345", b"abcde", b"3 00000000000179a1\n".replace(b"179a1", b"17862"), HELLO]


def test_keep_alive():
    with echo() as server, server.connect() as sock:
        for _ in range(3):
            sock.sendall(request("/hello"))
            data = b""
            while not data.endswith(HELLO):
                data += sock.recv(4096)
            response = one(data)
            expect(response.status, 200)
            assert "date" in response.fields and "connection" not in response.fields


def test_pipelining_keeps_order():
    with echo() as server:
        paths = [f"/big?bytes={n}" for n in range(300)] + ["/slow?ms=20", "/hello"]
        data = b"".join(request(p) for p in paths[:-1]) + request(paths[-1], CLOSE)
        found = parse(server.ask(data))
        expect([len(r.body) for r in found], list(range(300)) + [5, 14])


def test_split_at_every_byte():
    with echo() as server:
        for at in range(len(CONVERSATION)):
            found = parse(server.ask(CONVERSATION[:at], CONVERSATION[at:]))
            expect([r.body for r in found][:3] + [found[4].body], ANSWERS[:3] + ANSWERS[4:], at)
        found = parse(server.ask(*[CONVERSATION[i:i + 1] for i in range(len(CONVERSATION))]))
        expect(len(found), 5)


def test_http_1_0():
    with echo() as server:
        response = one(server.ask(request("/hello", version="1.0", host=None)))
        expect((response.status, response.fields["connection"]), (200, "close"))
        found = parse(server.ask(request("/hello", "Connection: keep-alive", version="1.0") +
                                 request("/hello", version="1.0")))
        expect([r.fields["connection"] for r in found], ["keep-alive", "close"])
        response = one(server.ask(request("/big?bytes=70000&chunked=1", version="1.0")))
        assert "transfer-encoding" not in response.fields
        expect(len(response.body), 70000)


def test_head_and_bodiless():
    with echo() as server:
        data = (request("/hello", method="HEAD") + request("/big?bytes=9&chunked=1", method="HEAD") +
                request("/big?bytes=9&status=204") + request("/big?bytes=9&status=304") +
                request("/hello", CLOSE))
        found = parse(server.ask(data), ["HEAD", "HEAD"])
        expect([r.status for r in found], [200, 200, 204, 304, 200])
        expect(found[0].fields["content-length"], "14")
        expect(found[1].fields["transfer-encoding"], "chunked")
        assert "content-length" not in found[2].fields and found[4].body == HELLO


def test_request_as_the_handler_sees_it():
    with echo() as server:
        head = request("http://other:81?q=1", "X-One:  a b \t", "TE: trailers", "Keep-Alive: 5",
                       "Upgrade: h2c", "Connection: upgrade, close, x-one")
        text = one(server.ask(head.replace(b"?q", b"/show?q"))).body.decode().splitlines()
        expect(text[0], "GET http://other:81 /show?q=1 11 tls=0 length=-1 body=0")
        expect(text[3:], ["host: other:81", "x-one: a b"])
        text = one(server.ask(request("*", CLOSE, method="OPTIONS"))).body.decode().splitlines()
        expect(text[0].split()[2], "*")
        expect(one(server.ask(head)).status, 404)  # "/?q=1"


def test_no_response_splitting():
    with echo() as server:
        data = server.ask(request("/unfit", CLOSE))
        response = one(data)
        expect(sorted(response.fields), ["connection", "content-length", "date", "x-good"])
        expect((response.body, response.fields["date"]), (b"ok", "never"))


def test_continue():
    with echo() as server:
        with server.connect() as sock:
            sock.sendall(request("/sink", "Content-Length: 3", "Expect: 100-continue", CLOSE,
                                 method="POST"))
            expect(sock.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(b"abc")
            expect(one(read_all(sock)).body[:2], b"3 ")
        # Who is answered without it may not go on: the connection cannot be used again.
        response = one(server.ask(request("/hello", "Content-Length: 3", "Expect: 100-continue",
                                          method="POST"), half_close=True))
        expect((response.status, response.fields["connection"]), (200, "close"))
        expect(one(server.ask(request("/hello", "Expect: money"))).status, 417)


def test_trailers():
    with echo() as server:
        body = chunked(b"x", end=b"0\r\nX-A: 1\r\nx-b: two\r\n\r\n")
        response = one(server.ask(request("/trailers", CHUNKED, CLOSE, method="POST", body=body)))
        expect((response.body, response.trailers), (b"x-a=1\nx-b=two\n", {"x-sum": "42"}))
        for bad in [b"Content-Length: 1", b"Host: x", b"a b: c", b" x: y", b"nothing"]:
            body = chunked(b"x", end=b"0\r\n" + bad + b"\r\n\r\n")
            data = server.ask(request("/echo?late=1", CHUNKED, method="POST", body=body))
            assert not data.endswith(b"0\r\n\r\n"), data


SMUGGLING = {
    "CL.TE": request("/sink", "Content-Length: 6", CHUNKED, method="POST", body=b"0\r\n\r\nG"),
    "TE twice": request("/sink", CHUNKED, CHUNKED, method="POST", body=b"0\r\n\r\n"),
    "TE not last": request("/sink", "Transfer-Encoding: chunked, identity", method="POST"),
    "TE xchunked": request("/sink", "Transfer-Encoding: xchunked", method="POST"),
    "TE with a tab in the name": request("/sink", "Transfer-Encoding\t: chunked", method="POST"),
    "TE with a blank": request("/sink", "Transfer-Encoding : chunked", method="POST"),
    "TE in 1.0": request("/sink", CHUNKED, method="POST", version="1.0", body=b"0\r\n\r\n"),
    "CL twice": request("/sink", "Content-Length: 1", "Content-Length: 1", method="POST", body=b"x"),
    "CL differs": request("/sink", "Content-Length: 1", "Content-Length: 2", method="POST"),
    "CL list": request("/sink", "Content-Length: 1, 1", method="POST", body=b"x"),
    "CL sign": request("/sink", "Content-Length: +1", method="POST", body=b"x"),
    "CL hexadecimal": request("/sink", "Content-Length: 0x1", method="POST", body=b"x"),
    "CL huge": request("/sink", "Content-Length: 99999999999999999999", method="POST"),
    "CL empty": request("/sink", "Content-Length:", method="POST"),
    "folded": request("/hello", "X: a\r\n b"),
    "folded first": b"GET /hello HTTP/1.1\r\n Host: h\r\n\r\n",
    "bare LF": b"GET /hello HTTP/1.1\nHost: h\n\n",
    "bare LF in a field": request("/hello", "X: a\nY: b"),
    "bare CR": request("/hello", "X: a\rY: b"),
    "NUL": request("/hello", "X: a\0b"),
    "no Host": request("/hello", host=None),
    "Host twice": request("/hello", "Host: h"),
    "Host with a path": request("/hello", host="h/x"),
    "no colon": request("/hello", "X"),
    "empty name": request("/hello", ": x"),
    "absolute with user": request("http://a@b/hello"),
    "fragment": request("/hello#x"),
    "blank in target": b"GET /hel lo HTTP/1.1\r\nHost: h\r\n\r\n",
    "tab in start line": b"GET\t/hello HTTP/1.1\r\nHost: h\r\n\r\n",
    "two spaces": b"GET  /hello HTTP/1.1\r\nHost: h\r\n\r\n",
    "lower case version": b"GET /hello http/1.1\r\nHost: h\r\n\r\n",
    "0.9": b"GET /hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "CONNECT with a body": request("h:1", "Content-Length: 3", method="CONNECT", body=b"abc"),
}

# After the head: the answer says 400, and nothing of what follows is taken for a request.
BAD_CHUNKS = {
    "bare LF": b"1\nx\n0\n\n",
    "size with 0x": b"0x1\r\nx\r\n0\r\n\r\n",
    "sign": b"+1\r\nx\r\n0\r\n\r\n",
    "size too large": b"11111111111111111\r\nx",
    "no CRLF behind data": b"1\r\nxx\r\n0\r\n\r\n",
    "extension with CR": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "extension with LF": b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "blank before the size": b" 1\r\nx\r\n0\r\n\r\n",
    "negative": b"-1\r\nx\r\n0\r\n\r\n",
    "empty size": b"\r\nx\r\n0\r\n\r\n",
}


def test_smuggling():
    with echo() as server:
        for name, data in SMUGGLING.items():
            response = one(server.ask(data + request("/hello") * 2))
            assert response.status in (400, 501), f"{name}: {response.status}"
            expect(response.fields["connection"], "close", name)
        for name, body in BAD_CHUNKS.items():
            data = request("/echo?late=1", CHUNKED, method="POST", body=body) + request("/hello")
            got = server.ask(data)
            assert got.startswith(b"HTTP/1.1 400 ") and HELLO not in got, f"{name}: {got!r}"
        for name, data in {"version": request("/hello", version="2.0"), "CONNECT": request(
                "h:1", method="CONNECT", host="h:1")}.items():
            assert one(server.ask(data)).status in (501, 505), name


def test_limits():
    with echo(body_bytes=100000, fields_max=20, head_bytes=8000) as server:
        expect(one(server.ask(request("/hello", "X: " + "y" * 9000))).status, 431)
        expect(one(server.ask(request("/hello", "X: " + "y" * (1 << 20)))).status, 431)
        expect(one(server.ask(request("/hello", *["X: y"] * 30))).status, 431)
        expect(one(server.ask(request("/hello", method="M" * 100))).status, 501)
        expect(one(server.ask(request("/sink", "Content-Length: 100001", method="POST"))).status, 413)
        body = chunked(*[b"z" * 1000] * 101)
        expect(one(server.ask(request("/sink", CHUNKED, method="POST", body=body))).status, 413)
        expect(one(server.ask(request("/sink?limit=10", "Content-Length: 11", method="POST",
                                      body=b"x" * 11))).status, 413)
        body = chunked(b"z" * 11)
        expect(one(server.ask(request("/sink?limit=10", CHUNKED, method="POST", body=body))).status,
               413)
        expect(one(server.ask(request("/sink?limit=11", CHUNKED, CLOSE, method="POST",
                                      body=body))).status, 200)
    with echo() as server:
        expect(one(server.ask(request("/" + "a" * 20000))).status, 414)
        body = b"1;" + b"e" * 20000 + b"\r\nx\r\n0\r\n\r\n"
        expect(one(server.ask(request("/sink", CHUNKED, method="POST", body=body))).status, 413)


def checksum(data):
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xffffffffffffffff
    return b"%d %016x\n" % (len(data), total)


def test_big_bodies():
    data = bytes(range(256)) * 2000
    with echo() as server:
        got = server.ask(request("/sink", f"Content-Length: {len(data)}", CLOSE, method="POST",
                                 body=data))
        expect(one(got).body, checksum(data))
        pieces = [data[i:i + n] for n in (7000, 1, 100000) for i in range(0, 200001, n)][:60]
        got = server.ask(request("/sink", CHUNKED, CLOSE, method="POST", body=chunked(*pieces)))
        expect(one(got).body, checksum(b"".join(pieces)))
        for how in ("", "&chunked=1"):
            got = one(server.ask(request(f"/big?bytes=3000000{how}", CLOSE))).body
            expect(len(got), 3000000)
            expect(got[:52], b"abcdefghijklmnopqrstuvwxyz" * 2)
            assert got[26:] == got[:-26]


def test_echo_of_a_big_body():
    data = bytes(range(251)) * 12000
    with echo() as server, server.connect() as sock:
        sender = threading.Thread(target=sock.sendall, args=(
            request("/echo", CHUNKED, CLOSE, method="POST", body=chunked(data[:9], data[9:])),))
        sender.start()
        got = one(read_all(sock)).body
        sender.join()
        assert got == data, len(got)


def test_slow_reader_holds_no_memory():
    with echo() as server:
        before = server.stats()
        with server.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(request("/big?bytes=300000000", CLOSE))
            time.sleep(0.3)
            after = server.stats()
            assert after["sent"] < before["sent"] + 20000000, after
            assert after["rss_kib"] < before["rss_kib"] + 20000, (before, after)
            expect(len(sock.recv(1000)) > 0, True)
        server.wait_for(lambda s: s["open"] == 1)


def test_slow_handler_stops_the_sender():
    with echo() as server, server.connect() as sock:
        sock.settimeout(0.3)
        sent = 0
        sock.sendall(request("/never", CHUNKED, method="POST"))
        try:
            while sent < 100000000:
                sent += sock.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except TimeoutError:
            pass
        assert sent < 30000000, sent
        assert server.stats()["rss_kib"] < 300000


def test_answered_before_the_body():
    with echo() as server:
        data = request("/hello", "Content-Length: 3000", method="POST", body=b"x" * 3000)
        expect([r.body for r in parse(server.ask(data + request("/hello", CLOSE)))], [HELLO] * 2)
        # A long one is not waited for.
        with server.connect() as sock:
            sock.sendall(request("/hello", "Content-Length: 100000000", method="POST"))
            try:
                for _ in range(1000):
                    sock.sendall(b"x" * 100000)
            except (BrokenPipeError, ConnectionResetError):
                pass
            else:
                raise AssertionError("all of it was taken")
        server.wait_for(lambda s: s["open"] == 1)


def test_aborts():
    with echo() as server:
        expect(server.ask(request("/abort")), b"")
        data = server.ask(request("/abort?after=1"))
        assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"\r\n4\r\nsome\r\n"), data
        data = server.ask(request("/big?bytes=10&say=20"))
        assert data.endswith(b"\r\n\r\nabcdefghij"), data
        for path in ("/never", "/slow?ms=30", "/big?bytes=100000000"):
            for reset in (True, False):
                sock = server.connect()
                sock.sendall(request(path))
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    time.sleep(0.02)
                if reset or path != "/never":
                    sock.close()
                else:
                    sock.shutdown(socket.SHUT_WR)
        server.wait_for(lambda s: s["open"] <= 2)


def test_half_close():
    with echo() as server:
        expect(one(server.ask(request("/slow?ms=30"), half_close=True)).body, b"late\n")
        expect(server.ask(b"GET /hel", half_close=True), b"")
        expect(server.ask(b"", half_close=True), b"")
        expect(server.ask(request("/sink", "Content-Length: 9", method="POST", body=b"x"),
                          half_close=True), b"")
        found = parse(server.ask(request("/hello") * 3, half_close=True))
        expect(len(found), 3)


def test_slowloris():
    with echo(head_ms=200, idle_ms=400, body_ms=200, send_ms=200) as server:
        socks = [server.connect() for _ in range(40)]
        for sock in socks[:20]:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n")
        for sock in socks[20:30]:
            sock.sendall(request("/sink", "Content-Length: 9", method="POST", body=b"x"))
        dribble = socks[0]
        try:
            while True:
                dribble.sendall(b"X: y\r\n")
                time.sleep(0.02)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answers = [read_all(sock) for sock in socks]
        for answer in answers[1:30]:
            expect(one(answer).status, 408)
        expect(answers[30:], [b""] * 10)
        with server.connect() as sock:  # takes nothing
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(request("/big?bytes=300000000"))
            server.wait_for(lambda s: s["open"] == 1)


def test_connections_max():
    with echo(connections_max=4) as server:
        socks = [server.connect() for _ in range(8)]
        for sock in socks:
            sock.sendall(request("/hello"))
        first = [sock.recv(1000) for sock in socks[:4]]
        assert all(data.endswith(HELLO) for data in first)
        socks[7].settimeout(0.05)
        try:
            socks[7].recv(1000)
            raise AssertionError("a fifth was served")
        except TimeoutError:
            pass
        for sock in socks[:4]:
            sock.close()
        for sock in socks[4:]:
            sock.settimeout(SLOW)
            assert sock.recv(1000).endswith(HELLO)
            sock.close()


def test_many_idle_connections():
    with echo(idle_ms=600000) as server:
        before = server.stats()["rss_kib"]
        socks = []
        for _ in range(1000):
            sock = server.connect()
            sock.sendall(request("/hello"))
            socks.append(sock)
        for sock in socks:
            assert sock.recv(1000).endswith(HELLO)
        stats = server.stats()
        assert stats["idle"] >= 1000, stats
        # The sanitizers' redzones and quarantine are in this.
        assert stats["rss_kib"] - before < 12000, (before, stats)
        for sock in socks:
            sock.close()
        server.wait_for(lambda s: s["open"] == 1)


def test_proxy_protocol():
    with echo(proxy=1) as server:
        line = b"PROXY TCP4 198.51.100.9 203.0.113.7 1234 80\r\n"
        binary = (b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + bytes(range(32)) + b"\1\0\0\x50")
        rest = request("/show", CLOSE)
        for header, peer in ((line, "198.51.100.9:1234"), (binary, "0001:0203:0405:0607:0809:0a0b:"
                                                            "0c0d:0e0f:256")):
            text = one(server.ask(header + rest)).body.decode().splitlines()
            expect(text[1], "peer " + peer)
            for at in range(1, len(header) + 1):
                text = one(server.ask(header[:at], header[at:] + rest)).body.decode()
                expect(text.splitlines()[1], "peer " + peer, at)
        expect(server.ask(rest).replace(b"<reset>", b""), b"")
        expect(server.ask(line[:20], half_close=True).replace(b"<reset>", b""), b"")
        assert b"peer 127.0.0.1:" in server.ask(b"PROXY UNKNOWN\r\n" + rest)


def test_answers_that_wait_for_others():
    """What comes at once from many connections is answered when all had their turn."""
    kinds = [(request("/hello"), b"14", HELLO),
             (request("/hello") * 3, b"14", HELLO),
             (request("/hello", CLOSE), b"14", HELLO),
             (request("/big?bytes=9&chunked=1"), b"chunked", b"0\r\n\r\n"),
             (request("/big?bytes=3000"), b"3000", b""),
             (request("/big?bytes=70000"), b"70000", b""),
             (request("/slow?ms=1"), b"5", b"late\n"),
             (request("/echo", "Content-Length: 5", method="POST", body=b"12345"), b"5", b"12345")]
    with echo() as server:
        for turn in range(100):
            socks = []
            for i in range(64):
                socks.append((server.connect(), *kinds[i % 8 if i % 2 and i > 40 else 0]))
            server.process.send_signal(signal.SIGSTOP)
            for sock, data, _, _ in socks:
                sock.sendall(data)
            if turn % 4 == 3:  # some do not wait for the answer
                for sock, *_ in socks[50:55]:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.close()
            server.process.send_signal(signal.SIGCONT)
            for sock, data, length, end in socks:
                if sock.fileno() < 0:
                    continue
                sock.shutdown(socket.SHUT_WR)
                got = read_all(sock)
                expect(got.count(b"HTTP/1.1 200 OK"), data.count(b"HTTP/1.1"), data)
                assert length in got and got.endswith(end), (data, got[-100:])
                sock.close()
            server.socks.clear()
            if turn >= 10 and server.stats()["postponed"] > 100:
                return
        raise AssertionError("nothing was postponed")


def test_drain():
    with echo(drain_ms=20000) as server:
        idle, busy, never = (server.connect() for _ in range(3))
        idle.sendall(request("/hello"))
        assert idle.recv(1000).endswith(HELLO)
        busy.sendall(request("/slow?ms=1500"))
        server.wait_for(lambda s: s["exchanges"] == 2)
        server.drain()
        expect(read_all(idle), b"")
        response = one(read_all(busy))
        expect((response.body, response.fields["connection"]), (b"late\n", "close"))
        never.close()
    with echo(drain_ms=100) as server:
        sock = server.connect()
        sock.sendall(request("/never"))
        server.wait_for(lambda s: s["exchanges"] == 2)
        server.drain()
        expect(read_all(sock).replace(b"<reset>", b""), b"")


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
