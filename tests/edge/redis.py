#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Redis and MQTT: stores, guests' own connections, triggers; with real servers."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import Daemon  # noqa: E402
from monitored import Monitor, collector  # noqa: E402
from served import Served, build_app, free_ports, make_component  # noqa: E402
from stores import check_counts_together, put  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "redis"
version = "1.0.0"
[application.tool.stint.limits]
timeout = "%(timeout)s"
outbound_timeout = "2s"
[application.tool.stint.server]
workers = %(workers)d
[[trigger.http]]
route = "/..."
component = "app"
%(triggers)s
[component.app]
source = "app.wasm"
key_value_stores = [%(stores)s]
allowed_outbound_hosts = [%(hosts)s]
"""
TRIGGER = """
[[trigger.redis]]
address = "%s"
channel = "%s"
component = "app"
"""
WORLD = """package test:redis;
world app {
  import fermyon:spin/redis@2.0.0;
  import fermyon:spin/redis;
  import fermyon:spin/mqtt@2.0.0;
  import wasi:http/types@0.2.0;
  export wasi:http/incoming-handler@0.2.0;
  export fermyon:spin/inbound-redis;
}
"""
GUESTS = {}  # by source, and whether it is a component


def plugin(name, package):
    if not os.path.exists(os.path.join(os.path.dirname(STINT), f"libstint-{name}.so")):
        raise Skip(f"libstint-{name}.so was not built: {package} is missing")


class Redis(Daemon):
    def __init__(self, t, password=None):
        plugin("redis", "libhiredis-dev")
        if shutil.which("redis-server") is None:
            raise Skip("redis-server is not installed")
        port, = free_ports(1)
        self.password = password
        self.command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                        "--appendonly", "yes", "--appendfsync", "always", "--dir", t.path(""),
                        "--dbfilename", "redis.rdb"]
        if password:
            self.command += ["--requirepass", password]
        super().__init__(port)

    def start(self):
        super().start()
        while self.ask("PING").startswith("-LOADING"):
            time.sleep(0.02)

    @property
    def url(self):
        return f"redis://:{self.password}@127.0.0.1:{self.port}" if self.password else \
            f"redis://127.0.0.1:{self.port}"

    def ask(self, *words):
        """The raw reply to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as one:
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            one.sendall(b"*%d\r\n" % len(words) +
                        b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            with one.makefile("rb") as file:
                line = file.readline().rstrip()
                if line[:1] == b"$" and line != b"$-1":
                    return file.read(int(line[1:]))
                return line.decode()


class Broker(Daemon):
    def __init__(self, t, password=None):
        for program in ("mosquitto", "mosquitto_sub"):
            if shutil.which(program) is None:
                raise Skip(program + " is not installed")
        port, = free_ports(1)
        with open(t.path("mosquitto.conf"), "w") as file:
            file.write(f"user root\nlistener {port} 127.0.0.1\nmax_packet_size 100000\n")
            file.write(f"allow_anonymous {'false' if password else 'true'}\n")
            if password:
                file.write(f"password_file {t.path('passwords')}\n")
        if password:
            open(t.path("passwords"), "w").close()
            os.chmod(t.path("passwords"), 0o600)
            subprocess.run(["mosquitto_passwd", "-b", t.path("passwords"), "user", password],
                           check=True, capture_output=True)
        self.command = ["mosquitto", "-c", t.path("mosquitto.conf")]
        super().__init__(port)

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"


def application(t, source="redis_guest.c", store=None, hosts=(), triggers="", timeout="20s",
                workers=2, component=False):
    """Arguments of `stint up`; `store` is a URL, or URLs by label."""
    if (source, component) not in GUESTS:
        path = build_app(t, source=source)
        if component:
            make_component(t, path, WORLD)
        with open(path, "rb") as file:
            GUESTS[source, component] = file.read()
    with open(t.path("app.wasm"), "wb") as file:
        file.write(GUESTS[source, component])
    stores = store if isinstance(store, dict) else {"default": store}
    with open(t.path("spin.toml"), "w") as file:
        file.write(MANIFEST % {"triggers": triggers, "timeout": timeout, "workers": workers,
                               "stores": ", ".join(f'"{label}"' for label in stores),
                               "hosts": ", ".join(f'"{host}"' for host in hosts)})
    if store is None:
        return [t.path("spin.toml")]
    with open(t.path("runtime.toml"), "w") as file:
        for label, url in stores.items():
            file.write(f'[key_value_store.{label}]\ntype = "redis"\nurl = "{url}"\n')
    return [t.path("spin.toml"), "--runtime-config-file", t.path("runtime.toml")]


# ---- Stores ----------------------------------------------------------------------------------

@test
def stores_are_in_redis(t):
    with Redis(t) as redis:
        with Served(t, *application(t, "services.c", redis.url + "/3")) as server:
            get = lambda path: server.get(path).text
            t.equal(get("/get/a"), "(none)")
            t.equal((put(server, "a", b"one"), get("/get/a")), ("set", "one"))
            t.equal((put(server, "a", b"two"), get("/get/a")), ("set", "two"))
            t.equal((get("/exists/a"), get("/exists/b")), ("1", "0"))
            t.equal((put(server, "empty", b""), get("/get/empty")), ("set", ""))
            t.equal(get("/keys/"), "a\nempty\n")
            t.equal(get("/delete/empty") + get("/delete/empty"), "deleteddeleted")
            large = os.urandom(1 << 20)
            t.equal(put(server, "large", large), "set")
            t.equal(server.get("/get/large").body, large)
            t.equal(get("/first/a"), "two, error 3")
            # wasi:keyvalue
            t.equal([get("/count/n") for _ in range(3)], ["1", "2", "3"])
            t.equal(get("/get/n"), "3")
            t.match(get("/count/large"), "error 2: ERR value is not an integer")
            t.equal(server.request("POST", "/swap/s", body="x").text, "(none), swapped")
            t.equal(server.request("POST", "/swap/s", body="x").text, "new, swapped")
            t.equal(get("/delete/s"), "deleted")
            t.equal(put(server, "s", b"7"), "set")
            t.equal(get("/swap/s"), "7, too late, then swapped")
            t.equal(get("/get/s"), "newer")
            t.equal(get("/batch/"), "a=one b=two c= 0")
            t.equal(sum(map(int, get("/pages/").split())), 3)
            t.equal(redis.ask("SELECT", "0"), "+OK")
            t.equal(redis.ask("EXISTS", "s"), ":0")  # it is in another database
            t.equal(server.stop(), 0)


@test
def pages_of_many_keys(t):
    with Redis(t) as redis:
        with Served(t, *application(t, "services.c", redis.url)) as server:
            redis.ask("MSET", *(text for i in range(3000) for text in (f"k{i:05}", i)))
            pages = [int(count) for count in server.get("/pages/").text.split()]
            t.check(len(pages) >= 3, f"pages: {pages}")
            t.check(sum(pages) >= 3000, f"pages: {pages}")
            t.equal(server.get("/keys/").text.split(), [f"k{i:05}" for i in range(3000)])


@test
def two_workers_count_together(t):
    with Redis(t) as redis:
        with Served(t, *application(t, "services.c", redis.url)) as server:
            check_counts_together(t, server)
            clients = int(re.search(rb"connected_clients:(\d+)", redis.ask("INFO", "clients"))[1])
            t.check(clients <= 34, f"{clients} connections")


@test
def a_store_comes_back_with_its_server(t):
    with Redis(t) as redis:
        with Served(t, *application(t, "services.c", redis.url)) as server:
            t.equal(put(server, "a", b"one"), "set")
            redis.stop()
            t.match(server.get("/get/a").text, r"^error 3: 127.0.0.1:\d+: ")
            t.match(server.get("/count/a").text, r"^error 2: 127.0.0.1:\d+: ")
            redis.start()
            t.equal(server.get("/get/a").text, "one")
            t.equal(server.get("/count/n").text, "1")


@test
def a_wrong_password_is_said_and_never_logged(t):
    with Redis(t, password="s3cr%4") as redis:
        at = f"127.0.0.1:{redis.port}"
        stores = {"wrong": f"redis://:wr0ng@{at}", "none": f"redis://{at}",
                  "right": f"redis://:s3cr%254@{at}", "user": f"redis://default:s3cr%254@{at}/1"}
        with Served(t, *application(t, "services.c", stores)) as server:
            get = lambda store: server.get("/get/a", store=store).text
            t.match(get("wrong"), "^error 3: 127.0.0.1:.*(WRONGPASS|invalid password)")
            t.match(get("none"), "^error 3: .*NOAUTH")
            t.equal((get("right"), get("user")), ("(none)", "(none)"))
            server.stop()
            t.check("wr0ng" not in "\n".join(server.log), "a password is in the log")
            t.check("s3cr" not in "\n".join(server.log), "a password is in the log")


@test
def urls_of_stores_that_are_wrong_are_said(t):
    plugin("redis", "libhiredis-dev")
    wrong = {"insecure": ("rediss://localhost/#insecure", "certificates are always checked"),
             "scheme": ("http://localhost", "it begins neither with redis:// nor with rediss://"),
             "host": ("redis://local host", "its host or port is not right"),
             "port": ("redis://localhost:99999", "its host or port is not right"),
             "user": ("redis://%zz@localhost", "its user or password is not right"),
             "database": ("redis://localhost/x", "no number of a database")}
    stores = {label: url for label, (url, _) in wrong.items()}
    with Served(t, *application(t, "services.c", stores)) as server:
        for label, (_, why) in wrong.items():
            t.match(server.get("/get/a", store=label).text, "^error 3: .*" + why)


# ---- Guests' own connections -----------------------------------------------------------------

def check_guest(t, server, redis):
    def ask(op, argument="", body=None, second=None, at=redis.url):
        headers = {"address": at, **({"second": second} if second else {})}
        return server.request("POST", f"/{op}/{argument}", body=body, headers=headers).text

    t.equal(ask("get", "a"), "(none)")
    t.equal((ask("set", "a", b"one"), ask("get", "a")), ("done", "one"))
    t.equal([ask("incr", "n") for _ in range(3)], ["1", "2", "3"])
    t.equal(ask("incr", "a"), "error 2")  # type-error
    t.equal(ask("sadd", "s", b"x\ny\nx"), "2")
    t.equal(sorted(ask("smembers", "s").split()), ["x", "y"])
    t.equal(ask("srem", "s", b"x\nz"), "1")
    t.equal(ask("smembers", "none"), "")
    t.equal(ask("smembers", "a"), "error 2")
    t.equal(ask("get", "s"), "error 2")
    t.equal(ask("del", "", b"a\nn\nnone"), "2")
    t.equal(ask("publish", "c", b"message"), "done")
    binary = bytes(range(256))
    t.equal(ask("set", "b", binary), "done")
    t.equal(redis.ask("GET", "b"), binary)
    # Any command.
    t.equal(ask("execute", "PING"), "+PONG\n")
    t.equal(ask("execute", "set", b"k\nvalue"), "+OK\n")
    t.equal(ask("execute", "get", b"k"), "$value\n")
    t.equal(ask("execute", "get", b"none"), "nil\n")
    t.equal(ask("execute", "INCRBY", b"i\n#-9223372036854775808"), "-9223372036854775808\n")
    t.equal(ask("execute", "RPUSH", b"l\n1\n2"), "2\n")
    t.equal(ask("execute", "LRANGE", b"l\n#0\n#-1"), "$1\n$2\n")
    t.equal(ask("execute", "EVAL", b"return {1, {'a', false}, redis.status_reply('x')}\n#0"),
            "1\n$a\nnil\n+x\n")
    t.match(ask("execute", "NONSENSE"), "^error 3: ERR unknown command")
    t.match(ask("execute", "subscribe", b"c"), "^error 3: this command is not offered")
    # What one guest does to a connection is not there for the next.
    t.equal(ask("execute", "SELECT", b"#5"), "+OK\n")
    t.equal(ask("execute", "SELECT", b"#5", second="get"), "+OK\n, (none)")
    t.equal(ask("get", "b"), ask("get", "b"))
    t.equal(ask("get", "k"), "value")
    # Version 1: an address each time.
    t.equal((ask("set1", "a", b"one"), ask("get1", "a"), ask("get1", "none")), ("done", "one", ""))
    t.equal((ask("incr1", "n"), ask("incr1", "a")), ("1", "error 1"))
    t.equal((ask("sadd1", "t", b"x\ny"), ask("srem1", "t", b"x"), ask("smembers1", "t")),
            ("2", "1", "y "))
    t.equal((ask("del1", "", b"a\nn"), ask("publish1", "c", b"m")), ("2", "done"))
    t.equal(ask("execute1", "MGET", b"k\nnone"), "$value\nnil\n")
    # Addresses.
    for wrong in ("", "localhost", "http://127.0.0.1", "redis://", "redis://[::1", "redis://a b"):
        t.equal(ask("get", "a", at=wrong), "error 0")
        t.equal(ask("get1", "a", at=wrong), "error 1")
    t.equal(ask("get", "a", at=redis.url.replace("redis", "rediss")), "error 0")  # no rule
    t.equal(ask("get", "a", at="redis://localhost:1"), "error 0")
    t.check(server.lines("refused: a connection to redis://localhost:1: no rule"), "no line of it")


@test
def guests_speak_redis(t):
    with Redis(t) as redis:
        app = application(t, hosts=[f"redis://127.0.0.1:{redis.port}"])
        with Served(t, *app) as server:
            check_guest(t, server, redis)
            # Only as many connections at a time and calls as the limits let it have.
            t.match(server.get("/fill/", address=redis.url).text, r"^\d+ error 1$")
            t.match(server.get("/many/a", address=redis.url).text,
                    "^error 3: it has made as many calls as it may")
            # Its server goes and comes.
            redis.stop()
            t.match(server.get("/get/k", address=redis.url).text, r"^error 3: 127.0.0.1:\d+: ")
            redis.start()
            t.equal(server.get("/get/k", address=redis.url).text, "value")
            t.equal(server.stop(), 0)


@test
def private_addresses_need_a_rule_that_names_them(t):
    with Redis(t) as redis:
        # A wildcard does not lead to loopback.
        with Served(t, *application(t, hosts=["redis://*:*"])) as server:
            t.match(server.get("/get/a", address=redis.url).text, "^error 3: .*private")
        with Served(t, *application(t, hosts=["redis://localhost:*"])) as server:
            at = f"redis://localhost:{redis.port}"
            t.equal(server.get("/get/a", address=at).text, "(none)")
            t.equal(server.get("/get/a", address=redis.url).text, "error 0")
        with Served(t, *application(t, hosts=["http://127.0.0.1:*"])) as server:
            t.equal(server.get("/get/a", address=redis.url).text, "error 0")


@test
def servers_that_are_silent_or_no_redis(t):
    plugin("redis", "libhiredis-dev")
    silent = socket.create_server(("127.0.0.1", 0))
    babbler = socket.create_server(("127.0.0.1", 0))
    answers = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*2147483647\r\n", b"$-5\r\n", b"\x00\x01"]

    def babble():
        for answer in answers:
            try:
                one, _ = babbler.accept()
            except OSError:
                return
            one.recv(100)
            one.sendall(answer)
            time.sleep(0.1)
            one.close()

    thread = threading.Thread(target=babble)
    thread.start()
    with Served(t, *application(t, hosts=["redis://127.0.0.1:*"], workers=1)) as server:
        slow = []
        at = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        waiter = threading.Thread(target=lambda: slow.append(server.get("/get/a", address=at).text))
        waiter.start()
        t.equal(server.get("/get/a", address="redis://127.0.0.1:1").text[:8], "error 3:")
        for _ in answers:
            t.match(server.get("/get/a", address="redis://127.0.0.1:%d" %
                               babbler.getsockname()[1]).text, "^error 3: ")
        waiter.join()
        t.match(slow[0], "^error 3: 127.0.0.1:.*: no answer in time")
        t.equal(server.stop(), 0)
    babbler.close()
    silent.close()
    thread.join()


# ---- MQTT ------------------------------------------------------------------------------------

class Listener:
    """mosquitto_sub: what arrives, `count` messages."""

    def __init__(self, broker, topic, count, *more):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-q", "2",
             "-C", str(count), "-W", "30", "-d", "-F", "got %q %x", *more],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if "Subscribed" in line:
                return
        raise AssertionError("mosquitto_sub did not subscribe")

    def messages(self):
        lines = list(self.process.stdout)
        self.process.wait()
        return [tuple(line.split()[1:]) for line in lines if line.startswith("got ")]


@test
def guests_publish_to_mqtt(t):
    with Broker(t) as broker:
        with Served(t, *application(t, hosts=[f"mqtt://127.0.0.1:{broker.port}"])) as server:
            def publish(qos, body, topic="a/b", at=broker.url, **headers):
                return server.request("POST", f"/mqtt{qos}/{topic}", body=body,
                                      headers={"address": at, **headers}).text

            for qos in (0, 1, 2):
                listener = Listener(broker, "a/#", 3)
                t.equal(publish(qos, b"\x00\xffm"), "published")
                t.equal(listener.messages(), [(str(qos), "00ff6d")] * 3)
            t.equal(publish(1, b"", at=broker.url + "/?client_id=me"), "published")
            t.match(publish(1, b"x", topic="a/%23"), "published")  # as written: no wildcard
            t.match(publish(1, b"x", topic="+"), "^error 3: this is no topic")
            t.match(publish(1, bytes(200000)), "^error [23]: ")  # more than the broker takes
            t.equal(publish(1, b"x"), "published")
            for wrong in ("", "localhost", "redis://127.0.0.1", "mqtt://", "mqtt://h/x"):
                t.equal(publish(0, b"x", at=wrong), "error 0")
            t.match(publish(0, b"x", at="mqtts://localhost"), "^error 2: no rule")
            t.match(publish(0, b"x", at="mqtt://localhost:1"), "^error 2: no rule")
            broker.stop()
            t.match(publish(1, b"x"), r"^error 2: 127.0.0.1:\d+: ")
            broker.start()
            t.equal(publish(2, b"x"), "published")
            t.equal(server.stop(), 0)


@test
def brokers_ask_who_it_is(t):
    with Broker(t, password="s3cret") as broker:
        with Served(t, *application(t, hosts=["mqtt://127.0.0.1:*"])) as server:
            ask = lambda **headers: server.request(
                "POST", "/mqtt1/a", body=b"x", headers={"address": broker.url, **headers}).text
            t.match(ask(), "^error 2: 127.0.0.1:.*: the broker refused: not authorised")
            t.match(ask(user="user", password="wr0ng"), "^error 2: .*not authori[sz]ed")
            t.equal(ask(user="user", password="s3cret"), "published")
            server.stop()
            t.check("wr0ng" not in "\n".join(server.log), "a password is in the log")
        with Served(t, *application(t, hosts=["mqtt://*:*"])) as server:
            t.match(server.request("POST", "/mqtt1/a", headers={"address": broker.url}).text,
                    "^error 2: .*private")


class Scripted:
    """A broker that plays a part: what it gets, in hexadecimal, and what it says to that."""

    def __init__(self, *connections):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self.listener.getsockname()[1]}"
        self.wrong = []
        self.player = threading.Thread(target=self.play, args=(connections,), daemon=True)
        self.player.start()

    def play(self, connections):
        for lines in connections:
            one, _ = self.listener.accept()
            with one:
                for wanted, answer in lines:
                    size, got = len(wanted) // 2, b""
                    while len(got) < size:
                        piece = one.recv(size - len(got))
                        if not piece:
                            break
                        got += piece
                    if not re.fullmatch(wanted, got.hex()):
                        self.wrong.append((wanted, got.hex()))
                    try:
                        one.sendall(bytes.fromhex(answer))
                    except OSError:
                        break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


# With a name at random, which has 22 letters.
CONNECT, ACCEPTED = ("1022" "00044d5154540402" "0005" "0016" + "." * 44), "20020000"
PUBLISHED = "3206" "000161" "%s" "78"  # topic a, message x, at least once
ONCE = "3406" "000161" "%s" "78"


def acknowledged(*numbers):
    return [(PUBLISHED % number, "4002" + number) for number in numbers]


@test
def connections_to_brokers_go_on(t):
    three, more = ("0001", "0002", "0003"), ("0004", "0005", "0006")
    with Served(t, *application(t, hosts=["mqtt://127.0.0.1:*"]), "--workers", "1") as server:
        def publish(broker, **headers):
            return server.request("POST", "/mqtt1/a", body=b"x",
                                  headers={"address": broker.url, **headers}).text

        def twice(broker, **headers):
            return publish(broker), publish(broker, **headers), broker.wrong

        fine = ("published", "published", [])
        # The next request asks whether the broker is there, and goes on with its numbers.
        kept = [(CONNECT, ACCEPTED), *acknowledged(*three), ("c000", "d000"), *acknowledged(*more),
                ("e000", "")]
        with Scripted(kept) as broker:
            t.equal(twice(broker), fine)
            # At the end it says goodbye.
            t.equal(server.stop(), 0)
            broker.player.join(60)
            t.equal((broker.player.is_alive(), broker.wrong), (False, []))
    with Served(t, *application(t, hosts=["mqtt://127.0.0.1:*"]), "--workers", "1") as server:
        first, fresh = ([(CONNECT, ACCEPTED), *acknowledged(*three), *last] for last in
                        ([("c000", "")], []))
        # One that has gone, without or with a word, is not used.
        for lost in (first, [*first[:-2], (PUBLISHED % "0003", "40020003" "e000")]):
            with Scripted(lost, fresh) as broker:
                t.equal(twice(broker), fine)
        # Nor is another user's, or what was agreed on otherwise.
        other = [("1029" "00044d51545404c2" "0005" "0016" + "." * 44 + "0001" "75" "0002" "7077", ACCEPTED),
                 *acknowledged(*three)]
        with Scripted(fresh, other) as broker:
            t.equal(twice(broker, user="u", password="pw"), fine)
        t.equal(server.stop(), 0)


@test
def packets_are_those_of_mqtt(t):
    with Served(t, *application(t, hosts=["mqtt://127.0.0.1:*"]), "--workers", "1") as server:
        def publish(broker, qos=1, **headers):
            return server.request("POST", f"/mqtt{qos}/a", body=b"x",
                                  headers={"address": broker.url, **headers}).text

        # Three messages on one connection, each with its number.
        with Scripted([(CONNECT, ACCEPTED), *acknowledged("0001", "0002", "0003")]) as broker:
            t.equal((publish(broker), broker.wrong), ("published", []))
        with Scripted([(CONNECT, ACCEPTED), *(line for n in ("0001", "0002", "0003") for line in
                                              ((ONCE % n, "5002" + n), ("6202" + n, "7002" + n)))]) as broker:
            t.equal((publish(broker, 2), broker.wrong), ("published", []))
        # Who waits longer than was agreed on says that it is there.
        with Scripted([(CONNECT.replace("0005", "0001"), ACCEPTED), (PUBLISHED % "0001", ""),
                       ("c000", "d0004002" "0001"), (PUBLISHED % "0002", "4002" "0002"),
                       (PUBLISHED % "0003", "4002" "0003")]) as broker:
            t.equal((publish(broker, **{"keep-alive-s": "1"}), broker.wrong), ("published", []))
        # One that ends the connection between two messages is asked again.
        again = [(CONNECT, ACCEPTED), (PUBLISHED % "0002", "4002" "0002"), (PUBLISHED % "0003", "4002" "0003")]
        with Scripted([(CONNECT, ACCEPTED), (PUBLISHED % "0001", "4002" "0001" "e000")], again) as broker:
            t.equal((publish(broker), broker.wrong), ("published", []))
        for answer, why in (("20020004", "wrong user or password"), ("20020001", "does not speak MQTT 3.1.1"),
                            ("200200ff", "the broker refused"), ("2003000000", "not how a broker answers"),
                            ("485454502f312e31", "not how a broker answers"), ("40020001", "not how a broker"),
                            ("", "closed")):
            with Scripted([(CONNECT, answer)]) as broker:
                t.match(publish(broker), "^error 2: .*" + why)
        for answer, why in (("40020002", "the broker answered another message"), ("50020001", "not how a broker"),
                            ("4002", "closed"), ("30050001610001", "not how a broker")):
            with Scripted([(CONNECT, ACCEPTED), (PUBLISHED % "0001", answer)]) as broker:
                t.match(publish(broker), "^error 2: .*" + why)
        t.equal(server.stop(), 0)


@test
def brokers_that_are_silent(t):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Served(t, *application(t, hosts=["mqtt://127.0.0.1:*"])) as server:
            at = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
            t.match(server.request("POST", "/mqtt1/a", headers={"address": at}).text,
                    "^error 2: .*: no answer in time")


@test
def calls_are_counted(t):
    def so(kind, **wanted):
        """Whether so many calls came to such an end, and no others."""
        seen = {outcome: monitor.total(t, "stint_outbound_requests_total", component="app", kind=kind,
                                       outcome=outcome) for outcome in OUTCOMES}
        return seen if seen != {**dict.fromkeys(OUTCOMES, 0), **wanted} else None

    OUTCOMES = ("ok", "refused", "unreachable", "timeout", "failed", "cancelled")
    with Redis(t) as redis, Broker(t) as broker, socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = ["redis://127.0.0.1:*", f"mqtt://127.0.0.1:{broker.port}"]
        app = application(t, hosts=hosts)
        spans, sink = collector()
        traced = dict(os.environ, OTEL_TRACES_SAMPLER="always_on", OTEL_EXPORTER_OTLP_ENDPOINT=sink)
        with Served(t, *app, "--metrics", "127.0.0.1:0", env=traced) as server:
            monitor = Monitor(server)
            ask = lambda path, at, body=None: server.request("POST" if body else "GET", path, body=body,
                                                             headers={"address": at}).text
            ask("/set/a", redis.url, b"one")
            ask("/get/a", redis.url)
            ask("/get1/a", redis.url)
            t.equal(so("redis", ok=3), None)
            ask("/incr/a", redis.url)                     # no number
            ask("/get/a", "redis://localhost:1")          # no rule
            ask("/get/a", "no address")                   # not a call
            ask("/get/a", "redis://127.0.0.1:1")
            ask("/get/a", f"redis://127.0.0.1:{silent.getsockname()[1]}")
            redis.stop()
            ask("/get/a", redis.url)
            t.equal(so("redis", ok=3, failed=1, refused=1, unreachable=2, timeout=1), None)
            t.equal(so("mqtt"), None)
            t.equal(ask("/mqtt1/a", broker.url, b"x"), "published")
            ask("/mqtt0/+", broker.url, b"x")             # no topic
            ask("/mqtt0/a", "mqtt://localhost:1", b"x")
            broker.stop()
            ask("/mqtt0/a", broker.url, b"x")
            t.equal(so("mqtt", ok=3, failed=1, refused=1, unreachable=1), None)
            t.equal(monitor.total(t, "stint_outbound_duration_seconds_count", kind="redis"), 7)
            t.equal(monitor.total(t, "stint_outbound_duration_seconds_count", kind="mqtt"), 5)
            t.equal(monitor.total(t, "stint_outbound_requests_total", kind="http"), 0)
            t.equal(server.stop(), 0)
        t.equal(sorted((span["name"], span["status"].get("code", 0)) for span in spans if span["kind"] == 3),
                sorted([("redis", 0)] * 3 + [("redis", 2)] * 4 + [("mqtt", 0)] * 3 + [("mqtt", 2)] * 2))


# ---- Triggers --------------------------------------------------------------------------------

def await_message(t, redis, wanted):
    for _ in range(500):
        if authorized(redis, ("GET", "message")) == wanted:
            break
        time.sleep(0.02)
    t.equal(authorized(redis, ("GET", "message")), wanted)


@test
def messages_of_channels_run_guests(t):
    with Redis(t, password="s3cret") as redis:
        port, = free_ports(1)
        app = application(t, hosts=["redis://127.0.0.1:*"],
                          triggers=TRIGGER % (redis.url, "one") + TRIGGER % (redis.url, "two"))
        with Served(t, *app, "--metrics", f"127.0.0.1:{port}") as server:
            url = redis.url.encode()
            for channel, message in (("one", b"text"), ("two", bytes(range(256))), ("one", b"")):
                t.equal(publish(redis, channel, url + b"\n" + message), ":1")
                await_message(t, redis, message)
            # What a guest does wrong is its own matter.
            for message, line in (("trap", "unreachable"), ("fail", "returned an error")):
                t.equal(publish(redis, "one", message), ":1")
                found = server.lines(line, component="app")
                t.check(found and found[0].get("request"), f"no line of {message}: {found}")
            t.equal(publish(redis, "one", url + b"\nafter"), ":1")
            await_message(t, redis, b"after")
            # Its server goes and comes.
            redis.stop()
            t.check(server.lines("not subscribed, will try again"), "no line of it")
            redis.start()
            t.equal(publish(redis, "two", url + b"\nagain"), ":1")
            await_message(t, redis, b"again")
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                text = b"".join(iter(lambda: one.recv(65536), b"")).decode()
            t.match(text, r'stint_messages_total\{component="app",channel="one",result="handled"\} 3')
            t.match(text, r'stint_messages_total\{component="app",channel="one",result="failed"\} 2')
            t.match(text, r'stint_trigger_up\{component="app",channel="two"\} 1')
            # A reload subscribes anew.
            server.process.send_signal(signal.SIGHUP)
            t.check(server.lines("reload: the application is served"), "no reload")
            t.equal(publish(redis, "one", url + b"\nreloaded"), ":1")
            t.equal(server.stop(), 0)
            t.check("s3cret" not in "\n".join(server.log), "the password is in the log")


def authorized(redis, words):
    with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as one:
        lines = [("AUTH", redis.password), words]
        for line in lines:
            line = [word if isinstance(word, bytes) else str(word).encode() for word in line]
            one.sendall(b"*%d\r\n" % len(line) +
                        b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in line))
        with one.makefile("rb") as file:
            assert file.readline() == b"+OK\r\n"
            line = file.readline().rstrip()
            if line[:1] == b"$" and line != b"$-1":
                return file.read(int(line[1:]))
            if line[:1] == b"*":
                return [file.readline().rstrip() for _ in range(3)]
            return line.decode()


def publish(redis, channel, message):
    """Once exactly one is subscribed."""
    for _ in range(1000):
        if authorized(redis, ("PUBSUB", "NUMSUB", channel))[2] == b":1":
            break
        time.sleep(0.02)
    return authorized(redis, ("PUBLISH", channel, message))


@test
def limits_hold_for_messages(t):
    with Redis(t, password="x") as redis:
        app = application(t, hosts=["redis://127.0.0.1:*"], timeout="200ms",
                          triggers=TRIGGER % (redis.url, "one"))
        with Served(t, *app) as server:
            for _ in range(3):
                t.equal(publish(redis, "one", "spin"), ":1")
            found = server.lines("time", component="app")
            t.check(found and found[0]["level"] == "error", f"{found}")
            t.equal(publish(redis, "one", redis.url + "\nafter"), ":1")
            await_message(t, redis, b"after")
            t.equal(server.stop(), 0)


@test
def components_have_all_of_it(t):
    """What the tests above ask of a core module, of a component with the WIT of Spin."""
    with Redis(t) as redis, Broker(t) as broker:
        app = application(t, hosts=["redis://127.0.0.1:*", broker.url], component=True)
        with Served(t, *app) as server:
            check_guest(t, server, redis)
            t.match(server.get("/fill/", address=redis.url).text, r"^\d+ error 1$")
            for qos in (0, 1, 2):
                listener = Listener(broker, "a/#", 3)
                answer = server.request("POST", f"/mqtt{qos}/a/b", body=b"\x00\xffm",
                                        headers={"address": broker.url}).text
                t.equal((answer, listener.messages()), ("published", [(str(qos), "00ff6d")] * 3))
            for wrong, error in (("redis://h", "error 0"), ("mqtt://h:1", "error 2: no rule")):
                t.match(server.request("POST", "/mqtt1/a", headers={"address": wrong}).text, "^" + error)
            t.equal(server.stop(), 0)


@test
def components_take_messages(t):
    with Redis(t, password="s3cret") as redis:
        app = application(t, hosts=["redis://127.0.0.1:*"], component=True,
                          triggers=TRIGGER % (redis.url, "one"))
        with Served(t, *app) as server:
            url = redis.url.encode()
            for message in (b"text", bytes(range(256)), b"", bytes(100000)):
                t.equal(publish(redis, "one", url + b"\n" + message), ":1")
                await_message(t, redis, message)
            for message, line in (("trap", "unreachable"), ("fail", "returned an error")):
                t.equal(publish(redis, "one", message), ":1")
                t.check(server.lines(line, component="app"), f"no line of {message}")
            t.equal(publish(redis, "one", url + b"\nafter"), ":1")
            await_message(t, redis, b"after")
            t.equal(server.stop(), 0)


@test
def asynchronous_interfaces_are_refused_by_name(t):
    for name, words in (("spin:redis/redis@3.0.0", "Redis with async functions"),
                        ("spin:mqtt/mqtt@3.0.0", "MQTT with async functions")):
        core = t.file("app.wat", f'(module (import "{name}" "[resource-drop]connection" (func (param i32))) '
                                 '(memory (export "memory") 1) '
                                 '(func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)))')
        t.ends(run("wat", core, "-o", t.path("app.wasm")), 0)
        t.ends(run("up", t.path("app.wasm"), "--listen", "127.0.0.1:0"), 1, words)


@test
def triggers_alone_listen_for_nothing(t):
    with Redis(t, password="s3cret") as redis:
        app = application(t, hosts=["redis://127.0.0.1:*"], triggers=TRIGGER % (redis.url, "one"))
        with open(app[0]) as file:
            text = file.read()
        with open(app[0], "w") as file:
            file.write(text.replace('[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n', ""))
        with Served(t, *app, listen=False) as server:
            t.equal(server.addresses, [])
            t.check(server.lines("nothing is listened on: the application has redis triggers alone"), "")
            t.check(server.lines("subscribed", component="app"), server.log)
            t.equal(publish(redis, "one", redis.url + "\nalone"), ":1")
            await_message(t, redis, b"alone")
            # A later version with routes needs a new start.
            with open(app[0], "w") as file:
                file.write(text)
            server.process.send_signal(signal.SIGHUP)
            t.check(server.lines("nothing is listened on: start anew"), server.log)
            t.equal(server.stop(), 0)
        with open(app[0], "w") as file:
            file.write(text.replace('[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n', ""))
        with Served(t, *app) as server:  # with --listen
            t.equal(server.get("/").status, 404)


@test
def triggers_that_cannot_be_are_said(t):
    plugin("redis", "libhiredis-dev")
    app = application(t, triggers=TRIGGER % ("redis://h/x", "c"))
    with Served(t, *app) as server:
        t.check(server.lines("channel 'c': its address is of no use: what follows the host"), "")
        t.equal(server.stop(), 0)
    app = application(t, source="app.c", triggers=TRIGGER % ("redis://localhost", "c"))
    t.ends(run("up", app[0], "--listen", "127.0.0.1:0"), 1,
           "does not export fermyon:spin/inbound-redis")


main()
