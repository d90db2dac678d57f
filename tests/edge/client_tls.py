#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""TLS of guests' connections, to Redis, MQTT brokers and by https: whom they trust and what they show,
with real servers."""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import Daemon  # noqa: E402
from served import Served, build_app, free_ports  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "tls"
version = "1.0.0"
[application.tool.stint.limits]
outbound_timeout = "%(timeout)s"
[application.tool.stint.server]
workers = 1
%(triggers)s
[[trigger.http]]
route = "/..."
component = "two"
[[trigger.http]]
route = "/:op/:argument"
component = "one"
[component.one]
source = "app.wasm"
allowed_outbound_hosts = [%(hosts)s]
key_value_stores = [%(stores)s]
[component.one.tool.stint]
hosts = ["one.test"]
[component.two]
source = "app.wasm"
allowed_outbound_hosts = [%(hosts)s]
key_value_stores = [%(stores)s]
"""
TRIGGER = """
[[trigger.redis]]
address = "%s"
channel = "c"
component = "one"
"""


def needs(plugin, *programs):
    for name in (plugin, "tls"):
        if name and not os.path.exists(os.path.join(os.path.dirname(STINT), f"libstint-{name}.so")):
            raise Skip(f"libstint-{name}.so was not built")
    for program in ("openssl", *programs):
        if shutil.which(program) is None:
            raise Skip(program + " is not installed")


# ---- Certificates ----------------------------------------------------------------------------

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(t, name):
    """Its certificate; issue() makes others of it."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
            "-keyout", t.path(name + ".key"), "-out", t.path(name + ".pem"), "-subj", f"/CN={name}")
    return t.path(name + ".pem")


def issue(t, ca, name, names="DNS:localhost"):
    """Certificate and key."""
    pem, key = t.path(name + ".pem"), t.path(name + ".key")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
            t.path(name + ".csr"), "-subj", f"/CN={name}")
    with open(t.path(name + ".ext"), "w") as file:
        file.write(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", t.path(name + ".csr"), "-CA", ca, "-CAkey", ca[:-4] + ".key", "-days", "2",
            "-out", pem, "-extfile", t.path(name + ".ext"), "-CAcreateserial")
    os.chmod(key, 0o644)
    return pem, key


# ---- Servers ---------------------------------------------------------------------------------

class Secured(Daemon):
    """One with TLS, its certificate for `names`; with `client_ca` it wants one of its clients."""

    def __init__(self, t, ca, names="DNS:localhost", client_ca=None):
        needs(*self.needed)
        self.port, = free_ports(1)
        self.pem, self.key = issue(t, ca, self.program, names)
        self.command = self.command_of(t, client_ca or ca, client_ca is not None)
        super().__init__(self.port)


class Redis(Secured):
    program, needed = "redis-server", ("redis", "redis-server")

    def command_of(self, t, ca, asks):
        return ["redis-server", "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--dir", t.path(""), "--tls-cert-file", self.pem, "--tls-key-file", self.key,
                "--tls-ca-cert-file", ca, "--tls-auth-clients", "yes" if asks else "no"]


class Broker(Secured):
    program, needed = "mosquitto", ("tls", "mosquitto")

    def command_of(self, t, ca, asks):
        with open(t.path("mosquitto.conf"), "w") as file:
            file.write(f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n"
                       f"certfile {self.pem}\nkeyfile {self.key}\ncafile {ca}\n"
                       f"require_certificate {'true' if asks else 'false'}\n")
        return ["mosquitto", "-c", t.path("mosquitto.conf")]


class Nginx(Secured):
    program, needed = "nginx", ("http", "nginx")

    def command_of(self, t, ca, asks):
        with open(t.path("nginx.conf"), "w") as file:
            file.write(f"""daemon off; master_process off; pid {t.path("nginx.pid")};
error_log {t.path("nginx.log")};
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {t.path("body")}; proxy_temp_path {t.path("proxy")};
  fastcgi_temp_path {t.path("fastcgi")}; uwsgi_temp_path {t.path("uwsgi")}; scgi_temp_path {t.path("scgi")};
  server {{
    listen 127.0.0.1:{self.port} ssl;
    ssl_certificate {self.pem}; ssl_certificate_key {self.key};
    ssl_client_certificate {ca}; ssl_verify_client {"on" if asks else "off"};
    location / {{ return 204; }}
  }}
}}
""")
        return ["nginx", "-c", t.path("nginx.conf"), "-e", t.path("nginx.log")]


def hello_of(t, ca):
    """A server that says of each connection which name was asked for, and closes it."""
    names = []
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem, key = issue(t, ca, "hello")
    context.load_cert_chain(pem, key)
    context.sni_callback = lambda sock, name, _: names.append(name)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as sock:
                    names.append((sock.version(), sock.selected_alpn_protocol(), sock.session_reused))
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listener, names


# ---- Applications ----------------------------------------------------------------------------

def application(t, *hosts, source="redis_guest.c", runtime="", stores="", triggers="", timeout="20s"):
    """Arguments of `stint up`."""
    build_app(t, source=source)
    with open(t.path("spin.toml"), "w") as file:
        file.write(MANIFEST % {"triggers": triggers, "timeout": timeout, "stores": stores,
                               "hosts": ", ".join(f'"{host}"' for host in hosts)})
    with open(t.path("runtime.toml"), "w") as file:
        file.write(runtime)
    return [t.path("spin.toml"), "--runtime-config-file", t.path("runtime.toml")]


def trusting(ca):
    return {**os.environ, "SSL_CERT_FILE": ca}


def ask(server, op, argument, at, body=b"x", **headers):
    """`host`: "one.test" is the component `one`, else it is `two`."""
    return server.request("POST", f"/{op}/{argument}", body=body, headers={"address": at, **headers}).text


def table(**keys):
    return "[[client_tls]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def names(*items):
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


# ---- Tests -----------------------------------------------------------------------------------

@test
def redis_with_tls(t):
    ca = authority(t, "ca")
    with Redis(t, ca) as redis:
        url = f"rediss://localhost:{redis.port}"
        hosts = [f"rediss://{host}:{redis.port}" for host in ("localhost", "127.0.0.1")]
        with Served(t, *application(t, *hosts), env=trusting(ca)) as server:
            t.equal((ask(server, "set", "a", url, b"one"), ask(server, "get", "a", url)), ("done", "one"))
            t.equal((ask(server, "set1", "a", url, b"two"), ask(server, "get1", "a", url)), ("done", "two"))
            large = os.urandom(1 << 20)  # many records, both ways
            t.equal(ask(server, "set", "large", url, large), "done")
            t.equal(server.get("/get/large", address=url).body, large)
            t.equal(ask(server, "execute", "PING", url + "/3", b""), "+PONG\n")
            # The certificate is for localhost, and the rule for rediss alone.
            t.match(ask(server, "get", "a", f"rediss://127.0.0.1:{redis.port}"),
                    r"^error 3: 127.0.0.1:\d+: TLS: IP address mismatch")
            t.equal(ask(server, "get", "a", url.replace("rediss", "redis")), "error 0")
            t.equal(server.stop(), 0)
        with Served(t, *application(t, *hosts)) as server:
            t.match(ask(server, "get", "a", url), r"^error 3: localhost:\d+: TLS: .*certificate")
    with Redis(t, ca, names="DNS:elsewhere") as redis:
        url = f"rediss://localhost:{redis.port}"
        with Served(t, *application(t, url), env=trusting(ca)) as server:
            t.match(ask(server, "get", "a", url), r"^error 3: localhost:\d+: TLS: hostname mismatch")


@test
def stores_and_triggers_with_tls(t):
    ca = authority(t, "ca")
    with Redis(t, ca) as redis:
        url = f"rediss://localhost:{redis.port}"
        runtime = f'[key_value_store.default]\ntype = "redis"\nurl = "{url}"\n'
        with Served(t, *application(t, source="services.c", runtime=runtime, stores='"default"'),
                    env=trusting(ca)) as server:
            t.equal(server.request("POST", "/set/a", body="one").text, "set")
            t.equal((server.get("/get/a").text, server.get("/count/n").text), ("one", "1"))
            t.equal(server.stop(), 0)
        with Served(t, *application(t, source="services.c", runtime=runtime, stores='"default"')) as server:
            t.match(server.get("/get/a").text, "^error 3: .*TLS: ")
        app = application(t, url, triggers=TRIGGER % url)
        with Served(t, *app, env=trusting(ca)) as server:
            t.check(server.lines("subscribed", component="one"), server.log)
            t.equal(ask(server, "publish", "c", url, url.encode() + b"\nmessage"), "done")
            for _ in range(500):
                if ask(server, "get", "message", url) == "message":
                    break
                time.sleep(0.02)
            t.equal(ask(server, "get", "message", url), "message")
            t.equal(server.stop(), 0)


@test
def mqtt_with_tls(t):
    ca = authority(t, "ca")
    with Broker(t, ca) as broker:
        url = f"mqtts://localhost:{broker.port}"
        hosts = [f"mqtts://{host}:{broker.port}" for host in ("localhost", "127.0.0.1")]
        with Served(t, *application(t, *hosts), env=trusting(ca)) as server:
            for qos in (0, 1, 2):
                t.equal(ask(server, f"mqtt{qos}", "a", url, bytes(100000)), "published")
            t.equal(ask(server, "mqtt1", "a", url.replace("mqtts", "ssl")), "published")
            t.match(ask(server, "mqtt1", "a", f"mqtts://127.0.0.1:{broker.port}"),
                    r"^error 2: 127.0.0.1:\d+: TLS: IP address mismatch")
            t.equal(server.stop(), 0)
        with Served(t, *application(t, *hosts)) as server:
            t.match(ask(server, "mqtt1", "a", url), r"^error 2: localhost:\d+: TLS: .*certificate")


@test
def clients_show_certificates(t):
    """[[client_tls]] is for a component and its hosts: others trust the system, and show nothing."""
    ca, clients = authority(t, "ca"), authority(t, "clients")
    pem, key = issue(t, clients, "client", "DNS:client")
    with Redis(t, ca, client_ca=clients) as redis, Broker(t, ca, client_ca=clients) as broker:
        runtime = table(component_ids=names("one"), hosts=names("elsewhere", "LOCALHOST"),
                        ca_roots_file='"ca.pem"', client_cert_file=f'"{pem}"',
                        client_private_key_file='"client.key"')
        runtime += table(component_ids=names("two"), hosts=names(f"localhost:{redis.port}"),
                         ca_roots_file='"ca.pem"')
        urls = f"rediss://localhost:{redis.port}", f"mqtts://localhost:{broker.port}"
        with Served(t, *application(t, *urls, runtime=runtime)) as server:
            t.equal(ask(server, "set", "a", urls[0], host="one.test"), "done")
            t.equal(ask(server, "mqtt1", "a", urls[1], host="one.test"), "published")
            t.match(ask(server, "set", "a", urls[0]), "^error 3: .*TLS: .*(alert.*certificate|reset)")
            t.match(ask(server, "mqtt1", "a", urls[1]), "^error 2: .*TLS: ")  # the port is another one
            t.match(server.lines("client.pem: ", level="warn")[0]["message"], "certificate expires in [12] days")
            t.equal(server.stop(), 0)


@test
def https_goes_by_it_too(t):
    ca, clients = authority(t, "ca"), authority(t, "clients")
    pem, key = issue(t, clients, "client", "DNS:client")
    get = lambda server, host, authority: server.get("/a/b", host=host, x_scheme="https",
                                                     x_authority=authority).text
    with Nginx(t, ca, client_ca=clients) as nginx:
        url, at = f"https://localhost:{nginx.port}", f"localhost:{nginx.port}"
        full = table(component_ids=names("one"), hosts=names("localhost"), ca_roots_file='"ca.pem"',
                     client_cert_file='"client.pem"', client_private_key_file='"client.key"')
        old = full.replace("client_cert_file", "cert_chain_file").replace("client_private", "private")
        for runtime in (full, old):
            runtime += table(component_ids=names("two"), hosts=names("localhost"), ca_roots_file='"ca.pem"')
            with Served(t, *application(t, url, source="asks.c", runtime=runtime)) as server:
                t.equal(get(server, "one.test", at), "s204\n")
                t.equal(get(server, "two.test", at), "s400\n")  # no certificate was shown
                t.equal(server.stop(), 0)
        # Only the file's authorities, unless it says otherwise; and the name is looked at.
        only = table(component_ids=names("one"), hosts=names(f"localhost:{nginx.port}"),
                     ca_roots_file='"clients.pem"')
        with Served(t, *application(t, url, f"https://127.0.0.1:{nginx.port}", source="asks.c", runtime=only),
                    env=trusting(ca)) as server:
            t.equal(get(server, "one.test", at), "e013\n")  # TLS-certificate-error
            t.equal(get(server, "two.test", at), "s400\n")
            t.equal(get(server, "two.test", f"127.0.0.1:{nginx.port}"), "e013\n")
            t.equal(server.stop(), 0)


@test
def names_are_asked_for(t):
    ca = authority(t, "ca")
    needs("redis")
    listener, seen = hello_of(t, ca)
    with listener:
        port = listener.getsockname()[1]
        hosts = [f"{scheme}://{host}:{port}" for scheme in ("rediss", "mqtts")
                 for host in ("localhost", "127.0.0.1")]
        with Served(t, *application(t, *hosts), env=trusting(ca)) as server:
            t.match(ask(server, "get", "a", hosts[0]), "^error 3: .*(closed|unexpected eof|reset)")
            t.match(ask(server, "mqtt0", "a", hosts[2]), "^error 2: .*(closed|unexpected eof|reset)")
            # The second connection goes on from the first one's session.
            t.equal(seen, ["localhost", ("TLSv1.3", None, False), "localhost", ("TLSv1.3", None, True)])
            t.match(ask(server, "get", "a", hosts[1]), "^error 3: .*IP address mismatch")
            t.equal(seen[4:5], [None])  # an address is no name


@test
def handshakes_hold_nobody_up(t):
    """The one thread serves others while a server is silent."""
    needs("redis")
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as plain:
        at = [f"rediss://127.0.0.1:{one.getsockname()[1]}" for one in (silent, plain)]
        with Served(t, *application(t, *at, timeout="3s")) as server:
            answers = []
            waiting = threading.Thread(target=lambda: answers.append(ask(server, "get", "a", at[0])))
            waiting.start()
            connection, _ = silent.accept()
            hello = connection.recv(1)  # the handshake has begun
            t.equal((hello, ask(server, "get", "a", "redis://none")), (b"\x16", "error 0"))
            t.equal(answers, [])
            waiting.join()
            connection.close()
            t.match(answers[0], "^error 3: .*: no answer in time")

            def answer():
                connection, _ = plain.accept()
                connection.sendall(b"+PONG\r\n")
                connection.recv(1000)
                connection.close()
            threading.Thread(target=answer, daemon=True).start()
            t.match(ask(server, "get", "a", at[1]), "^error 3: .*TLS: wrong version number")
            t.equal(server.stop(), 0)


@test
def mistakes_are_said_at_start(t):
    needs("redis")
    ca = authority(t, "ca")
    pem, key = issue(t, ca, "client")
    other = issue(t, ca, "other")
    one, local = names("one"), names("localhost")
    runtime = table(component_ids=one, hosts=local, ca_roots_file='"none.pem"')
    runtime += table(component_ids=one, hosts=local, client_cert_file='"client.pem"',
                     client_private_key_file='"other.key"')
    done = run("up", *application(t, runtime=runtime), "--listen", "127.0.0.1:0")
    t.ends(done, 1, "client_tls: .*none.pem: cannot read the certificates of authorities")
    t.ends(done, 1, "client_tls: .*other.key: cannot read the key, or it is not that of the certificate")
    runtime = table(component_ids=one, hosts=names("localhost", "h:1"), ca_roots_file='"ca.pem"',
                    ca_use_platform_roots="true", client_cert_file='"client.pem"',
                    client_private_key_file='"client.key"')
    done = run("up", *application(t, runtime=runtime), "--check")
    t.match(done.out, "^    TLS with    localhost, h:1: trusts .*ca.pem and the system's, shows .*client.pem$")
    for keys, what in (
            ({"hosts": "[]"}, "hosts names no host"),
            ({"component_ids": "[]"}, "component_ids names no component"),
            ({"hosts": '["a b"]'}, "'a b' is no host"),
            ({"hosts": '["h:0"]'}, "'h:0' is no host"),
            ({"hosts": '["https://h"]'}, "'https://h' is no host"),
            ({"client_cert_file": '"client.pem"'}, "client_cert_file and client_private_key_file go together"),
            ({"ca_use_platform_roots": "false"}, "nobody would be trusted"),
            ({"ca_root_file": '"ca.pem"'}, "ca_roots_file")):
        runtime = table(**{"component_ids": one, "hosts": local, **keys})
        done = run("up", *application(t, runtime=runtime), "--check")
        t.ends(done, 1, what)
        t.ends(done, 1, "runtime.toml:")


main()
