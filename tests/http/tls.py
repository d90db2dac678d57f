#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""TLS of src/http's server: versions, names, ALPN, tickets, reloading, and what is wrong with files."""
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is asked for, to be refused

from echo_server import ECHO, echo, parse, read_all, request, run_tests  # noqa: E402

scratch = tempfile.TemporaryDirectory(prefix="stint-test-")


def certificate(name, file=None):
    """A certificate for the name, and its key: what the key `tls` takes."""
    base = os.path.join(scratch.name, file or name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out",
                    base + ".pem", "-days", "30", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return f"{base}.pem,{base}.key"


def connect(server, name="a.test", alpn=("http/1.1",), session=None, **versions):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    for key, value in versions.items():
        setattr(context, key, value)
    if session is not None:
        context = session[0]
    return context, context.wrap_socket(server.connect(), server_hostname=name,
                                        session=session[1] if session else None)


def name_of(sock):
    """The subject of the peer's certificate, from its bytes: it is not verified."""
    der = sock.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"], input=der,
                          check=True, capture_output=True).stdout.decode()
    return text.split("CN")[1].strip(" =\n")


def ask(sock, data):
    sock.sendall(data)
    return parse(read_all(sock))


def test_versions_and_bodies():
    with echo(tls=certificate("a.test")) as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            _, sock = connect(server, maximum_version=version, minimum_version=version)
            found = ask(sock, request("/show") + request("/big?bytes=1000000") +
                        request("/sink", "Content-Length: 300000", "Connection: close",
                                method="POST", body=b"x" * 300000))
            assert b" tls=1 " in found[0].body and found[0].body.startswith(b"GET https://")
            assert len(found[1].body) == 1000000 and found[2].body.startswith(b"300000 ")
        try:
            connect(server, minimum_version=ssl.TLSVersion.TLSv1_1,
                    maximum_version=ssl.TLSVersion.TLSv1_1)
            raise AssertionError("TLS 1.1 was spoken")
        except (ssl.SSLError, ConnectionError):
            pass


def test_names_and_alpn():
    with echo("tls=" + certificate("a.test"), "tls=" + certificate("b.test")) as server:
        for name, want in (("a.test", "a.test"), ("b.test", "b.test"), ("c.test", "a.test")):
            _, sock = connect(server, name)
            assert name_of(sock) == want, name
            sock.close()
        for alpn, want in ((("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), ((), None)):
            _, sock = connect(server, alpn=alpn)
            assert sock.selected_alpn_protocol() == want
            sock.close()
        try:
            connect(server, alpn=("spdy/3",))
            raise AssertionError("spdy was spoken")
        except (ssl.SSLError, ConnectionError):
            pass


def test_tickets():
    with echo(tls=certificate("a.test")) as server:
        first = connect(server)
        ask(first[1], request("/hello", "Connection: close"))
        assert first[1].session is not None and not first[1].session_reused
        _, again = connect(server, session=(first[0], first[1].session))
        assert again.session_reused
        ask(again, request("/hello", "Connection: close"))


def test_reload():
    files = certificate("a.test", "r")
    with echo(tls=files) as server:
        _, old = connect(server)
        certificate("new.test", "r")
        server.process.send_signal(signal.SIGHUP)
        assert server.process.stdout.readline() == "reloaded\n"
        _, sock = connect(server)
        assert name_of(sock) == "new.test" and name_of(old) == "a.test"
        assert len(ask(old, request("/hello", "Connection: close"))) == 1
        with open(files.split(",")[0], "w", encoding="utf-8") as file:
            file.write("nonsense\n")
        server.process.send_signal(signal.SIGHUP)
        message = server.process.stdout.readline()
        assert message.startswith(files.split(",")[0] + ": cannot read the certificate"), message
        _, sock = connect(server)
        assert name_of(sock) == "new.test"


def test_bad_files():
    good, other = certificate("a.test").split(","), certificate("b.test").split(",")
    for files, named, what in (
            (("/nonexistent", good[1]), "/nonexistent", "cannot read the certificate"),
            ((good[0], "/nonexistent"), "/nonexistent", "cannot read the key"),
            ((good[1], good[1]), good[1], "cannot read the certificate"),
            ((good[0], other[1]), other[1], "not that of the certificate")):
        done = subprocess.run([ECHO, "tls=" + ",".join(files)], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 1 and named + ": " in done.stderr and what in done.stderr, done


def test_bad_handshakes():
    with echo(tls=certificate("a.test"), head_ms=300) as server:
        socks = [server.connect() for _ in range(3)]
        socks[0].sendall(request("/hello"))
        socks[1].sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        for sock in socks:
            data = read_all(sock)
            assert not data.startswith(b"HTTP/"), data
        _, sock = connect(server)
        stats = ask(sock, request("/stats", "Connection: close"))[0].body
        assert b'"bad_handshakes": 1' in stats and b'"timeouts": 2' in stats, stats


def test_proxy_before_tls():
    with echo(tls=certificate("a.test"), proxy=1) as server:
        raw = server.connect()
        raw.sendall(b"PROXY TCP4 198.51.100.9 203.0.113.7 1234 443\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(raw, server_hostname="a.test")
        assert b"peer 198.51.100.9:1234\n" in ask(sock, request("/show", "Connection: close"))[0].body


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("SKIP: openssl is not installed")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    sys.exit(run_tests(globals()))
