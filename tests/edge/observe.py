#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What `stint up` knows of its clients, and what it tells of itself."""
import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402
from monitored import Monitor, parse, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import Skip, main, run, test  # noqa: E402

LOOPBACK = ("--trust-proxy", "127.0.0.1")


def geo_file(t):
    return mmdb.write(t.path("geo.mmdb"))


def ask(server, name, client=None, **headers):
    if client is not None:
        headers["x_forwarded_for"] = client
    return server.get("/header", x_ask=name, **headers).text


@test
def guests_are_told_where_clients_are(t):
    with Served(t, build_app(t, component=True), *LOOPBACK, "--geo", geo_file(t)) as server:
        for client, country, continent, region, city, asn in (
                ("203.0.113.9", "KR", "AS", "11", "Seoul", "64498"),
                ("198.51.100.1", "JP", "AS", "13", "Tokyo", "64497"),
                ("192.0.2.77", "US", "NA", "CA", "Mountain View", "64496"),
                ("2001:db8:de::1", "DE", "EU", "BE", "Berlin", "64499")):
            for name, value in (("cf-ipcountry", country), ("x-geo-country", country),
                                ("x-geo-continent", continent), ("x-geo-region", region),
                                ("x-geo-city", city), ("x-geo-asn", asn)):
                t.equal(ask(server, name, client), value)
        for name in ("cf-ipcountry", "x-geo-country", "x-geo-city", "x-geo-asn"):
            t.equal(ask(server, name), "(none)")  # 127.0.0.1 is nowhere
            t.equal(ask(server, name, **{name: "KR"}), "(none)")
            t.check(ask(server, name, "203.0.113.9", **{name: "XX"}) not in ("XX", "(none)"), name)


@test
def clients_are_those_that_trusted_proxies_name(t):
    log = t.path("access.jsonl")
    with Served(t, build_app(t, component=True), *LOOPBACK, "--trust-proxy", "10.0.0.0/8", "--geo",
                geo_file(t), "--access-log", log, "--workers", "1") as server:
        def client(**headers):
            return ask(server, "spin-client-addr", **headers).split(":")[0]
        t.equal(client(), "127.0.0.1")
        t.equal(client(x_forwarded_for="203.0.113.9"), "203.0.113.9")
        t.equal(client(x_forwarded_for="1.1.1.1, 203.0.113.9, 10.1.2.3"), "203.0.113.9")
        t.equal(client(forwarded='for=198.51.100.1;proto=https'), "198.51.100.1")
        t.equal(client(x_forwarded_for="nonsense"), "127.0.0.1")
        for _ in range(2):  # nobody knows which of them the proxy wrote
            t.equal(client(forwarded="for=198.51.100.1", x_forwarded_for="203.0.113.9"), "127.0.0.1")
        server.stop()
        t.equal(len(server.written("name different clients")), 1)
    with open(log) as file:
        lines = [json.loads(line) for line in file]
    t.equal([(line["client"], line.get("country")) for line in lines],
            [("127.0.0.1", None), ("203.0.113.9", "KR"), ("203.0.113.9", "KR"),
             ("198.51.100.1", "JP"), *[("127.0.0.1", None)] * 3])
    with Served(t, build_app(t, component=True), "--geo", geo_file(t)) as server:
        t.equal(ask(server, "spin-client-addr", "203.0.113.9").split(":")[0], "127.0.0.1")
        t.equal(ask(server, "cf-ipcountry", "203.0.113.9"), "(none)")


@test
def databases_are_read_again(t):
    path = geo_file(t)
    with Served(t, build_app(t, component=True), *LOOPBACK, "--geo", path) as server:
        def country():
            return ask(server, "cf-ipcountry", "203.0.113.9")
        t.equal(country(), "KR")
        with open(path, "wb") as file:  # in place, and broken
            file.write(b"nonsense")
        t.check(wait_for(lambda: any("stays" in line for line in server.log)), "nothing was said")
        t.equal(country(), "KR")
        mmdb.write(path, {"203.0.113.0/24": mmdb.place("FR", "EU")})
        t.check(wait_for(lambda: country() == "FR"), "the new file was not read")
        os.remove(path)
        t.equal(country(), "FR")
        t.equal(ask(server, "x-geo-city", "203.0.113.9"), "(none)")


@test
def the_first_file_that_knows_tells(t):
    first = mmdb.write(t.path("first.mmdb"), {"203.0.113.0/24": mmdb.place("JP", "AS", "27"),
                                              "192.0.2.0/24": {"country": {"iso_code": "GB"}}})
    app = build_app(t, component=True)
    with open(t.path("spin.toml"), "w") as file:
        file.write('spin_manifest_version = 2\n[application]\nname = "a"\n'
                   '[application.tool.stint]\ntrusted_proxies = ["127.0.0.1"]\n'
                   '[application.tool.stint.geo]\ndatabase = "geo.mmdb"\n'
                   '[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n'
                   '[[trigger.http]]\nroute = "/quiet/..."\ncomponent = "quiet"\n'
                   '[component.app]\nsource = "app.wasm"\n'
                   '[component.quiet]\nsource = "app.wasm"\n'
                   '[component.quiet.tool.stint]\ngeo_headers = false\n')
    geo_file(t)
    t.check(os.path.dirname(app) == os.path.dirname(t.path("spin.toml")), app)
    with Served(t, t.path("spin.toml"), "--geo", first) as server:
        t.equal(ask(server, "cf-ipcountry", "203.0.113.9"), "JP")
        t.equal(ask(server, "x-geo-region", "203.0.113.9"), "27")
        t.equal(ask(server, "x-geo-city", "203.0.113.9"), "Seoul")
        t.equal(ask(server, "cf-ipcountry", "192.0.2.1"), "GB")
        t.equal(ask(server, "x-geo-continent", "192.0.2.1"), "NA")
        t.equal(ask(server, "cf-ipcountry", "198.51.100.1"), "JP")


@test
def what_cannot_be_read_is_said(t):
    app = build_app(t, component=True)
    with open(t.path("broken.mmdb"), "wb") as file:
        file.write(mmdb.build({})[:-20])
    t.ends(run("up", app, "--listen", "127.0.0.1:0", "--geo", t.path("none.mmdb"), "--geo",
               t.path("broken.mmdb")), 1, r"(?s)none\.mmdb.*broken\.mmdb")
    t.ends(run("up", app, "--listen", "127.0.0.1:0", "--geo", t.path(".")), 1, "geo database")
    t.ends(run("up", app, "--listen", "127.0.0.1:0", "--trust-proxy", "here"), 1,
           "'here' is no address")


@test
def maxmind_samples(t):
    root = os.environ.get("STINT_CONFORMANCE")
    folder = os.path.join(root or "", "geo", "test-data")
    if root is None or not os.path.isdir(folder):
        raise Skip("the MaxMind DB samples are not there (STINT_CONFORMANCE)")
    app = build_app(t, component=True)
    city, asn = (os.path.join(folder, f"GeoLite2-{kind}-Test.mmdb") for kind in ("City", "ASN"))
    with Served(t, app, *LOOPBACK, "--geo", city, "--geo", asn) as server:
        for client, country, name, number in (
                ("81.2.69.142", "GB", "London", "(none)"), ("89.160.20.112", "SE", "Linköping", "29518"),
                ("2001:218::1", "JP", "(none)", "(none)"), ("1.128.0.1", "(none)", "(none)", "1221")):
            t.equal(ask(server, "cf-ipcountry", client), country)
            t.equal(ask(server, "x-geo-city", client), name)
            t.equal(ask(server, "x-geo-asn", client), number)
    bad = os.path.join(root, "geo", "bad-data")
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(bad) for name in names
                   if name.endswith(".mmdb"))
    files += [os.path.join(folder, name) for name in sorted(os.listdir(folder))
              if name.endswith(".mmdb")]
    for path in files:  # each is refused, or answers something, and nothing dies
        try:
            with Served(t, app, *LOOPBACK, "--tier", "interp", "--geo", path) as server:
                for client in ("1.1.1.1", "81.2.69.142", "2001:218::1"):
                    t.check(ask(server, "cf-ipcountry", client) != "", path)
                t.equal(server.stop(), 0)
        except AssertionError as error:
            t.match(str(error), r"(?s)did not start.*geo database")


METRICS = ("--metrics", "127.0.0.1:0")


@test
def what_happens_is_counted(t):
    with Served(t, build_app(t, component=True), *METRICS, "--workers", "2") as server:
        monitor = Monitor(server)
        t.equal(monitor.get("/healthz"), (200, "alive\n"))
        t.equal(monitor.get("/readyz"), (200, "ready\n"))
        t.equal(monitor.get("/other")[0], 404)
        for _ in range(5):
            server.get("/hello")
        server.get("/nowhere")
        server.get("/trap")
        server.request("POST", "/echo", body=b"x" * 1000)

        def is_there():
            return monitor.total(t, "stint_guest_seconds_count", component="app") == 8
        t.check(wait_for(is_there), "the guests were not counted")
        for name, labels, value in (
                ("stint_requests_total", {"component": "app", "code": "200"}, 6),
                ("stint_requests_total", {"component": "app", "code": "404"}, 1),
                ("stint_requests_total", {"component": "app", "code": "500"}, 1),
                ("stint_requests_total", {"route": "/..."}, 8),
                ("stint_requests_by_method_total", {"method": "GET"}, 7),
                ("stint_requests_by_method_total", {"method": "POST"}, 1),
                ("stint_failures_total", {"kind": "trap"}, 1),
                ("stint_request_bytes_total", {}, 1000),
                ("stint_request_duration_seconds_count", {}, 8),
                ("stint_take_seconds_count", {}, 8),
                ("stint_country_requests_total", {"component": "app", "country": "unknown"}, 8),
                ("stint_component_up", {"component": "app"}, 1),
                ("stint_workers", {}, 2),
                ("stint_log_lost_total", {}, 0)):
            t.equal(monitor.total(t, name, **labels), value)
        t.check(monitor.total(t, "stint_guest_seconds_sum") > 0, "no time was counted")
        t.check(monitor.total(t, "stint_starts_total") >= 8, "no starts were counted")
        t.check(monitor.total(t, "process_resident_memory_bytes") > 1e6, "no memory")
        t.check(wait_for(lambda: monitor.total(t, "stint_connections_total") == 8), "connections")
        t.equal(server.stop(), 0)


@test
def memory_of_busy_instances_is_known(t):
    build_app(t, component=True)
    with open(t.path("spin.toml"), "w") as file:
        file.write('spin_manifest_version = 2\n[application]\nname = "m"\n[[trigger.http]]\nroute = "/..."\n'
                   'component = "app"\n[component.app]\nsource = "app.wasm"\n[component.app.tool.stint]\n'
                   '%s\n[component.app.tool.stint.limits]\nconcurrency = 7\n')
    with open(t.path("spin.toml")) as file:
        text = file.read()
    for reuse in ("fresh", "instance"):
        with open(t.path("spin.toml"), "w") as file:
            file.write(text % f'reuse = "{reuse}"')
        with Served(t, t.path("spin.toml"), "--metrics", "127.0.0.1:0", "--workers", "1") as server:
            monitor = Monitor(server)
            total = lambda name: monitor.total(t, "stint_instance" + name, component="app")
            t.equal((total("s"), total("s_idle"), total("_memory_bytes")), (1, 1, 0))
            t.equal(total("s_max"), 7)
            asking = [threading.Thread(target=lambda: server.get("/sleep=3000")) for _ in range(3)]
            for thread in asking:
                thread.start()
            t.check(wait_for(lambda: total("s") - total("s_idle") == 3), "three are not busy")
            busy = total("_memory_bytes")
            t.check(busy >= 3 * 65536 and busy % (3 * 65536) == 0, busy)
            for thread in asking:
                thread.join()
            t.check(wait_for(lambda: total("s_idle") == 3), "they stay busy")
            t.equal([monitor.total(t, f"stint_{kind}_total") for kind in ("starts", "cold_starts")], [3, 2])
            t.equal(total("_memory_bytes"), busy if reuse == "instance" else 0)
            t.equal(server.stop(), 0)


@test
def countries_have_so_many_labels(t):
    build_app(t, component=True)
    blocks = {f"10.0.{i}.0/24": mmdb.place("A" + chr(65 + i), "EU") for i in range(20)}
    mmdb.write(t.path("geo.mmdb"), blocks)
    with open(t.path("token"), "w") as file:
        file.write("secret\n")
    with open(t.path("spin.toml"), "w") as file:
        file.write('spin_manifest_version = 2\n[application]\nname = "a"\n'
                   '[application.tool.stint]\ntrusted_proxies = ["127.0.0.1"]\n'
                   '[application.tool.stint.geo]\ndatabase = "geo.mmdb"\n'
                   '[application.tool.stint.metrics]\nlisten = "127.0.0.1:0"\ncountries = 5\n'
                   'token_file = "token"\n'
                   '[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n'
                   '[component.app]\nsource = "app.wasm"\n'
                   '[[trigger.http]]\nroute = "/missing"\ncomponent = "missing"\n'
                   '[component.missing]\nsource = "missing.wasm"\n')
    with Served(t, t.path("spin.toml")) as server:
        monitor = Monitor(server)
        for i in range(20):
            ask(server, "host", f"10.0.{i}.1")
        t.equal(monitor.get("/metrics")[0], 401)
        t.equal(monitor.get("/metrics", authorization="Bearer secreT")[0], 401)

        def countries(component="app"):
            samples = parse(t, monitor.get("/metrics", authorization="Bearer secret")[1])
            return {dict(k)["country"]: v for (n, k), v in samples.items()
                    if n == "stint_country_requests_total" and dict(k)["component"] == component}
        t.check(wait_for(lambda: sum(countries().values()) == 20), "requests were not counted")
        t.equal((len(countries()), countries()["other"], countries()["unknown"]), (7, 15, 0))
        status, text = monitor.get("/readyz")
        t.equal(status, 503)
        t.match(text, "missing: .*missing.wasm: ")
        t.equal(server.get("/missing").status, 503)
        t.check(wait_for(lambda: countries("missing") == {"other": 0, "unknown": 1}), "each component has its own")


@test
def traces_go_on(t):
    log = t.path("access.jsonl")
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    good = f"00-{trace}-{span}-01"
    with Served(t, build_app(t, component=True), "--access-log", log, "--workers", "1") as server:
        found = ask(server, "traceparent", traceparent=good, tracestate="a=b")
        t.match(found, f"^00-{trace}-[0-9a-f]{{16}}-01$")
        t.check(span not in found, "the span is the client's")
        t.equal(ask(server, "tracestate", traceparent=good, tracestate="a=b"), "a=b")
        t.match(ask(server, "traceparent", traceparent=f"cc-{trace}-{span}-00-more"),
                f"^00-{trace}-[0-9a-f]{{16}}-00$")
        new = [ask(server, "traceparent", traceparent=bad) for bad in (
            "", "nonsense", good.upper(), good + "-more", "ff" + good[2:], good[:-1],
            f"00-{'0' * 32}-{span}-01", f"00-{trace}-{'0' * 16}-01")]
        for text in new:
            t.match(text, "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
        t.equal(len({text[3:35] for text in new} - {trace}), len(new))
        t.equal(ask(server, "tracestate", tracestate="a=b"), "(none)")
        server.stop()
    with open(log) as file:
        lines = [json.loads(line) for line in file]
    t.equal([line["trace"] for line in lines[:3]], [trace] * 3)
    t.equal([line["trace"] for line in lines[3:11]], [text[3:35] for text in new])


main()
