# SPDX-License-Identifier: Apache-2.0
"""What a server under test says of itself: `Monitor(server).total(t, "stint_requests_total")`."""
import http.client
import http.server
import json
import re
import threading
import time


def wait_for(what):
    for _ in range(3000):
        if what():
            return True
        time.sleep(0.02)
    return False


SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$')


def parse(t, text):
    """{(name, labels): value}; strict about everything that Prometheus is strict about."""
    samples, types, family = {}, {}, None
    t.check(text.endswith("\n"), "the last line has no end")
    for line in text.splitlines():
        if line.startswith("# "):
            word, name, rest = line[2:].split(" ", 2)
            t.check(word in ("HELP", "TYPE"), line)
            if word == "HELP":
                t.check(name not in types, f"{name} comes twice")
                family = name
            else:
                t.check(name == family and rest in ("counter", "gauge", "histogram"), line)
                types[name] = rest
            continue
        found = SAMPLE.match(line)
        t.check(found is not None, line)
        name = found[1]
        if types[family] == "histogram":
            t.check(re.sub("_(bucket|sum|count)$", "", name) == family, line)
        else:
            t.equal(name, family)
        labels = tuple(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
        t.check((name, labels) not in samples, f"twice: {line}")
        samples[name, labels] = float(found[3])
    for (name, labels), value in samples.items():
        if name.endswith("_bucket"):
            below = [v for (n, k), v in samples.items() if n == name and k[:-1] == labels[:-1]]
            t.check(below == sorted(below), f"{name} falls")
            if labels[-1] == ("le", "+Inf"):
                t.equal(samples[name[:-7] + "_count", labels[:-1]], value)
    return samples


class Monitor:
    def __init__(self, server):
        line = server.lines("metrics on")[0]
        self.address = re.search(r"http://(\S+)/metrics", line["message"])[1]

    def get(self, path, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def total(self, t, metric, /, **labels):
        status, text = self.get("/metrics")
        t.equal(status, 200)
        return sum(value for (n, k), value in parse(t, text).items()
                   if n == metric and set(labels.items()) <= set(k))


def collector():
    """A list that spans come to, and the address for that."""
    spans = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            spans.extend(span for resource in body["resourceSpans"] for scope in resource["scopeSpans"]
                         for span in scope["spans"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return spans, f"http://127.0.0.1:{server.server_address[1]}"
