#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""The admin page of `stint up`: its data, who may see them, and the page in a browser."""
import hashlib
import http.client
import json
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402
from browser import Browser  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import main, run, test  # noqa: E402

ADMIN = ("--admin", "127.0.0.1:0")
EVIL = "<script>document.title='broken'</script><img src=x onerror=alert(1)>"


class Admin:
    def __init__(self, server):
        line = server.lines("admin page on")[0]["message"]
        self.url = re.search(r"http://\S+/", line)[0]
        self.address = self.url[7:-1]

    def get(self, path="/api/state", method="GET", **headers):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def state(self, path="/api/state", **headers):
        status, _, text = self.get(path, **headers)
        assert status == 200, (status, text)
        return json.loads(text)

    def wait(self, is_so):
        for _ in range(600):
            state = self.state()
            if is_so(state):
                return state
            time.sleep(0.02)
        raise AssertionError(f"never so: {json.dumps(state)[:2000]}")


def manifest(t, more="", name="shop", admin="", components=""):
    with open(t.path("spin.toml"), "w") as file:
        file.write(f'spin_manifest_version = 2\n[application]\nname = {json.dumps(name)}\n'
                   f'[application.tool.stint]\ntrusted_proxies = ["127.0.0.1"]\n{more}'
                   f'[application.tool.stint.admin]\nlisten = "127.0.0.1:0"\n{admin}'
                   '[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n'
                   f'[component.app]\nsource = "app.wasm"\n{components}')
    return t.path("spin.toml")


MISSING = ('[[trigger.http]]\nroute = "/missing"\ncomponent = "missing"\n'
           '[component.missing]\nsource = "missing.wasm"\n')


@test
def state_tells_what_happened(t):
    app = build_app(t, component=True)
    mmdb.write(t.path("geo.mmdb"))
    path = manifest(t, '[application.tool.stint.geo]\ndatabase = "geo.mmdb"\n', components=MISSING)
    with Served(t, path) as server:
        admin = Admin(server)
        state = admin.state()
        t.equal(state["api"], 1)
        t.equal(state["server"]["application"], "shop")
        t.equal([x["address"] for x in state["server"]["listeners"]], [f"127.0.0.1:{server.port}"])
        for client in ("203.0.113.9", "203.0.113.10", "198.51.100.1"):
            server.get("/hello", x_forwarded_for=client)
        failed = server.get("/trap").text
        down = server.get("/missing").text
        state = admin.wait(lambda s: sum(s["countries"].values()) == 5)
        t.equal(state["countries"], {"KR": 2, "JP": 1, "unknown": 2})
        found = {c["id"]: c for c in state["components"]}
        with open(app, "rb") as file:
            t.equal(found["app"]["sha256"], hashlib.sha256(file.read()).hexdigest())
        t.equal((found["app"]["up"], found["missing"]["up"]), (True, False))
        t.check(found["app"]["instances"]["starts"] >= 4, found["app"])
        t.equal(found["app"]["instances"]["memory_bytes"], 0)
        t.equal(state["routes"][0]["calls"], {"http": {}, "redis": {}, "mqtt": {}})
        t.match(found["missing"]["problem"], "No such file")
        t.check(found["missing"]["problem_id"] in down, down)
        t.check(server.lines("problem " + found["missing"]["problem_id"]), "the log has no such problem")
        state = admin.wait(lambda s: len(s["failures"]) == 1)
        failure = state["failures"][0]
        t.equal((failure["component"], failure["route"], failure["kind"]), ("app", "/...", "trap"))
        t.check(failure["request"] in failed, failed)
        t.match(failure["backtrace"], r"#0 0x[0-9a-f]+ ")
        t.equal(len(state["versions"]), 1)
        codes = {}
        for route in state["routes"]:
            t.equal(len(route["duration"]["counts"]), len(state["bounds"]) + 1)
            t.equal(sum(route["duration"]["counts"]), sum(route["codes"].values()))
            for code, count in route["codes"].items():
                codes[code] = codes.get(code, 0) + count
        t.equal(codes, {"200": 3, "500": 1, "503": 1})
        state = admin.wait(lambda s: len(s["history"]) > 1)
        t.check(state["history"][-1]["memory_bytes"] > 1e6, state["history"])
        t.equal(admin.state(f"/api/state?since={state['history_last'] - 1}")["history"][0]["number"],
                state["history_last"])
        t.equal(server.stop(), 0)


@test
def failures_are_few_and_versions_are_known(t):
    build_app(t, component=True)
    path = manifest(t)
    with Served(t, path) as server:
        admin = Admin(server)
        for _ in range(60):
            server.get("/trap")
        state = admin.wait(lambda s: s["failure_count"] == 60)
        t.equal([f["number"] for f in state["failures"]], list(range(60, 10, -1)))

        def reload(attempts):
            server.process.send_signal(signal.SIGHUP)
            return admin.wait(lambda s: len(s["versions"]) == attempts)["versions"][0]
        with open(path, "a") as file:
            file.write("oops = \n")
        failed = reload(2)
        t.equal(failed["number"], None)
        t.match(failed["text"], r"spin\.toml:\d+")
        with open(t.path("app.wasm"), "ab") as file:
            file.write(b"\0\x03\x01xy")  # a section of our own
        manifest(t, components=MISSING)
        second = reload(3)
        t.equal((second["number"], second["components"], second["down"]), (2, 2, 1))
        t.equal(second["text"], "app changed, missing is down")
        manifest(t)
        t.equal(reload(4)["text"], "missing is gone")


@test
def who_may_look(t):
    app = build_app(t, component=True)
    with open(t.path("token"), "w") as file:
        file.write("a secret\n")
    with Served(t, app, *ADMIN) as server:
        admin = Admin(server)
        port = admin.address.split(":")[1]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            t.equal(admin.get(host=host)[0], 200)
        for host in ("rebind.example", f"rebind.example:{port}", "192.0.2.1", "localhost.example"):
            t.equal(admin.get(host=host)[0], 421)
            t.equal(admin.get("/", host=host)[0], 421)
        status, headers, _ = admin.get(method="POST")
        t.equal((status, headers["allow"]), (405, "GET, HEAD"))
        t.equal(admin.get("/../etc/passwd")[0], 404)
        status, headers, text = admin.get("/")
        t.match(headers["content-security-policy"], "default-src 'none'; script-src 'self'")
        t.check("unsafe" not in headers["content-security-policy"], "the policy is no policy")
        t.check(re.search(r"\son\w+=|<script>|style=|https?://", text) is None, "inline or foreign parts")
        for file in re.findall(r'(?:src|href)="(/[^"]+)"', text):
            t.equal(admin.get(file)[0], 200)
    with Served(t, app, *ADMIN, "--admin-token-file", t.path("token")) as server:
        admin = Admin(server)
        t.equal(admin.get("/")[0], 200)
        t.equal(admin.get()[0], 401)
        t.equal(admin.get(authorization="Bearer a secre")[0], 401)
        t.equal(admin.get(authorization="Bearer a secret", host="shop.example")[0], 200)
    t.ends(run("up", app, "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"), 1,
           "not a loopback address.*--admin-token-file")
    t.ends(run("up", app, "--listen", "127.0.0.1:0", *ADMIN, "--admin-token-file", t.path("none")), 1,
           "token of the admin page")


@test
def the_page_in_a_browser(t):
    build_app(t, component=True)
    mmdb.write(t.path("geo.mmdb"))
    path = manifest(t, '[application.tool.stint.geo]\ndatabase = "geo.mmdb"\n', name=EVIL,
                    components=MISSING + '[[trigger.http]]\nroute = "/trap/<b>x</b>"\ncomponent = "app"\n')
    with Served(t, path) as server, Browser(t) as browser:
        admin = Admin(server)
        browser.open(admin.url)
        browser.wait("!document.getElementById('page').hidden", "the page stays empty")
        t.match(browser.text("#no-failures"), "No guest has failed")
        t.equal(browser.text("#application"), EVIL)
        t.equal(browser.text("#ready"), "▲ 1 down")
        for client in ("203.0.113.9", "203.0.113.10", "198.51.100.1"):
            for _ in range(10):
                server.get("/hello", x_forwarded_for=client)
        server.get("/trap/%3Cb%3Ex%3C/b%3E")
        server.get("/trap")
        browser.wait("/^[0-9.]*[1-9]/.test(document.querySelector('#tile-requests .value').innerText)",
                     "no rate of requests")
        browser.wait("document.querySelectorAll('#countries tbody tr').length === 3")
        rows = browser.run("[...document.querySelectorAll('#countries tbody tr')].map(r => r.innerText.split(/\\t/))")
        t.equal([row[:3] for row in rows], [["South Korea", "Asia", "20"], ["Japan", "Asia", "10"],
                                            ["Unknown", "–", "2"]])
        t.equal(browser.run("document.querySelectorAll('#map [data-code]').length"), 250)
        t.equal(browser.run("[...document.querySelectorAll('#map .q6')].map(g => g.dataset.code)"), ["KR"])
        browser.run("document.querySelector('[data-code=KR]').focus()")
        browser.key("ArrowRight")
        t.match(browser.text("#tip"), r"^\w")
        browser.wait("document.querySelectorAll('#failures details').length === 2")
        browser.run("document.querySelector('#failures summary').click()")
        t.match(browser.text("#failures details"), r"(?s)unreachable.*#0 0x")
        time.sleep(1.5)  # what was opened stays so
        t.equal(browser.run("document.querySelector('#failures details').open"), True)
        t.match(browser.text("#failures"), "trap")
        browser.run("document.querySelector('.name-button').click()")
        t.match(browser.text(".details"), r"(?s)SHA-256\s+[0-9a-f]{64}")
        browser.run("document.querySelectorAll('.name-button')[1].click()")
        t.match(browser.text("#components"), "(?s)down.*No such file")
        t.match(browser.text("#versions"), "Version 1")
        asking = threading.Thread(target=lambda: server.get("/sleep=4000"))
        asking.start()
        browser.wait("/^[0-9.]+ [KM]/.test(document.querySelector('#components tbody td:nth-child(8)').innerText)",
                     "no memory of a busy instance")
        asking.join()
        t.equal(browser.run("document.querySelectorAll('#page b > b, #page img, #page script').length"), 0)
        t.check("broken" not in browser.run("document.title").split("<")[0], "a script of a name ran")
        browser.look(width=380, height=800)
        t.equal(browser.run("document.documentElement.scrollWidth"), 380)
        browser.look(dark=True)
        t.equal(browser.problems, [])
        server.stop()
        browser.wait("!document.getElementById('offline').hidden", "that the server is gone is not said")


@test
def the_token_in_a_browser(t):
    build_app(t, component=True)
    with open(t.path("token"), "w") as file:
        file.write("a secret\n")
    with Served(t, manifest(t, admin='token_file = "token"\n')) as server, Browser(t) as browser:
        admin = Admin(server)
        for text, selector in (("wrong", "#refused:not(:empty)"), ("a secret", "#page:not([hidden])")):
            if text == "wrong":
                browser.open(admin.url)
                browser.wait("document.querySelector('#login:not([hidden])') !== null", "no form asks for it")
            browser.run(f"document.getElementById('token').value = {json.dumps(text)};"
                        "document.querySelector('#login button').click()")
            browser.wait(f"document.querySelector({json.dumps(selector)}) !== null")
        t.equal(browser.run("location.search + location.hash + document.cookie"), "")
        t.equal(browser.run("sessionStorage.getItem('token')"), "a secret")
        t.check(all("401" in problem for problem in browser.problems), browser.problems)


main()
