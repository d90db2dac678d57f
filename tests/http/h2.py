#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 of src/http's server, in frames made by hand: what works, what is wrong, what is too much."""
import struct
import sys
import time

sys.dont_write_bytecode = True

from echo_server import echo, run_tests  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, PROTOCOL_ERROR, _, FLOW_CONTROL, _, STREAM_CLOSED, FRAME_SIZE, REFUSED, CANCEL, \
    COMPRESSION, _, CALM = range(12)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value, prefix, first=0):
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out, value = out + [value % 128 + 128], value // 128
    return bytes(out + [value])


def field(name, value):
    """Literally, without the tables."""
    name, value = name.encode("latin-1"), value.encode("latin-1")
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(path="/hello", *fields, method="GET", scheme="http", authority="h", without=()):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return b"".join(field(*f) for f in [p for p in pseudo if p[0] not in without] + list(fields))


def get(stream, path="/hello", *fields, **more):
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, block(path, *fields, **more))


def status_of(head):
    """`:status`, which comes first, of peers that allow no dynamic table."""
    while head and head[0] & 0xe0 == 0x20:  # the size of the table
        head = head[1:]
    if head[:1] == b"\x88":
        return 200
    if head[1:4] == b"\x82\x08\x01":  # by Huffman's code
        return 100
    return int(head[2:5]) if head[1:2] == b"\x03" and head[2:5].isdigit() else None


class Peer:
    """A connection, and the frames that came on it."""

    def __init__(self, server, settings=b"", start=True):
        self.sock = server.connect()
        self.data, self.bodies, self.ended, self.resets, self.goaway = b"", {}, set(), {}, None
        self.heads, self.closed, self.acks = set(), False, 0
        self.informed = {}  # by stream: the statuses of its heads
        if start:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def take(self):
        """One frame; False when the connection has ended."""
        while len(self.data) < 9 or len(self.data) < 9 + int.from_bytes(self.data[:3], "big"):
            try:
                piece = self.sock.recv(1 << 16)
            except ConnectionResetError:
                piece = b""
            if not piece:
                self.closed = True
                return False
            self.data += piece
        length = int.from_bytes(self.data[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.data[3:9])
        payload, self.data = self.data[9:9 + length], self.data[9 + length:]
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK))
        elif kind == HEADERS:
            self.heads.add(stream)
            self.informed.setdefault(stream, []).append(status_of(payload))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == PING:
            self.acks += 1
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)
        return True

    def until(self, what):
        while not what():
            if not self.take():
                raise AssertionError(f"closed: {self.goaway} {self.resets} {self.bodies.keys()}")

    def to_the_end(self):
        while self.take():
            pass
        return self.goaway


def on(server, data, **more):
    """What a connection error is answered with: the code of GOAWAY, or None."""
    peer = Peer(server, **more)
    peer.send(data)
    return peer.to_the_end()


def test_requests():
    with echo() as server:
        peer = Peer(server)
        peer.send(b"".join(get(1 + 2 * i) for i in range(50)))
        peer.until(lambda: len(peer.ended) == 50)
        assert set(peer.bodies.values()) == {b"Hello, world!\n"}
        peer.send(frame(HEADERS, END_HEADERS, 201, block("/echo", method="POST")) +
                  frame(DATA, 0, 201, b"abc") + frame(DATA, END_STREAM, 201, b"def"))
        peer.until(lambda: 201 in peer.ended)
        assert peer.bodies[201] == b"abcdef"
        peer.send(get(203, "/show", ("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2")))
        peer.until(lambda: 203 in peer.ended)
        lines = peer.bodies[203].decode().splitlines()
        assert lines[0] == "GET http://h /show 20 tls=0 length=-1 body=0", lines
        assert lines[3:] == ["cookie: a=1; b=2", "x-y: z", "host: h"], lines


def test_continue():
    with echo() as server:
        peer = Peer(server, settings=struct.pack(">HI", 1, 0))

        def post(stream, path, *fields, flags=END_HEADERS):
            peer.send(frame(HEADERS, flags, stream, block(path, *fields, method="POST")))

        # Who waits for it is told to go on, once, when the body is asked for.
        post(1, "/sink", ("expect", "100-Continue"))
        peer.until(lambda: 1 in peer.heads)
        assert not peer.ended and not peer.bodies
        peer.send(frame(DATA, 0, 1, b"abc") + frame(DATA, END_STREAM, 1, b"def"))
        peer.until(lambda: 1 in peer.ended)
        assert (peer.bodies[1][:2], peer.informed[1]) == (b"6 ", [100, 200]), peer.informed
        # Who does not wait, or has no body, or is answered at once, is not.
        for stream, path, fields, flags, body in (
                (3, "/sink", (), END_HEADERS, b"abc"),
                (5, "/sink", (("expect", "100-continue"),), END_HEADERS | END_STREAM, None),
                (7, "/hello", (("expect", "100-continue"),), END_HEADERS, None)):
            post(stream, path, *fields, flags=flags)
            if body:
                peer.send(frame(DATA, END_STREAM, stream, body))
            peer.until(lambda: stream in peer.ended)
            assert peer.informed[stream] == [200], (stream, peer.informed)
        post(9, "/sink", ("expect", "money"), flags=END_HEADERS | END_STREAM)
        peer.until(lambda: 9 in peer.ended)
        assert peer.informed[9] == [417], peer.informed
        peer.send(get(11))
        peer.until(lambda: 11 in peer.ended)


def test_split_at_every_byte():
    with echo() as server:
        data = PREFACE + frame(SETTINGS) + get(1) + get(3)
        for at in range(1, len(data)):
            peer = Peer(server, start=False)
            peer.send(data[:at])
            time.sleep(0.001)
            peer.send(data[at:])
            peer.until(lambda: {1, 3} <= peer.ended)
            peer.sock.close()


def test_continuation_and_trailers():
    with echo() as server:
        peer = Peer(server)
        head = block("/trailers", method="POST")
        peer.send(frame(HEADERS, 0, 1, head[:9]) + frame(CONTINUATION, 0, 1, head[9:20]) +
                  frame(CONTINUATION, END_HEADERS, 1, head[20:]) + frame(DATA, 0, 1, b"x") +
                  frame(HEADERS, END_HEADERS | END_STREAM, 1, field("x-t", "1")))
        peer.until(lambda: 1 in peer.ended)
        assert peer.bodies[1] == b"x-t=1\n"


def test_flow_control():
    with echo() as server:
        peer = Peer(server, settings=struct.pack(">HI", 4, 10))
        peer.send(get(1, "/big?bytes=26"))
        peer.until(lambda: len(peer.bodies.get(1, b"")) == 10)
        for _ in range(4):
            peer.send(frame(WINDOW, 0, 1, struct.pack(">I", 4)))
        peer.until(lambda: 1 in peer.ended)
        assert peer.bodies[1] == b"abcdefghijklmnopqrstuvwxyz"
        # The handler reads nothing: the window stays shut.
        peer.send(frame(HEADERS, END_HEADERS, 3, block("/never", method="POST")))
        for _ in range(4):
            peer.send(frame(DATA, 0, 3, b"x" * 16384))
        peer.send(frame(DATA, 0, 3, b"x" * 100))
        peer.until(lambda: 3 in peer.resets or peer.goaway is not None)
        assert FLOW_CONTROL in (peer.resets.get(3), peer.goaway)


def test_windows_opened_often():
    """Whoever takes much may say so often: two frames for each that comes."""
    with echo() as server:
        peer = Peer(server, settings=struct.pack(">HI", 4, 4096))
        bytes_left = 28 << 20
        peer.send(get(1, f"/big?bytes={bytes_left}"))
        while bytes_left > 0:
            peer.until(lambda: peer.bodies.get(1))
            more = struct.pack(">I", len(peer.bodies[1]))
            bytes_left -= len(peer.bodies.pop(1))
            peer.send(frame(WINDOW, 0, 0, more) + frame(WINDOW, 0, 1, more))
        peer.until(lambda: 1 in peer.ended)
        assert bytes_left == 0 and peer.goaway is None


# Per stream: refused with a reset, or a status, and the connection goes on.
BAD_REQUESTS = {
    "no :path": block(without=[":path"]),
    "no :method": block(without=[":method"]),
    "no :scheme": block(without=[":scheme"]),
    "upper case": block("/hello", ("X-Y", "z")),
    "connection": block("/hello", ("connection", "close")),
    "te": block("/hello", ("te", "gzip")),
    "transfer-encoding": block("/hello", ("transfer-encoding", "chunked")),
    "CR LF": block("/hello", ("x", "a\r\nb: c")),
    "NUL": block("/hello", ("x", "a\0b")),
    "blank in a name": block("/hello", ("x y", "a")),
    "colon in a name": block("/hello", ("x:y", "a")),
    "pseudo after": block() + field(":path", "/hello"),
    "unknown pseudo": block("/hello", (":x", "y")),
    "response's pseudo": block("/hello", (":status", "200")),
    "path without slash": block("hello"),
    "path with a blank": block("/a b"),
    "path with a fragment": block("/a#b"),
    "empty path": block(""),
    "host differs": block("/hello", ("host", "other")),
    "host with a path": block(authority="h/x"),
    "no host": block(without=[":authority"]),
    "length": block("/hello", ("content-length", "x")),
    "lengths": block("/hello", ("content-length", "1"), ("content-length", "2")),
    "CONNECT": block(without=[":path", ":scheme"], method="CONNECT", authority="h:1"),
}


def test_bad_requests():
    with echo() as server:
        before = server.stats()["requests"]
        peer = Peer(server)
        for number, head in enumerate(BAD_REQUESTS.values()):
            stream = 1 + 2 * number
            peer.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, head))
            peer.until(lambda: stream in peer.resets or stream in peer.ended)
            assert not peer.bodies.get(stream), list(BAD_REQUESTS)[number]
        assert server.stats()["requests"] == before + 1
        peer.send(get(999))
        peer.until(lambda: 999 in peer.ended)
        peer.send(frame(HEADERS, END_HEADERS, 1001, block("/sink", ("content-length", "5"),
                                                          method="POST")) +
                  frame(DATA, END_STREAM, 1001, b"abc"))
        peer.until(lambda: 1001 in peer.resets)
        assert peer.resets[1001] == PROTOCOL_ERROR


# As h2spec has them: errors of the connection.
BAD_FRAMES = {
    "DATA on 0": (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    "DATA on an idle stream": (frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
    "DATA with too much padding": (get(1) + frame(
        HEADERS, END_HEADERS, 3, block("/sink", method="POST")) +
        frame(DATA, 8, 3, b"\x05abc"), PROTOCOL_ERROR),
    "HEADERS on 0": (frame(HEADERS, 5, 0, block()), PROTOCOL_ERROR),
    "HEADERS on an even stream": (frame(HEADERS, 5, 2, block()), PROTOCOL_ERROR),
    "PRIORITY on 0": (frame(PRIORITY, 0, 0, b"\0" * 5), PROTOCOL_ERROR),
    "RST_STREAM on 0": (frame(RST_STREAM, 0, 0, b"\0" * 4), PROTOCOL_ERROR),
    "RST_STREAM on an idle stream": (frame(RST_STREAM, 0, 1, b"\0" * 4), PROTOCOL_ERROR),
    "RST_STREAM of 3 bytes": (get(1) + frame(RST_STREAM, 0, 1, b"\0" * 3), FRAME_SIZE),
    "SETTINGS with ACK and bytes": (frame(SETTINGS, ACK, 0, b"\0"), FRAME_SIZE),
    "SETTINGS on 1": (frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    "SETTINGS of 3 bytes": (frame(SETTINGS, 0, 0, b"\0" * 3), FRAME_SIZE),
    "ENABLE_PUSH 2": (frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 2)), PROTOCOL_ERROR),
    "INITIAL_WINDOW_SIZE": (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 31)), FLOW_CONTROL),
    "MAX_FRAME_SIZE": (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16383)), PROTOCOL_ERROR),
    "PUSH_PROMISE": (frame(PUSH, 4, 1, b"\0\0\0\2" + block()), PROTOCOL_ERROR),
    "PING on 1": (frame(PING, 0, 1, b"\0" * 8), PROTOCOL_ERROR),
    "PING of 7 bytes": (frame(PING, 0, 0, b"\0" * 7), FRAME_SIZE),
    "GOAWAY on 1": (frame(GOAWAY, 0, 1, b"\0" * 8), PROTOCOL_ERROR),
    "WINDOW_UPDATE of 0": (frame(WINDOW, 0, 0, b"\0" * 4), PROTOCOL_ERROR),
    "WINDOW_UPDATE beyond": (frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"), FLOW_CONTROL),
    "WINDOW_UPDATE of 3 bytes": (frame(WINDOW, 0, 0, b"\0" * 3), FRAME_SIZE),
    "CONTINUATION alone": (frame(CONTINUATION, 4, 1, block()), PROTOCOL_ERROR),
    "CONTINUATION of another": (frame(HEADERS, 1, 1, block()) + frame(CONTINUATION, 4, 3, b""),
                                PROTOCOL_ERROR),
    "DATA within a head": (frame(HEADERS, 1, 1, block()) + frame(DATA, 0, 1, b""), PROTOCOL_ERROR),
    "too large a frame": (frame(HEADERS, 5, 1, b"\0" * 16385), FRAME_SIZE),
    "HPACK index 0": (frame(HEADERS, 5, 1, b"\x80"), COMPRESSION),
    "HPACK index beyond": (frame(HEADERS, 5, 1, b"\xff\x40"), COMPRESSION),
    "HPACK table too large": (frame(HEADERS, 5, 1, integer(1 << 20, 5, 0x20) + block()),
                              COMPRESSION),
    "HPACK cut off": (frame(HEADERS, 5, 1, block()[:-3]), COMPRESSION),
}


def test_bad_frames():
    with echo() as server:
        for name, (data, code) in BAD_FRAMES.items():
            try:
                got = on(server, data)
            except TimeoutError:
                got = "silence"
            assert got == code, f"{name}: {got} instead of {code}"
        for data in (PREFACE[:-1] + b"x" + frame(SETTINGS), PREFACE + get(1)):
            peer = Peer(server, start=False)
            peer.send(data)
            peer.to_the_end()
        # nghttp2 passes over a stream with a lower number than the last.
        peer = Peer(server)
        peer.send(get(5) + get(3) + get(7))
        peer.until(lambda: 7 in peer.ended)
        assert 3 not in peer.heads
        # Unknown frames and settings are passed over.
        peer = Peer(server, settings=struct.pack(">HI", 0x99, 5))
        peer.send(frame(0x77, 0xff, 0, b"what") + get(1))
        peer.until(lambda: 1 in peer.ended)


def test_rapid_reset():
    with echo() as server:
        peer = Peer(server)
        for i in range(2000):
            if peer.closed:
                break
            peer.send(get(1 + 2 * i, "/never") +
                      frame(RST_STREAM, 0, 1 + 2 * i, struct.pack(">I", CANCEL)))
        assert peer.to_the_end() in (CALM, None)
        server.wait_for(lambda s: s["open"] == 1 and s["exchanges"] == 1)
        stats = server.stats()
        assert stats["requests"] < 500 and stats["resets"] >= 100, stats


def test_resets_that_the_server_is_made_to_send():
    with echo() as server:
        peer = Peer(server)
        for i in range(2000):
            if peer.closed:
                break
            peer.send(get(1 + 2 * i, "/never") + frame(WINDOW, 0, 1 + 2 * i, b"\0" * 4))
        assert peer.to_the_end() in (CALM, PROTOCOL_ERROR, None)
        server.wait_for(lambda s: s["open"] == 1 and s["exchanges"] == 1)
        assert server.stats()["requests"] < 500


def test_streams_max():
    with echo(streams_max=10) as server:
        peer = Peer(server)
        peer.until(lambda: True)
        peer.send(b"".join(get(1 + 2 * i, "/never") for i in range(30)))
        peer.until(lambda: len(peer.resets) == 20)
        assert set(peer.resets.values()) == {REFUSED} or len(peer.resets) == 20
        assert server.stats()["exchanges"] == 11


def test_floods():
    floods = {
        "CONTINUATION": frame(HEADERS, 1, 1, block()) + frame(CONTINUATION, 0, 1,
                                                              field("x", "y" * 50)) * 100000,
        "empty CONTINUATION": frame(HEADERS, 1, 1, block()) + frame(CONTINUATION, 0, 1) * 100000,
        "PING": frame(PING, 0, 0, b"12345678") * 200000,
        "SETTINGS": frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 200000,
        "PRIORITY": frame(PRIORITY, 0, 1, b"\0\0\0\0\1") * 200000,
        "empty DATA": frame(HEADERS, 4, 1, block("/never", method="POST")) +
        frame(DATA, 0, 1) * 200000,
        "WINDOW_UPDATE": get(1, "/never") + frame(WINDOW, 0, 1, b"\0\0\0\1") * 200000,
    }
    with echo() as server:
        before = server.stats()["rss_kib"]
        for name, data in floods.items():
            peer = Peer(server)
            peer.send(data)
            assert peer.closed or peer.to_the_end() is not None or peer.closed, name
            peer.sock.close()
        server.wait_for(lambda s: s["open"] == 1 and s["exchanges"] == 1)
        after = server.stats()["rss_kib"]
        assert after < before + 40000, (before, after)


def test_header_bombs():
    with echo() as server:
        before = server.stats()["rss_kib"]
        peer = Peer(server)
        # One field of 4,000 bytes in the table, then a byte for each time it is meant again.
        head = block() + b"\x40" + integer(1, 7) + b"x" + integer(4000, 7) + b"y" * 4000
        peer.send(frame(HEADERS, 5, 1, head + b"\xbe" * 10000))
        peer.to_the_end()
        peer = Peer(server)
        peer.send(frame(HEADERS, 5, 1, head + b"\xbe" * 30))
        peer.until(lambda: 1 in peer.ended or 1 in peer.resets)
        peer.send(get(3, "/hello", *[("x", "y")] * 200))
        peer.until(lambda: 3 in peer.ended or 3 in peer.resets)
        peer.send(get(5))
        peer.until(lambda: 5 in peer.ended)
        stats = server.stats()
        assert stats["refused"] == 2 and stats["rss_kib"] < before + 20000, stats


def test_slow_readers():
    with echo(send_ms=300, body_ms=300, head_ms=300) as server:
        before = server.stats()["rss_kib"]
        peer = Peer(server, settings=struct.pack(">HI", 4, 0))
        peer.send(b"".join(get(1 + 2 * i, "/big?bytes=10000000") for i in range(100)))
        peer.send(frame(HEADERS, END_HEADERS, 301, block("/sink", method="POST")))
        peer.until(lambda: len(peer.resets) >= 101)
        assert server.stats()["rss_kib"] < before + 30000
        peer.send(frame(HEADERS, 0, 303, block()))
        peer.to_the_end()
        server.wait_for(lambda s: s["open"] == 1 and s["exchanges"] == 1)


def test_drain():
    with echo(drain_ms=20000) as server:
        peer = Peer(server)
        peer.send(get(1, "/slow?ms=200"))
        server.wait_for(lambda s: s["exchanges"] == 2)
        server.drain()
        peer.until(lambda: peer.goaway is not None)
        assert peer.goaway == NO_ERROR and 1 not in peer.ended
        peer.until(lambda: 1 in peer.ended)
        peer.to_the_end()


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
