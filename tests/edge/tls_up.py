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


def served_with(t, certificates, more=""):
    """A manifest with these certificates, as TOML."""
    build_app(t, component=True)
    with open(t.path("spin.toml"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "a"
[application.tool.stint]
listen = [{{ address = "127.0.0.1:0", tls = true }}, "127.0.0.1:0"]
{more}
[application.tool.stint.tls]
certificates = [{", ".join(certificates)}]
redirect = true
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "app.wasm"
""")
    return t.path("spin.toml")


def entry(pair, hosts=None):
    names = ", ".join(f'"{host}"' for host in hosts or [])
    return '{ certificate = "%s", key = "%s"%s }' % (*pair, f", hosts = [{names}]" if hosts else "")


def status_of(server, sni, host):
    """One request on a connection that was opened for another name."""
    with peer(server, context(), sni) as sock:
        sock.sendall(f"GET /hello HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        with sock.makefile("rb") as file:
            return int(file.readline().split()[1])


@test
def hosts_say_whom_a_certificate_serves(t):
    one, other = certificate(t, "a.test"), certificate(t, "b.test")
    hosts = ["c.test", "*.d.test"]
    with Served(t, served_with(t, [entry(one), entry(other, hosts)]), listen=False) as server:
        for name, pair in (("a.test", one), ("b.test", other), ("C.test", other), ("x.d.test", other),
                           ("d.test", one), ("x.y.d.test", one), ("none.test", one)):
            t.equal(der(server, name), der_of(pair[0]))
    with Served(t, served_with(t, [entry(one), entry(other, ["a.test"])]), listen=False) as server:
        t.equal(der(server, "a.test"), der_of(other[0]))


@test
def hosts_of_another_certificate_are_misdirected(t):
    one, other = certificate(t, "a.test"), certificate(t, "b.test")
    with Served(t, served_with(t, [entry(one), entry(other, ["c.test"])]), listen=False) as server:
        for sni, host, status in (("a.test", "a.test", 200), ("a.test", "A.test:8443", 200),
                                  ("a.test", "b.test", 421), ("a.test", "c.test", 421),
                                  ("b.test", "c.test", 200), ("b.test", "a.test", 421),
                                  ("a.test", "none.test", 200), ("none.test", "b.test", 421),
                                  ("a.test", "127.0.0.1", 200)):
            t.equal((sni, host, status_of(server, sni, host)), (sni, host, status))
    # With one certificate every host is served, as `hosts` of the application allow.
    with Served(t, served_with(t, [entry(one)], 'hosts = ["a.test", "z.test"]'), listen=False) as server:
        for host, status in (("a.test", 200), ("z.test", 200), ("b.test", 421)):
            t.equal((host, status_of(server, "a.test", host)), (host, status))


@test
def listeners_without_tls_send_to_https(t):
    with Served(t, served_with(t, [entry(certificate(t, "a.test"))]), listen=False) as server:
        found = server.lines("serving on http://")[0]["message"].rsplit(":", 1)[1]
        connection = http.client.HTTPConnection(server.host, int(found), timeout=60)
        connection.request("GET", "/hello?a=b", headers={"host": "a.test"})
        answer = connection.getresponse()
        t.equal((answer.status, answer.headers["location"]),
                (308, f"https://a.test:{server.port}/hello?a=b"))
        connection.close()


@test
def the_admin_page_has_tls_when_asked(t):
    app = build_app(t, component=True)
    pem, key = certificate(t, "a.test")
    pair = ("--tls-cert", pem, "--tls-key", key)
    manifest = served_with(t, [entry((pem, key))], '[application.tool.stint.admin]\nlisten = "127.0.0.1:0"\n'
                                                   'tls = true')
    for arguments in ((app, *pair, "--admin", "https://127.0.0.1:0", "--listen", "http://127.0.0.1:0"),
                      (manifest,)):
        with Served(t, *arguments, listen=False) as server:
            line = server.lines("admin page on https://")[0]["message"]
            port = int(line.rstrip("/").rsplit(":", 1)[1])
            t.match(get(server, "/api/state", port).decode(), '^{"api":1,')
            t.equal(server.stop(), 0)
    done = run("up", app, "--listen", "127.0.0.1:0", "--admin", "https://127.0.0.1:0")
    t.ends(done, 1, "TLS needs a certificate: give --tls-cert and --tls-key")
    done = run("up", app, "--check", "--admin", "https://127.0.0.1:0")
    t.ends(done, 1, "TLS needs a certificate: give --tls-cert and --tls-key")


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
        t.ends(done, 1, "none.pem: cannot read the certificate: No such file")
        t.ends(done, 1, "in use")
    t.ends(run("up", app, "--tls-cert", "a"), 2, "--tls-cert and --tls-key go together")


main()
