#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Regions of `stint up`: several servers on loopback, of which each is one."""
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402
from served import Served, build_app, free_ports  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

KR, US, DE = "203.0.113.9", "192.0.2.77", "2001:db8:de::1"
NAMES = ("asia", "eu", "us")
SECRET = "sixteen characters or more"


class World:
    """Manifests for the regions asia, eu and us; `start` makes one of them run."""

    def __init__(self, t, rule="proxy", **more):
        self.t, self.rule, self.more = t, rule, more
        self.ports = dict(zip(NAMES, free_ports(len(NAMES))))
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.running = {}
        build_app(t, component=True)
        mmdb.write(t.path("geo.mmdb"))
        t.file("secret", SECRET + "\n")

    def manifest(self, here, secret="secret"):
        text = f"""spin_manifest_version = 2
[application]
name = "world"
[application.tool.stint.log]
access = "access-{here}.jsonl"
[application.tool.stint.regions]
here = "{here}"
rule = "{self.rule}"
secret_file = "{secret}"
{self.more.get("regions", "")}
"""
        where = {"asia": ("AS", 37.5, 127, "eu"), "eu": ("EU", 50, 9, "us"), "us": ("NA", 39, -77, "eu")}
        for name, (continent, latitude, longitude, near) in where.items():
            text += f"""[application.tool.stint.regions.{name}]
url = "{self.urls[name]}"
continents = ["{continent}"]
latitude = {latitude}
longitude = {longitude}
near = ["{near}"]
health = "/healthy"
health_interval = "100ms"
health_timeout = "5s"
{self.more.get(name, "")}
"""
        text += f"""[[trigger.http]]
route = "/where"
component = "where"
[[trigger.http]]
route = "/..."
component = "app"
[[trigger.http]]
route = "/pinned/..."
component = "pinned"
[[trigger.http]]
route = "{self.more.get("healthy", "/healthy")}"
static_response = {{ status_code = 204 }}
[[trigger.http]]
route = "/fixed"
static_response = {{ status_code = 200, body = "{here}" }}
[component.app]
source = "app.wasm"
[component.app.tool.stint.limits]
request_size = "100M"
[component.where]
source = "app.wasm"
[component.pinned]
source = "app.wasm"
[component.pinned.tool.stint]
regions = ["eu"]
{self.more.get("components", "")}
"""
        return self.t.file(f"{here}-{secret}.toml", text)

    def start(self, name, *arguments, secret="secret", trust=None):
        trust = name == "asia" if trust is None else trust
        server = Served(self.t, self.manifest(name, secret), "--listen",
                        f"127.0.0.1:{self.ports[name]}", "--geo", self.t.path("geo.mmdb"),
                        "--metrics", "127.0.0.1:0", *arguments,
                        *(("--trust-proxy", "127.0.0.1") if trust else ()), listen=False)
        self.running[name] = server
        return server

    def begin(self, *names, **more):
        """Several, the first one last: it finds the others healthy."""
        made = {name: self.start(name, **more) for name in reversed(names)}
        return [made[name] for name in names]

    def stop(self, name):
        server = self.running.pop(name)
        server.process.kill()
        server.stop()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for server in self.running.values():
            server.stop()

    def get(self, path, client, server="asia", **headers):
        return self.running[server].get(path, x_forwarded_for=client, **headers)

    def access(self, name):
        with open(self.t.path(f"access-{name}.jsonl")) as file:
            return [json.loads(line) for line in file]


def metrics(server):
    line = server.lines(containing="metrics on ")[0]
    url = re.search(r"http://\S+", line.get("message", line.get("text", "")))[0]
    with urllib.request.urlopen(url, timeout=60) as answer:
        text = answer.read().decode()
    return dict(re.match(r"(\S+) (\S+)$", row).groups() for row in text.splitlines()
                if row and row[0] != "#")


def wait_for(what):
    for _ in range(1500):
        if what():
            return True
        time.sleep(0.02)
    return False


def is_up(server, region):
    return metrics(server)[f'stint_region_up{{region="{region}"}}'] == "1"


def done(server, region, how):
    return int(metrics(server)[f'stint_region_requests_total{{region="{region}",how="{how}"}}'])


@test
def requests_are_answered_where_they_belong(t):
    with World(t) as world:
        asia, eu, us = world.begin(*NAMES)
        for client, where in ((KR, "asia"), (DE, "eu"), (US, "us")):
            answer = world.get("/fixed", client)
            t.equal((answer.status, answer.text), (200, where))
            t.equal(answer.headers["via"], None if where == "asia" else "1.1 stint-asia")
        body = os.urandom(200000)
        for data in (body, iter([body[:1000], body[1000:]])):
            answer = asia.request("POST", "/echo", body=data, headers={"x-forwarded-for": DE})
            t.check(answer.body == body, "the body came back changed")
        head = asia.request("HEAD", "/hello", headers={"x-forwarded-for": DE})
        t.equal((head.status, head.body, head.headers["content-length"]), (200, b"", "6"))
        t.equal(world.get("/other", DE).status, 404)
        for _ in range(5):  # on connections that are kept
            t.equal(world.get("/fixed", US).text, "us")
        t.equal(done(asia, "eu", "proxied"), 5)
        t.equal(done(asia, "us", "proxied"), 6)
        t.equal(done(asia, "asia", "served"), 1)
        t.equal(done(eu, "asia", "received"), 5)
        for server in (asia, eu, us):
            t.equal(server.stop(), 0)
        ours = [line for line in world.access("asia") if line.get("how") == "proxied"]
        theirs = world.access("eu") + world.access("us")
        t.equal(sorted(line["id"] for line in ours), sorted(line["hop_id"] for line in theirs
                                                            if "hop_id" in line))
        t.equal({line["country"] for line in theirs if "hop_id" in line}, {"DE", "US"})


@test
def the_other_server_sees_the_client(t):
    with World(t) as world:
        asia, eu = world.begin("asia", "eu")
        def ask(name, **more):
            return world.get("/header", DE, x_ask=name, **more).text
        t.match(ask("spin-client-addr"), r"2001:db8:de::1")
        t.equal(ask("cf-ipcountry"), "DE")
        t.equal(ask("x-geo-city"), "Berlin")
        t.equal(ask("host"), f"127.0.0.1:{asia.port}")
        t.equal(ask("stint-hop"), "(none)")
        t.equal(ask("via"), "1.1 stint-asia")
        t.match(ask("forwarded"), r"for=\"\[2001:db8:de::1\]\";host=\"127\.0\.0\.1:\d+\";proto=http")
        t.equal(ask("connection"), "(none)")
        # What is forged never comes through.
        for name in ("cf-ipcountry", "x-geo-country"):
            t.equal(ask(name, **{name: "KR"}), "DE")
        forged = eu.get("/header", x_ask="spin-client-addr", x_forwarded_for=KR, via="1.1 stint-us")
        t.match(forged.text, r"^127\.0\.0\.1")


@test
def hops_are_believed_with_the_secret_alone(t):
    with World(t) as world:
        t.file("other", "another text that is long enough\n")
        eu, asia = world.start("eu", secret="other"), world.start("asia")
        answer = world.get("/fixed", DE)
        t.equal(answer.status, 403)
        t.check(eu.lines(containing="the secret of that server is another one"), eu.log)
        for value in ("", "x", "1 2 3", "1 " + "x " * 10 + "0" * 64, "1" * 2000,
                      f"1 {int(time.time())} us 0 {KR} KR AS 11 1 http example.org " + "ab" * 32):
            t.equal(eu.get("/fixed", stint_hop=value).status, 403)
        t.equal(eu.get("/fixed").status, 200)
    t.ends(run("up", "--check", no_secret(t)), 1, "'secret_file' is needed")


def no_secret(t):
    return t.file("spin.toml", """spin_manifest_version = 2
[application]
name = "x"
[application.tool.stint.regions]
here = "a"
[application.tool.stint.regions.a]
url = "http://127.0.0.1:1"
[application.tool.stint.regions.b]
url = "http://127.0.0.1:2"
""")


@test
def a_hop_holds_for_its_request_and_time(t):
    import hashlib
    import hmac

    def hop(method, path, at, secret=SECRET):
        words = f"1 {at} us 0123 {KR} KR AS 11 64498 https shop.test"
        mac = hmac.new(secret.encode(), f"{method} {path}\n{words}".encode(), hashlib.sha256)
        return f"{words} {mac.hexdigest()}"

    with World(t) as world:
        eu = world.start("eu", trust=False)
        now = int(time.time())
        def status(value, path="/header"):
            answer = eu.get(path, stint_hop=value, x_ask="cf-ipcountry")
            return answer.status, answer.text
        t.equal(status(hop("GET", "/header", now)), (200, "KR"))
        t.equal(status(hop("GET", "/header", now - 250)), (200, "KR"))
        t.equal(eu.get("/header", stint_hop=hop("GET", "/header", now), x_ask="host").text,
                "shop.test")
        for value, path in ((hop("GET", "/header", now), "/header?x"),
                            (hop("POST", "/header", now), "/header"),
                            (hop("GET", "/header", now, "x" * 20), "/header"),
                            (hop("GET", "/header", now - 1000), "/header"),
                            (hop("GET", "/header", now + 1000), "/header")):
            t.equal(status(value, path)[0], 403)
        t.check(eu.lines(containing="look at the clocks"), eu.log)
        # It was proxied here, so it is served here, wherever the client is.
        t.equal(eu.get("/fixed", stint_hop=hop("GET", "/fixed", now)).text, "eu")


@test
def clients_are_sent_on(t):
    with World(t, rule="redirect") as world:
        _, asia = world.start("eu", trust=True), world.start("asia")
        answer = world.get("/hello?a=b", DE, host="world.test")
        t.equal((answer.status, answer.headers["location"]), (307, world.urls["eu"] + "/hello?a=b"))
        t.equal(answer.headers["cache-control"], "no-store")
        t.equal(world.get("/fixed", KR).text, "asia")
        t.equal(done(asia, "eu", "redirected"), 1)
        # Who asked for it by its name is served, wherever from.
        t.equal(world.get("/fixed", KR, server="eu").text, "eu")
        # A component that may not run there is asked for where it may.
        t.equal(world.get("/pinned/hello", KR, host="world.test").status, 307)
        t.equal(world.get("/pinned/hello", KR).headers["via"], "1.1 stint-asia")


@test
def some_rules_serve_here(t):
    with World(t, rule="serve", healthy="/other") as world:
        asia = world.start("asia")
        for client in (KR, DE, US):
            t.equal(world.get("/fixed", client).text, "asia")
        t.check(done(asia, "asia", "served") >= 1, "it was not counted")


@test
def the_nearest_takes_over(t):
    with World(t) as world:
        asia, eu, us = world.begin(*NAMES)
        t.equal(world.get("/fixed", DE).text, "eu")
        world.stop("eu")
        # Whether it is known already or shows with the request: nobody waits for an answer.
        t.equal(world.get("/fixed", DE).text, "us")
        t.equal(asia.request("POST", "/echo", body=b"whole", headers={"x-forwarded-for": DE}).text,
                "whole")
        t.check(wait_for(lambda: not is_up(asia, "eu")), "eu is still up")
        t.check(asia.lines(containing="region eu is down: "), asia.log)
        world.stop("us")
        t.equal(world.get("/fixed", DE).text, "asia")
        # What is pinned stays where it is pinned to.
        answer = world.get("/pinned/hello", KR)
        t.equal(answer.status, 503)
        t.check(int(answer.headers["retry-after"]) >= 1, answer.headers)
        t.check(done(asia, "asia", "refused") >= 1, "it was not counted")
        world.start("eu")
        t.check(wait_for(lambda: is_up(asia, "eu")), "eu is not up again")
        t.check(asia.lines(containing="region eu is up again"), asia.log)
        t.equal(world.get("/fixed", DE).text, "eu")
        t.equal(world.get("/hello", KR).text, "hello\n")


@test
def explanations_are_what_is_done(t):
    with World(t) as world:
        asia, _, _ = world.begin(*NAMES)
        for country, client in (("KR", KR), ("DE", DE), ("US", US)):
            for path in ("/fixed", "/pinned/hello", "/healthy"):
                said = json.loads(run("route", "-f", world.manifest("asia"), "--country", country,
                                      "--client", client, "--json", path).out)
                answer = world.get(path, client)
                t.equal(answer.status, {"/fixed": 200, "/healthy": 204}.get(path, 404))
                is_proxied = answer.headers["via"] is not None
                t.equal(is_proxied, said["action"] == "proxy")
                if path == "/fixed":
                    t.equal(answer.text, said["region"])
        t.equal(asia.stop(), 0)


@test
def weights_keep_their_clients(t):
    with World(t, eu="weight = 40") as world:
        world.begin(*NAMES)
        chosen = {}
        for number in range(40):
            client = f"2001:db8:de:{number:x}::1"
            chosen[client] = world.get("/fixed", client).text
        t.equal(set(chosen.values()), {"eu", "us"})
        for client, where in chosen.items():
            t.equal(world.get("/fixed", client).text, where)
            said = run("route", "-f", world.manifest("asia"), "--country", "DE", "--client", client,
                       "--json", "/fixed").out
            t.equal(json.loads(said)["region"], where)


# ---- Bodies -------------------------------------------------------------------------------

def peak_bytes(server):
    with open(f"/proc/{server.process.pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024


@test
def bodies_stream_both_ways(t):
    """Larger than any buffer; what one side does not take, the other waits with."""
    is_debug = "debug" in STINT
    total = (6 if is_debug else 50) << 20
    with World(t) as world:
        # Not compiled meanwhile: that takes memory, too.
        _, asia = world.start("eu"), world.start("asia", "--workers", "1", "--tier", "interp")
        world.get("/fixed", DE)
        before = peak_bytes(asia)
        piece = os.urandom(1 << 16)
        sock = socket.create_connection((asia.host, asia.port), timeout=60)
        sock.sendall(f"POST /echo HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {DE}\r\n"
                     f"content-length: {total}\r\n\r\n".encode())
        sending = threading.Thread(target=lambda: [sock.sendall(piece)
                                                   for _ in range(total >> 16)])
        sending.start()
        response = http.client.HTTPResponse(sock)
        response.begin()
        t.equal(response.status, 200)
        count = 0
        while True:
            data = response.read(1 << 16)
            if not data:
                break
            t.check(data == piece, "the body came back changed")
            count += len(data)
        sending.join()
        sock.close()
        t.equal(count, total)
        # A client that does not read holds the guest up, not memory.
        slow = socket.create_connection((asia.host, asia.port), timeout=60)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(f"GET /big={total} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {DE}\r\n"
                     "\r\n".encode())
        t.equal(slow.recv(12), b"HTTP/1.1 200")
        t.equal(world.get("/fixed", DE).text, "eu")
        if not is_debug:
            t.check(peak_bytes(asia) - before < 8 << 20, f"{peak_bytes(asia) - before} bytes more")
        slow.close()
        # … and when it leaves, so does the hop.
        t.check(wait_for(lambda: metrics(asia)['stint_region_running{region="eu"}'] == "0"),
                "the hop goes on")
        t.equal(asia.stop(), 0)


@test
def pieces_arrive_as_they_are_written(t):
    with World(t) as world:
        asia, _ = world.begin("asia", "eu")
        connection = asia.connect()
        connection.request("GET", "/drip=30", headers={"x-forwarded-for": DE})
        response = connection.getresponse()
        t.equal(response.read(5), b"drop\n")
        t.equal(response.read(), b"drop\n" * 4)
        connection.request("GET", "/late-trap", headers={"x-forwarded-for": DE})
        response = connection.getresponse()
        try:
            response.read()
            t.check(False, "the end of a broken body looked like a whole one")
        except (http.client.HTTPException, OSError):
            pass


class Peer:
    """A region's server that answers what a test wants."""

    def __init__(self, port, answer):
        self.answer, self.requests, self.connections = answer, [], 0
        self.socket = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, data = data.split(b"\r\n\r\n", 1)
                if b"GET /healthy " in head:
                    connection.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")
                    continue
                self.requests.append(head.decode())
                if not self.answer(connection, head):
                    return

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@test
def answers_of_other_servers_are_read_strictly(t):
    cases = {
        "/nonsense": (b"nonsense\r\n\r\n", 502, None),
        "/two-lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 502,
                         None),
        "/switch": (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", 502, None),
        "/large": (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100000 + b"\r\n\r\n", 502, None),
        "/nothing": (b"", 502, None),
        "/interim": (b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n"
                     b"connection: x-hop\r\nx-hop: 1\r\nX-Kept: 2\r\nkeep-alive: 5\r\n\r\nok", 200,
                     "ok"),
        "/chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
                    b"2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n", 200, "ok"),
        "/until-close": (b"HTTP/1.0 200 OK\r\n\r\nok", 200, "ok"),
        "/empty": (b"HTTP/1.1 204 None\r\n\r\n", 204, ""),
    }

    def answer(connection, head):
        path = head.split()[1].decode()
        if path == "/silent":
            time.sleep(30)
            return False
        connection.sendall(cases[path][0])
        return path in ("/interim", "/chunks", "/empty")

    with World(t, eu='timeout = "2s"') as world, Peer(world.ports["eu"], answer) as peer:
        asia = world.start("asia", "--workers", "1")
        for path, (_, status, text) in cases.items():
            got = world.get(path, DE)
            t.equal((path, got.status), (path, status))
            if text is not None:
                t.equal(got.text, text)
            if path == "/interim":
                t.equal((got.headers["x-hop"], got.headers["x-kept"], got.headers["keep-alive"]),
                        (None, "2", None))
        t.equal(world.get("/silent", DE).status, 504)
        t.check(asia.lines(containing="region eu: no answer in time"), asia.log)
        t.check(asia.lines(containing="region eu: its answer is no HTTP"), asia.log)
        sock = socket.create_connection((asia.host, asia.port), timeout=60)
        sock.sendall(f"GET /chunks HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {DE}\r\n"
                     "connection: close\r\n\r\n".encode())
        whole = b"".join(iter(lambda: sock.recv(65536), b""))
        t.match(whole.decode(), r"(?s)chunked.*\r\n0\r\nx-sum: 7\r\n\r\n$")
        sock.close()
        # A connection that ended while it was kept costs nothing.
        before = peer.connections
        t.equal([world.get("/empty", DE).status for _ in range(4)], [204] * 4)
        t.check(peer.connections <= before + 1, "connections are not kept")
        for head in peer.requests:
            t.check("connection:" not in head.lower() and "stint-hop: 1 " in head, head)


@test
def requests_never_go_in_a_circle(t):
    """Something between the regions takes the header away, and sends everything back."""
    with World(t) as world:
        urls = dict(world.urls)

        class Strip(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                kept = {k: ", ".join(self.headers.get_all(k)) for k in self.headers
                        if k.lower() not in ("stint-hop", "host", "connection")}
                request = urllib.request.Request(urls["asia"] + self.path, headers=kept)
                try:
                    with urllib.request.urlopen(request, timeout=30) as answer:
                        status, body = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # the server has ended

        with http.server.ThreadingHTTPServer(("127.0.0.1", world.ports["eu"]), Strip) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            asia = world.start("asia")
            t.equal(world.get("/fixed", DE).status, 508)
            t.check(asia.lines(containing="proxied before"), asia.log)
            proxy.shutdown()


@test
def nginx_may_be_in_front(t):
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nginx is None:
        raise Skip("no nginx")
    with World(t) as world:
        behind = world.ports["eu"]
        front, = free_ports(1)
        world.urls["eu"] = f"http://localhost:{front}"
        folder = t.path("")
        conf = t.file("nginx.conf", f"""daemon off; error_log stderr; pid {folder}/nginx.pid;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
client_max_body_size 0;
server {{ listen 127.0.0.1:{front};
location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;
proxy_request_buffering off; }} }} }}
""")
        proxy = subprocess.Popen([nginx, "-c", conf, "-p", folder], stderr=subprocess.DEVNULL)
        try:
            asia, _ = world.begin("asia", "eu")
            t.check(wait_for(lambda: is_up(asia, "eu")), "eu is not up")
            t.equal(world.get("/fixed", DE).text, "eu")
            t.equal(world.get("/header", DE, x_ask="host").text, f"127.0.0.1:{asia.port}")
            t.match(world.get("/header", DE, x_ask="spin-client-addr").text, "2001:db8:de::1")
            body = os.urandom(1 << 20)
            answer = asia.request("POST", "/echo", body=iter([body]),
                                  headers={"x-forwarded-for": DE})
            t.check(answer.body == body, "the body came back changed")
        finally:
            proxy.terminate()
            proxy.wait()


@test
def regions_are_reached_by_https(t):
    if shutil.which("openssl") is None:
        raise Skip("no openssl")
    pem, key = t.path("site.pem"), t.path("site.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", pem, "-days", "9",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    with World(t, regions=f'ca_file = "{pem}"') as world:
        world.urls["eu"] = f"https://localhost:{world.ports['eu']}"
        world.urls["us"] = f"https://127.0.0.1:{world.ports['us']}"
        for name in ("eu", "us"):
            world.start(name, "--tls-cert", pem, "--tls-key", key)
        asia = world.start("asia")
        t.check(wait_for(lambda: is_up(asia, "eu")), "eu is not up")
        t.equal(world.get("/fixed", DE).text, "eu")
        body = os.urandom(300000)
        answer = asia.request("POST", "/echo", body=body, headers={"x-forwarded-for": DE})
        t.check(answer.body == body, "the body came back changed")
        # The certificate is not for that address, so nothing is said to it.
        t.check(wait_for(lambda: not is_up(asia, "us")), "a wrong certificate was taken")
        t.check(asia.lines(containing="no TLS connection"), asia.log)
        t.equal(world.get("/fixed", US).text, "eu")


@test
def versions_change_regions(t):
    import signal
    with World(t) as world:
        asia, _ = world.begin("asia", "eu")
        t.equal(world.get("/fixed", DE).text, "eu")
        world.rule = "serve"
        world.manifest("asia")
        asia.process.send_signal(signal.SIGHUP)
        t.check(asia.lines(containing="served as it is now"), asia.log)
        t.check(wait_for(lambda: world.get("/fixed", DE).text == "asia"), "the old rule is in force")
        t.check(done(asia, "eu", "proxied") >= 1, "counts are lost")
        t.equal(asia.stop(), 0)


main()
