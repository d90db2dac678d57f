#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""WASI 0.2 for core modules that import it by name: the guests of tests/wasi/p2."""

import contextlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from program import STINT, Skip, main, run, test

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLANG = shutil.which("clang-19")
TRAP = 134
made = {}
scratch = tempfile.TemporaryDirectory(prefix="stint-test-")


def guest(name):
    """tests/wasi/p2/NAME.c as a module."""
    if CLANG is None or shutil.which("wasm-ld-19") is None:
        raise Skip("clang-19 and lld-19 are not installed")
    if name not in made:
        path = os.path.join(scratch.name, name + ".wasm")
        folder = os.path.join(ROOT, "tests", "wasi", "p2")
        # An empty PATH keeps the driver from running a wasm-opt that happens to be there.
        subprocess.run([CLANG, "--target=wasm32", "-nostdlib", "-O1", "-mbulk-memory", "-Wall",
                        "-Wno-unused-function", "-fuse-ld=" + shutil.which("wasm-ld-19"),
                        "-Wl,--no-entry", "-o", path, os.path.join(folder, name + ".c")],
                       check=True, env={"PATH": "/nonexistent"})
        made[name] = path
    return made[name]


def ends(t, name, *args, out=b"", code=0, flags=(), **more):
    """Runs a guest and compares what it prints and how it ends."""
    result = run("run", *flags, guest(name), *args, **more)
    t.equal(result.raw_out, out.encode() if isinstance(out, str) else out)
    t.check(result.code == code, f"exit code {result.code}: {result.err}")
    return result


def traps(t, name, *args, text, **more):
    result = run("run", guest(name), *args, **more)
    t.ends(result, TRAP, text)


# ---- wasi:cli, clocks, random -------------------------------------------------------------------


@test
def hello(t):
    ends(t, "basics", "hello", out="hello\n")
    ends(t, "basics", "fail", code=1)


@test
def arguments_and_environment(t):
    ends(t, "basics", "environment", "zwei drei", "", flags=("--env", "A=1=2", "--env", "B="),
         out="environment\nzwei drei\n\nA is 1=2\nB is \ncwd 0\n")


@test
def exit_codes(t):
    ends(t, "basics", "exit-ok")
    ends(t, "basics", "exit-error", code=1)
    ends(t, "basics", "exit-code", code=42)


@test
def standard_error(t):
    t.equal(ends(t, "basics", "stderr").err, "oops\n")


@test
def terminals(t):
    ends(t, "basics", "terminal", out="terminal 0\n")


@test
def clocks(t):
    ends(t, "basics", "clocks", out="forward 1\nresolution 1\nsince 2020 1\nnanoseconds 1\n"
         "wall resolution 1\noffset 0\nUTC\n")


@test
def random(t):
    ends(t, "basics", "random",
         out="lengths 128\ndifferent 1\nu64 1\ninsecure 1\nnone 0\nseed 1\n")


@test
def wrong_pointers(t):
    traps(t, "basics", "bad-pointer", text="out of bounds")
    traps(t, "basics", "unaligned", text="unaligned")
    traps(t, "basics", "bad-string", text="out of bounds")


@test
def wrong_handles(t):
    for how in ("bad-handle", "wrong-type", "dropped", "twice"):
        traps(t, "basics", how, text="handle")


@test
def too_much(t):
    traps(t, "basics", "too-much-random", text="more random bytes")
    traps(t, "basics", "many", text="resources open")


# ---- wasi:io ------------------------------------------------------------------------------------


@test
def reads_to_the_end(t):
    data = bytes(range(256)) * 1000
    ends(t, "streams", "echo", input=data, out=data + b"case 1\nagain 1\n")
    ends(t, "streams", "echo", out="case 1\nagain 1\n")


@test
def reads_a_file_as_standard_input(t):
    path = t.file("in", "content\n")
    with open(path, "rb") as file:
        ends(t, "streams", "echo", stdin=file, out="content\ncase 1\nagain 1\n")


@test
def writes(t):
    ends(t, "streams", "writes", out=b"permit 1\none\nerror 0\n" + bytes(100003) +
         b"zeroes 0\nready 1\nready 1\n")


@test
def splices(t):
    ends(t, "streams", "splice", input=b"hello, world\n",
         out="hellospliced 5\nskipped 1\n world\nspliced 7\ncase 1\nclosed 1\nskip 1\n")
    ends(t, "streams", "forward", input=b"x" * 200000,
         out="x" * 200000 + "forwarded 200000\n")


@test
def waits(t):
    ends(t, "streams", "waits", out="first 1\nindex 2\nsecond 1\nindex 1\nslept 1\nready 1\n"
         "candidate 1\n")


@test
def polls_a_pipe(t):
    process = subprocess.Popen([STINT, "run", guest("streams"), "poll-input"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"one ")
    process.stdin.flush()
    t.equal(process.stdout.read(4), b"one ")
    process.stdin.write(b"two ")
    process.stdin.close()
    t.equal(process.stdout.read(), b"two end\n")
    t.equal(process.wait(), 0)


@test
def time_ends_a_wait(t):
    with open("/dev/null", "rb"):
        reader, writer = os.pipe()
        for how in ("block-for-ever", "read-for-ever"):
            result = run("run", "--timeout", "50ms", guest("streams"), how, stdin=reader)
            t.ends(result, 124, "time is up")
        os.close(reader)
        os.close(writer)


@test
def misuse_of_streams(t):
    traps(t, "streams", "not-permitted", text="check-write permitted")
    traps(t, "streams", "poll-nothing", text="empty list")
    traps(t, "streams", "poll-too-many", text="too many")
    traps(t, "streams", "poll-outside", text="out of bounds")


@test
def errors_of_the_system(t):
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        t.equal(run("run", guest("streams"), "full", stdout=full).code, 0)


# ---- wasi:filesystem ----------------------------------------------------------------------------


def tree(t):
    os.makedirs(t.path("d/dir"))
    t.file("d/file", "content")
    os.symlink("file", t.path("d/link"))
    os.symlink("/etc", t.path("d/link-out"))
    return t.path("d") + "::/data"


@test
def preopens(t):
    os.mkdir(t.path("a"))
    ends(t, "files", "preopens", flags=("--dir", t.path("a") + "::/a", "--dir", t.folder + "::b:ro"),
         out="/a\nb\n")


@test
def file_contents(t):
    ends(t, "files", "contents", flags=("--dir", tree(t)),
         out="wrote 10\n34abc89end! end 0\nnothing 1\n89end! closed 11\nset size 99\nadvise 99\n"
         "advise 12\nsync 99\nsync data 99\nset times 99\nbad time 12\ntype 6\nsize 4\n"
         "accessed 1000005\nmodified 2000006\nflags 3\ntype 6\n")
    with open(t.path("d/new"), encoding="utf-8") as file:
        t.equal(file.read(), "0123")


@test
def file_refusals(t):
    ends(t, "files", "refusals", flags=("--dir", tree(t)),
         out="../outside error 31\n/etc/passwd error 31\nlink-out/passwd error 31\n"
         "missing error 20\ndir error 14\nfile error 24\nfile error 7\nfile error 12\n error 20\n"
         "nul 12\nwrite 3\nappend 3\noffset 12\ndirectory 14\nset size 3\nnot a directory 24\n"
         "lock 27\nlink 15\n")


@test
def file_names(t):
    ends(t, "files", "names", flags=("--dir", tree(t)),
         out="make 99\nagain 7\nrename 99\nlink 99\nsymlink 99\nabsolute 31\nd/moved type 5\n"
         "links 2\nsame 1\nsame 0\nsame object 10\nset times 99\nmodified 77\naccess 99\n"
         "access 20\nnot empty 25\nunlink 99\nremove 99\n")


@test
def directory_entries(t):
    tree(t)
    for i in range(1000):
        t.file(f"d/many/{i:04}", "")
    ends(t, "files", "entries", flags=("--dir", t.path("d/many")),
         out="entries 1000\nbytes 4000\nerror 0\n")


@test
def read_only_directory(t):
    ends(t, "files", "read-only", flags=("--dir", tree(t) + ":ro"),
         out="flags 1\nx error 33\nfile error 33\nmake 33\nunlink 33\n")


@test
def malformed_path(t):
    result = run("run", "--dir", tree(t), guest("files"), "bad-path")
    t.ends(result, TRAP, "utf-?8|UTF-?8")


@test
def too_many_files(t):
    """Either the system or the guest's own limit says no; nothing breaks."""
    result = run("run", "--dir", tree(t), guest("files"), "many-files")
    t.check(result.out == "error 22\n" or "resources open" in result.err, result.err)


# ---- wasi:sockets -------------------------------------------------------------------------------


class Server:
    """Answers one connection: what it got, then "pong"."""

    def __init__(self, answers=True):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.socket.getsockname()[1])
        self.got = b""
        if answers:
            self.thread = threading.Thread(target=self.answer)
            self.thread.start()

    def answer(self):
        connection, _ = self.socket.accept()
        while data := connection.recv(100):
            self.got += data
        connection.sendall(b"pong")
        connection.close()

    def close(self):
        self.thread.join()
        self.socket.close()


@test
def tcp_client(t):
    server = Server()
    ends(t, "network", "client", server.port, flags=("--net", "allow", "127.0.0.1:" + server.port),
         out="port 1\nshutdown 99\npong end 1\n")
    server.close()
    t.equal(server.got, b"ping")


@test
def tcp_server(t):
    process = subprocess.Popen([STINT, "run", "--net", "127.0.0.0/8:*", guest("network"), "server"],
                               stdout=subprocess.PIPE)
    port = int(process.stdout.readline().split()[1])
    t.equal(process.stdout.readline(), b"listening 1\n")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"hello")
        t.equal(connection.recv(100), b"pong")
    t.equal(process.stdout.read(), b"hello\n")
    t.equal(process.wait(), 0)


@test
def udp(t):
    ends(t, "network", "udp", flags=("--net", "allow", "127.0.0.1:*"),
         out="bind 99\nbind 99\npermit 1\nsent 2\nreceived 2\ntwo! from 1\nnothing 0\n"
         "to the peer 1\nnot the peer 103\n")
    ends(t, "network", "udp-too-many", flags=("--net", "allow", "127.0.0.1:*"), code=TRAP,
         out="bind 99\nbind 99\npermit 1\nsent 2\nreceived 2\ntwo! from 1\nnothing 0\n"
         "to the peer 1\nnot the peer 103\n")


@test
def network_policy(t):
    server = Server(answers=False)
    for rules in ((), ("127.0.0.2:*",), ("127.0.0.1:1-1000",), ("[::1]:*",), ("example.org:*",)):
        flags = [word for rule in rules for word in ("--net", "allow", rule)]
        ends(t, "network", "client", server.port, flags=flags, out="start 1\n")
    server.socket.close()
    ends(t, "network", "client", server.port, flags=("--net", "*:*"), out="finish 14\n")
    for rule in ("example.org", "a:b", "1.2.3.4/33:80", ":80", "host:9-1"):
        result = run("run", "--net", "allow", rule, guest("network"), "states")
        t.match(result.err, "is not HOST:PORT")
        t.check(result.code != 0, rule)


@test
def names(t):
    ends(t, "network", "name", "localhost", "0", flags=("--net", "allow", "localhost:1"),
         out="v4 127\nerror 0\n")
    ends(t, "network", "name", "10.1.2.3", "0", flags=("--net", "allow", "*:1"),
         out="v4 10\nerror 0\n")
    ends(t, "network", "name", "localhost", "0", flags=("--net", "allow", "example.org:1"),
         out="resolve 1\n")
    ends(t, "network", "name", "", "0", flags=("--net", "allow", "*:*"), out="resolve 3\n")
    # What a name leads to may be connected to by who asked for it.
    server = Server(answers=False)
    ends(t, "network", "name", "localhost", server.port,
         flags=("--net", "allow", "localhost:" + server.port), out="v4 127\nerror 0\nconnected\n")
    ends(t, "network", "name", "localhost", server.port, flags=("--net", "allow", "localhost:1"),
         out="v4 127\nerror 0\nstart 1\n")
    server.socket.close()


@test
def socket_options(t):
    ends(t, "network", "options", flags=("--net", "allow", "127.0.0.1:*"),
         out="keep 1\nidle 2000000000\nzero 3\nhops 42\nzero 3\nbuffer 8192\nfamily 0\n")


@test
def socket_states(t):
    ends(t, "network", "states", flags=("--net", "allow", "127.0.0.1:*"),
         out="listen 9\nfinish 7\nbind 7\nconnect 7\naccept 9\nlocal 9\nremote 9\nshutdown 9\n"
         "unspecified 3\nno port 3\nother family 3\ntwice 9\n")
    traps(t, "network", "connect-bad-network", "1", text="handle")


@test
def network_ipv6(t):
    allow = ("--net", "allow", "[::1]:*")
    result = run("run", *allow, guest("network"), "tcp6")
    if result.out.startswith("bind ") and not result.out.startswith("bind 99"):
        raise Skip("this machine has no IPv6")
    t.equal(result.out, "bind 99\nlisten 99\nconnect 99\nfinish 0\naccept 0\nsix to 1\nfamily 1\n"
            "of the other family 3\n")
    ends(t, "network", "udp6", flags=allow, out="bind 99\nbind 99\nsent 1\nsix from 1\n")


@test
def time_ends_a_wait_for_a_socket(t):
    server = Server(answers=False)
    result = run("run", "--timeout", "50ms", "--net", "allow", "127.0.0.1:*", guest("network"),
                 "wait-for-ever", server.port)
    t.ends(result, 124, "time is up")
    server.socket.close()


# ---- wasi:http/outgoing-handler -----------------------------------------------------------------


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(b"x" * 300000 if self.path == "/large" else b"hello")

    def do_POST(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.reply(b"got " + body)

    def reply(self, body):
        self.send_response(200 if self.path != "/missing" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@test
def outgoing_requests(t):
    if not os.path.exists(os.path.join(os.path.dirname(STINT), "libstint-http.so")):
        raise Skip("libstint-http.so was not built")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    allow = ("--net", "allow", host)
    ends(t, "fetch", host, "/", flags=allow, out="status 200\nhello\nend 1\n")
    ends(t, "fetch", host, "/missing", flags=allow, out="status 404\nhello\nend 1\n")
    ends(t, "fetch", host, "/large", flags=allow, out="status 200\n" + "x" * 300000 + "\nend 1\n")
    ends(t, "fetch", host, "/post", "body", flags=allow, out="status 200\ngot body\nend 1\n")
    name = f"localhost:{server.server_port}"
    ends(t, "fetch", name, "/", flags=allow, out="status 200\nhello\nend 1\n")
    ends(t, "fetch", name, "/", flags=("--net", "allow", name), out="status 200\nhello\nend 1\n")
    ends(t, "fetch", name, "/", flags=("--net", "allow", "10.0.0.0/8:*"), out="failed 4\n", code=1)
    ends(t, "fetch", name, "/", out="denied 15\n", code=1)
    ends(t, "fetch", "a b", "/", flags=allow, out="denied 19\n", code=1)
    server.shutdown()
    server.server_close()
    ends(t, "fetch", host, "/", flags=allow, out="failed 6\n", code=1)


def certificates(t):
    """The file of a test's authority, and a server's context with a certificate for localhost."""
    if shutil.which("openssl") is None:
        raise Skip("openssl is not installed")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=t.folder)

    t.file("names", "subjectAltName=DNS:localhost\n")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj",
            "/CN=test authority")
    openssl("req", *key, "-keyout", "key.pem", "-out", "asked.pem", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "asked.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(t.path("cert.pem"), t.path("key.pem"))
    return t.path("ca.pem"), context


def needs_client():
    if not os.path.exists(os.path.join(os.path.dirname(STINT), "libstint-http.so")):
        raise Skip("libstint-http.so was not built")


@test
def outgoing_tls(t):
    needs_client()
    authority, context = certificates(t)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *args: None  # a client that does not trust us hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    allow = ("--net", "allow", f"127.0.0.1:{port}")
    trusting = dict(os.environ, SSL_CERT_FILE=authority)
    at = f"localhost:{port}"
    ends(t, "fetch", at, "/", "", "https", flags=allow, env=trusting,
         out="status 200\nhello\nend 1\n")
    # An authority that is not known, another name, and no TLS at all on one side or the other.
    ends(t, "fetch", at, "/", "", "https", flags=allow, out="failed 13\n", code=1)
    ends(t, "fetch", f"127.0.0.1:{port}", "/", "", "https", flags=allow, env=trusting,
         out="failed 13\n", code=1)
    server.shutdown()
    server.server_close()
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    plain.handle_error = lambda *args: None
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    port = plain.server_port
    ends(t, "fetch", f"localhost:{port}", "/", "", "https", env=trusting,
         flags=("--net", "allow", f"127.0.0.1:{port}"), out="failed 12\n", code=1)
    plain.shutdown()
    plain.server_close()


class Web6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@test
def outgoing_ipv6(t):
    needs_client()
    try:
        server = Web6(("::1", 0), Web)
    except OSError as error:
        raise Skip("this machine has no IPv6") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"[::1]:{server.server_port}"
    ends(t, "fetch", at, "/", flags=("--net", "allow", at), out="status 200\nhello\nend 1\n")
    ends(t, "fetch", at, "/", flags=("--net", "allow", "127.0.0.0/8:*"), out="failed 4\n", code=1)
    server.shutdown()
    server.server_close()


@test
def outgoing_private_addresses(t):
    """Rules are for the address that is reached, however it is written."""
    needs_client()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    elsewhere = ("--net", "allow", "10.0.0.0/8:*")
    for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "[::ffff:127.0.0.1]",
                 "[::ffff:7f00:1]", "localhost"):
        ends(t, "fetch", f"{host}:{port}", "/", flags=elsewhere, out="failed 4\n", code=1)
    other_port = ("--net", "allow", f"127.0.0.1:{port - 1}")
    ends(t, "fetch", f"127.0.0.1:{port}", "/", flags=other_port, out="failed 4\n", code=1)
    server.shutdown()
    server.server_close()


@test
def outgoing_timeouts(t):
    """A server that takes no connection, one that never answers, and one that stops half-way."""
    needs_client()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as held:
        for _ in range(4):  # as many as the queue holds, and more: who comes later waits
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        at = "127.0.0.1:%u" % full.getsockname()[1]
        ends(t, "fetch", at, "/", "", "http", "connect", flags=("--net", "allow", at),
             out="failed 8\n", code=1)
    for kind, sent, out, code in (
            ("first", b"", "failed 33\n", 1),
            ("first", b"HTTP/1.1 200 OK\r\ncontent-le", "failed 33\n", 1),
            ("between", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
             "status 200\nabc\nend 0\n", 0)):
        with socket.create_server(("127.0.0.1", 0)) as server:
            at = "127.0.0.1:%u" % server.getsockname()[1]
            connections = []

            def serve(server=server, sent=sent, connections=connections):
                connection, _ = server.accept()
                connections.append(connection)
                connection.sendall(sent)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            ends(t, "fetch", at, "/", "", "http", kind, flags=("--net", "allow", at), out=out,
                 code=code)
            thread.join(10)
            for connection in connections:
                connection.close()


# ---- Linking ------------------------------------------------------------------------------------


@test
def unknown_names(t):
    wat = t.file("bad.wat", """(module
        (import "wasi:io/streams@0.2.0" "[method]input-stream.raed" (func (param i32 i64 i32)))
        (import "wasi:io/streams@0.3.0" "[method]input-stream.read" (func (param i32 i64 i32)))
        (func (export "_start")))""")
    result = run("run", wat)
    t.match(result.err, r"did you mean '\[method\]input-stream.read'\?")
    t.match(result.err, "2 imports are unknown")
    wat = t.file("type.wat", """(module
        (import "wasi:cli/exit@0.2.0" "exit" (func (param i64))) (func (export "_start")))""")
    t.match(run("run", wat).err, r"\(param i32\)")


main()
