#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""Traces of `stint up`: W3C trace context to whom guests ask, and spans to a collector (OTLP, JSON)."""
import http.server
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import Monitor, wait_for  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
METRICS = ("--metrics", "127.0.0.1:0")


class Upstream(http.server.BaseHTTPRequestHandler):
    """Whom guests ask: keeps the headers that come."""

    def do_GET(self):
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(handler, **state):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.seen, server.status = [], 204
    for name, value in state.items():
        setattr(server, name, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Collector:
    """Takes spans at /v1/traces, and is strict about what OTLP's JSON is."""

    def __init__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.take(self)

            def log_message(self, *_):
                pass
        self.spans, self.resources, self.headers, self.problems = [], [], [], []
        self.answers = []  # (status, headers, body) for the next requests; then 200
        self.tries = 0
        self.hangs = threading.Event()
        self.is_hanging = False
        self.http = serve(Handler)
        self.address = f"127.0.0.1:{self.http.server_address[1]}"
        self.url = f"http://{self.address}/v1/traces"

    def take(self, request):
        body = request.rfile.read(int(request.headers["content-length"]))
        self.tries += 1
        if self.is_hanging:
            self.hangs.wait()
            return
        status, headers, text = self.answers.pop(0) if self.answers else (200, {}, "{}")
        if status == 200:
            try:
                self.check(request, json.loads(body))
            except (AssertionError, ValueError, KeyError) as problem:
                self.problems.append(repr(problem))
                status = 400
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text.encode())

    def check(self, request, message):
        assert request.path == "/v1/traces", request.path
        assert request.headers["content-type"] == "application/json", request.headers
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        for resource in message["resourceSpans"]:
            self.resources.append(attributes(resource["resource"]["attributes"]))
            for scope in resource["scopeSpans"]:
                assert scope["scope"]["name"] == "stint", scope["scope"]
                for span in scope["spans"]:
                    assert re.fullmatch("[0-9a-f]{32}", span["traceId"]), span
                    assert re.fullmatch("[0-9a-f]{16}", span["spanId"]), span
                    assert re.fullmatch("[0-9a-f]{16}", span.get("parentSpanId", SPAN)), span
                    assert isinstance(span["startTimeUnixNano"], str), span
                    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                    assert start <= end and start > 10 ** 18, span
                    assert span["kind"] in (1, 2, 3) and isinstance(span["flags"], int), span
                    assert span["status"] in ({}, {"code": 2}), span
                    assert span["name"], span
                    span["attributes"] = attributes(span["attributes"])
                    self.spans.append(span)

    def of_kind(self, kind):
        return [span for span in list(self.spans) if span["kind"] == kind]

    def await_spans(self, t, kind, count):
        t.check(wait_for(lambda: len(self.of_kind(kind)) >= count or self.problems),
                f"{len(self.of_kind(kind))} spans of {count}")
        t.equal(self.problems, [])
        return self.of_kind(kind)

    def stop(self):
        self.hangs.set()
        self.http.shutdown()


def attributes(items):
    found = {}
    for item in items:
        (kind, value), = item["value"].items()
        assert kind in ("stringValue", "intValue"), item
        assert isinstance(value, str), item  # 64 bits are text
        assert item["key"] not in found, item
        found[item["key"]] = int(value) if kind == "intValue" else value
    return found


def manifest(t, traces, more="", rules="[]", component=""):
    if not os.path.exists(os.path.join(os.path.dirname(STINT), "libstint-http.so")):
        raise Skip("no libstint-http.so")
    build_app(t, "asks.c", "asks.wasm")
    build_app(t)
    with open(t.path("spin.toml"), "w") as file:
        file.write(f"""spin_manifest_version = 2
[application]
name = "shop"
version = "1.2.3"
[application.tool.stint.traces]
{traces}
{more}
[[trigger.http]]
route = "/asks/:id"
component = "asks"
[component.asks]
source = "asks.wasm"
allowed_outbound_hosts = {rules}
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
{component}
""")
    return t.path("spin.toml")


def ask(server, port, **headers):
    return server.get("/asks/1?secret=2", x_scheme="http", x_authority=f"127.0.0.1:{port}",
                      **headers)


@test
def requests_become_spans(t):
    up, collector = serve(Upstream), Collector()
    port = up.server_address[1]
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 1\ninterval = "50ms"',
                    rules=f'["http://127.0.0.1:{port}"]')
    with Served(t, path, *METRICS) as server:
        t.equal(ask(server, port, x_times="3", user_agent='a "quoted" one').status, 200)
        spans = collector.await_spans(t, 2, 1)
        calls = collector.await_spans(t, 3, 3)
        takes = collector.await_spans(t, 1, 1)
        root = spans[0]
        t.equal(root["name"], "GET /asks/:id")
        t.check("parentSpanId" not in root, root)
        found = root["attributes"]
        for name, value in (("http.request.method", "GET"), ("http.route", "/asks/:id"),
                            ("url.path", "/asks/1"), ("url.scheme", "http"),
                            ("http.response.status_code", 200), ("server.address", "127.0.0.1"),
                            ("server.port", server.port), ("client.address", "127.0.0.1"),
                            ("network.protocol.version", "1.1"), ("stint.component", "asks"),
                            ("user_agent.original", 'a "quoted" one'),
                            ("http.response.body.size", 15)):
            t.equal(found.get(name), value)
        t.check("secret" not in json.dumps(root), root)
        t.equal(len(up.seen), 3)
        t.equal({seen["traceparent"] for seen in up.seen},
                {f"00-{root['traceId']}-{call['spanId']}-01" for call in calls})
        for span in calls + takes:
            t.equal((span["traceId"], span["parentSpanId"]), (root["traceId"], root["spanId"]))
        t.equal(len({span["spanId"] for span in calls + takes + spans}), 5)
        t.equal(calls[0]["name"], "GET")
        for name, value in (("http.request.method", "GET"), ("server.address", "127.0.0.1"),
                            ("server.port", port), ("url.full", f"http://127.0.0.1:{port}/"),
                            ("http.response.status_code", 204), ("stint.component", "asks")):
            t.equal(calls[0]["attributes"].get(name), value)
        resource = collector.resources[0]
        t.equal((resource["service.name"], resource["service.version"]), ("shop", "1.2.3"))
        t.match(collector.headers[0]["user-agent"], "^stint/")
        server.get("/trap")
        t.check(wait_for(lambda: len(collector.of_kind(2)) == 2), "no second span")
        failed = collector.of_kind(2)[1]
        t.equal((failed["status"], failed["attributes"]["error.type"], failed["name"]),
                ({"code": 2}, "500", "GET /..."))
        monitor = Monitor(server)
        t.check(wait_for(lambda: monitor.total(t, "stint_spans_sent_total") == 7), "not counted")
        t.equal(monitor.total(t, "stint_spans_dropped_total"), 0)
        t.equal(monitor.total(t, "stint_outbound_requests_total", component="asks", outcome="2xx"), 3)
        t.equal(monitor.total(t, "stint_outbound_duration_seconds_count", component="asks"), 3)
        t.check(monitor.total(t, "stint_cpu_seconds_total", component="asks") > 0, "no CPU time")
        t.check(monitor.total(t, "stint_memory_byte_seconds_total", component="asks") > 0, "memory")
        up.shutdown()
        up.server_close()
        ask(server, port)
        ask(server, 1)
        t.check(wait_for(lambda: monitor.total(t, "stint_outbound_requests_total") == 5), "calls")
        for outcome in ("refused", "unreachable"):
            t.equal(monitor.total(t, "stint_outbound_requests_total", outcome=outcome), 1)
        t.check(wait_for(lambda: len(collector.of_kind(3)) == 4), "no span of a failed call")
        t.equal((collector.of_kind(3)[3]["attributes"]["error.type"],
                 collector.of_kind(3)[3]["status"]), ("connection-refused", {"code": 2}))
    collector.stop()


@test
def parents_decide(t):
    up, collector = serve(Upstream), Collector()
    port = up.server_address[1]
    rules = f'["http://127.0.0.1:{port}"]'
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 0\ninterval = "10ms"', rules=rules)
    with Served(t, path) as server:
        ask(server, port)  # nobody asked for a trace
        ask(server, port, traceparent=PARENT, tracestate="a=b,c=d")
        root, = collector.await_spans(t, 2, 1)
        call, = collector.await_spans(t, 3, 1)
        t.equal((root["traceId"], root["parentSpanId"], root["flags"]), (TRACE, SPAN, 0x301))
        t.equal((call["parentSpanId"], call["flags"], call["traceState"]),
                (root["spanId"], 0x101, "a=b,c=d"))
        t.match(up.seen[0]["traceparent"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
        t.check("tracestate" not in up.seen[0], up.seen[0])
        t.equal(up.seen[1]["traceparent"], f"00-{TRACE}-{call['spanId']}-01")
        t.equal(up.seen[1]["tracestate"], "a=b,c=d")
        up.seen.clear()
        # The guest's own goes out where it is of this trace, and another span than the server's.
        own = f"00-{TRACE}-1111111111111111-01"
        ask(server, port, traceparent=PARENT, tracestate="a=b", x_send_traceparent=own,
            x_send_tracestate="g=1")
        ask(server, port, traceparent=PARENT, tracestate="a=b", x_copy="1")
        other = f"00-{TRACE[::-1]}-1111111111111111-01"
        ask(server, port, traceparent=PARENT, x_send_traceparent=other, x_send_tracestate="g=1")
        ask(server, port, traceparent=PARENT, x_send_traceparent="nonsense")
        calls = collector.await_spans(t, 3, 5)[1:]
        t.equal((up.seen[0]["traceparent"], up.seen[0]["tracestate"]), (own, "g=1"))
        t.equal(calls[0]["parentSpanId"], "1" * 16)
        for seen, call in zip(up.seen[1:], calls[1:]):
            t.equal(seen["traceparent"], f"00-{TRACE}-{call['spanId']}-01")
        t.equal([seen.get("tracestate") for seen in up.seen[1:]], ["a=b", None, None])
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 1\ninterval = "10ms"', rules=rules)
    collector.spans.clear()
    with Served(t, path) as server:
        ask(server, port, traceparent=PARENT[:-1] + "0")
        t.match(up.seen[-1]["traceparent"], f"^00-{TRACE}-[0-9a-f]{{16}}-00$")
        server.stop()
    t.equal(collector.spans, [])
    collector.stop()
    up.shutdown()


@test
def a_share_is_sampled(t):
    collector = Collector()
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 0.25\ninterval = "10ms"')
    with Served(t, path, "--access-log", t.path("access.jsonl")) as server:
        connection = server.connect()
        flags = {}
        for _ in range(400):
            text = server.request("GET", "/header", headers={"x-ask": "traceparent"},
                                  connection=connection).text
            flags[text[3:35]] = text[-2:]
        connection.close()
        server.stop()
    with open(t.path("access.jsonl")) as file:
        t.equal([json.loads(line)["trace"] for line in file], list(flags))
    sampled = {trace for trace, flag in flags.items() if flag == "01"}
    t.check(50 < len(sampled) < 160, f"{len(sampled)} of 400")
    t.equal({span["traceId"] for span in collector.of_kind(2)}, sampled)
    for trace in flags:  # by the last 56 bits, as others decide it
        t.equal(trace in sampled, int(trace[18:], 16) >= 0.75 * 2 ** 56)
    collector.stop()


@test
def the_end_sends_what_is_left(t):
    collector = Collector()
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 1\ninterval = "1h"\nbatch = 4')
    with Served(t, path) as server:
        for _ in range(3):
            server.get("/hello")
        server.stop()
    t.equal(len(collector.of_kind(2)), 3)
    t.equal(collector.problems, [])
    collector.stop()


@test
def a_collector_that_is_ill_holds_nobody_up(t):
    collector = Collector()
    path = manifest(t, f'endpoint = "{collector.url}"\nratio = 1\ninterval = "10ms"\nqueue = 20\n'
                       'batch = 10\ntimeout = "500ms"')
    with Served(t, path, *METRICS) as server:
        monitor = Monitor(server)
        collector.is_hanging = True
        connection = server.connect()
        for _ in range(60):
            t.equal(server.request("GET", "/hello", connection=connection).status, 200)
        t.check(wait_for(lambda: monitor.total(t, "stint_spans_dropped_total", reason="queue") >= 60),
                "nothing was dropped")  # of 120, 20 wait and at most 10 are on their way
        t.check(monitor.total(t, "stint_spans_queued") <= 20, "the queue is longer than it may be")
        collector.is_hanging = False
        collector.hangs.set()
        collector.answers = [(503, {"Retry-After": "1"}, ""), (429, {}, "")]
        t.check(wait_for(lambda: collector.spans), "nothing came once it was well")
        t.check(server.lines("traces: "), server.log)
        t.check(wait_for(lambda: monitor.total(t, "stint_spans_queued") == 0), "some are left")
        t.check(monitor.total(t, "stint_span_exports_total", result="retried") >= 2, "no retry")
        t.check(wait_for(lambda: server.lines("takes spans again")), server.log)
        # What it refuses is not tried again.
        before, tries = monitor.total(t, "stint_spans_dropped_total", reason="refused"), collector.tries
        collector.answers = [(400, {}, ""),
                             (200, {}, '{"partialSuccess":{"rejectedSpans":"1"}}')]
        server.request("GET", "/hello", connection=connection)
        t.check(wait_for(lambda: collector.tries > tries), "no try")
        server.request("GET", "/hello", connection=connection)

        def refused():
            return monitor.total(t, "stint_spans_dropped_total", reason="refused") - before
        t.check(wait_for(lambda: refused() >= 2), "refused spans were not counted")
        # A hanging collector does not hold the end up for long either.
        collector.hangs.clear()
        collector.is_hanging = True
        server.request("GET", "/hello", connection=connection)
        connection.close()
        t.equal(server.stop(), 0)
    collector.stop()


@test
def the_environment_goes_first(t):
    collector = Collector()
    with open(t.path("secret"), "w") as file:
        file.write("# who we are\nx-file: from a file\n\n")
    traces = f'endpoint = "{collector.url}"\nratio = 0\ninterval = "10ms"\nservice = "named"\n'
    path = manifest(t, traces + 'headers = { x-key = "k" }\nheaders_file = "secret"')
    env = {**os.environ, "OTEL_TRACES_SAMPLER": "always_on", "OTEL_BSP_SCHEDULE_DELAY": "soon"}
    with Served(t, path, env=env) as server:
        server.get("/hello")
        collector.await_spans(t, 2, 1)
        t.equal((collector.headers[0]["x-key"], collector.headers[0]["x-file"]),
                ("k", "from a file"))
        t.equal(collector.resources[0]["service.name"], "named")
        t.check(server.lines("OTEL_BSP_SCHEDULE_DELAY"), server.log)
    path = manifest(t, 'endpoint = "http://127.0.0.1:1/v1/traces"')
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}/",
           "OTEL_SERVICE_NAME": "store", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
           "OTEL_TRACES_SAMPLER_ARG": "1", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, x-two=2",
           "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=not"}
    collector.headers.clear()
    collector.resources.clear()
    with Served(t, path, env=env) as server:
        server.get("/hello")
        server.stop()
    t.equal((collector.headers[0]["x-key"], collector.headers[0]["x-two"]), ("a b", "2"))
    resource = collector.resources[0]
    t.equal((resource["service.name"], resource["deployment.environment.name"]), ("store", "test"))
    collector.spans.clear()
    with Served(t, path, env={**env, "OTEL_SDK_DISABLED": "true"}) as server:
        server.get("/hello")
        server.stop()
    t.equal(collector.spans, [])
    collector.stop()


@test
def mistakes_are_said(t):
    def up(traces, env=None):
        return run("up", manifest(t, traces), "--listen", "127.0.0.1:0", env=env)
    t.ends(up('endpoint = "collector:4318"'), 1, "endpoint.*http")
    t.ends(up('endpoint = "http://c/"\nratio = 2'), 1, "ratio")
    t.ends(up('url = "http://c/"'), 1, "url")
    t.ends(up('endpoint = "http://c/"\nheaders_file = "none"'), 1, "headers_file: cannot read .*none")
    with open(t.path("wrong"), "w") as file:
        file.write("a: b\nnothing\n")
    t.ends(up('endpoint = "http://c/"\nheaders_file = "wrong"'), 1, "wrong:2: .*name: value")
    t.ends(up("", {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"}), 1,
           "'localhost:4317' is no URL")


main()
