#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""TLS in `stint up`: listeners, certificates that change, tickets, and what is wrong with files."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import Skip, main, run, test  # noqa: E402


def certificate(t, name, days=90):
    if shutil.which("openssl") is None:
        raise Skip("no openssl")
    base = t.path(f"{name}-{days}")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out",
                    base + ".pem", "-days", str(days), "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return base + ".pem", base + ".key"


def context(alpn=("http/1.1",)):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols(list(alpn))
    return made


def get(server, path, port=None):
    connection = http.client.HTTPSConnection(server.host, port or server.port, timeout=60,
                                             context=context())
    connection.request("GET", path)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def peer(server, how, name="a.test", session=None):
    raw = socket.create_connection((server.host, server.port), timeout=60)
    return how.wrap_socket(raw, server_hostname=name, session=session)


def der(server, name="a.test"):
    with peer(server, context(), name) as sock:
        return sock.getpeercert(binary_form=True)


def der_of(path):
    with open(path) as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def until(t, what, wanted):
    for _ in range(1000):
        if what() == wanted:
            return
        time.sleep(0.05)
    t.equal(what(), wanted)


@test
def serves_with_flags(t):
    pem, key = certificate(t, "a.test")
    app = build_app(t, component=True)
    with Served(t, app, "--tls-cert", pem, "--tls-key", key, "--workers", "2") as server:
        t.equal(get(server, "/hello"), b"hello\n")
        t.check(server.lines(message=f"serving on https://127.0.0.1:{server.port}"), "announced")
        with peer(server, context(("h2", "http/1.1"))) as sock:
            t.equal(sock.selected_alpn_protocol(), "h2")
        t.equal(server.stop(), 0)


@test
def tickets_are_taken_by_all_workers(t):
    pem, key = certificate(t, "a.test")
    app = build_app(t, component=True)
    with Served(t, app, "--tls-cert", pem, "--tls-key", key, "--workers", "2") as server:
        how = context()
        how.maximum_version = ssl.TLSVersion.TLSv1_2
        with peer(server, how) as sock:
            session = sock.session
        for _ in range(8):
            with peer(server, how, session=session) as sock:
                t.check(sock.session_reused, "a ticket was not taken")


@test
def serves_what_the_manifest_says(t):
    build_app(t, component=True)
    one, other = certificate(t, "a.test"), certificate(t, "b.test", 5)
    with open(t.path("spin.toml"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "a"
[application.tool.stint]
listen = [{{ address = "127.0.0.1:0", tls = true }}, "127.0.0.1:0"]
[application.tool.stint.tls]
certificates = [{{ certificate = "{one[0]}", key = "{one[1]}" }},
                {{ certificate = "{other[0]}", key = "{other[1]}" }}]
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "app.wasm"
""")
    with Served(t, t.path("spin.toml"), listen=False) as server:
        t.equal(get(server, "/hello"), b"hello\n")
        t.equal(der(server, "a.test"), der_of(one[0]))
        t.equal(der(server, "b.test"), der_of(other[0]))
        log = "\n".join(server.log)
        t.match(log, r"the certificate of b\.test expires in [45] days")
        t.check("a.test expires" not in log, "warned of a certificate that lasts")
        plain = [line for line in server.log if "serving on http://" in line]
        t.equal(len(plain), 1)


@test
def certificates_are_read_again(t):
    pem, key = certificate(t, "a.test")
    other = certificate(t, "a.test", 80)
    app = build_app(t, component=True)
    first = der_of(pem)
    with Served(t, app, "--tls-cert", pem, "--tls-key", key) as server:
        t.equal(der(server), first)
        with open(pem, "w") as file:
            file.write("no certificate")
        until(t, lambda: any("the old certificates stay" in line for line in server.log), True)
        t.equal(der(server), first)
        for path, to in zip(other, (pem, key)):
            os.replace(path, to)
        until(t, lambda: der(server), der_of(pem))
        server.process.send_signal(signal.SIGHUP)
        t.equal(get(server, "/hello"), b"hello\n")
        t.equal(server.stop(), 0)


@test
def all_mistakes_are_said_at_once(t):
    app = build_app(t, component=True)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        done = run("up", app, "--listen", f"https://127.0.0.1:{busy.getsockname()[1]}",
                   "--tls-cert", t.path("none.pem"), "--tls-key", t.path("none.key"))
        t.ends(done, 1, "none.pem: cannot read the certificate")
        t.ends(done, 1, "in use")
    t.ends(run("up", app, "--tls-cert", "a"), 2, "--tls-cert and --tls-key go together")


main()
