#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What operators import: each metric of the dashboard and of the alert rules is one that the server has."""
import http.client
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402
from monitored import Monitor  # noqa: E402
from served import ROOT, Served, build_app  # noqa: E402
from program import Skip, main, test  # noqa: E402

CONTRIB = os.path.join(ROOT, "contrib")
DASHBOARD = os.path.join(CONTRIB, "grafana", "stint.json")
ALERTS = os.path.join(CONTRIB, "prometheus", "alerts.yml")
NAME = re.compile(r"\b(?:stint|process)_[a-z_]+\b")


def read(path):
    with open(path) as file:
        return file.read()


def dashboard_queries():
    board = json.loads(read(DASHBOARD))
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])] + \
           [one["query"] for one in board["templating"]["list"]]


def alert_queries():
    """The rules' own lines are regular enough to be read without a reader of YAML."""
    found = []
    for rule in re.split(r"\n +- alert: ", read(ALERTS))[1:]:
        query = re.search(r"\n +expr: (?:>-\n)?(.*?)\n +(?:for|labels):", rule, re.S)
        found.append(" ".join(query[1].split()))
    return found


def metrics_of(queries):
    """Names without what a histogram adds to its own, and without labels."""
    names = set()
    for query in queries:
        for name in NAME.findall(re.sub(r'"[^"]*"', '""', query)):
            names.add(re.sub(r"_(bucket|sum|count)$", "", name))
    return names


@test
def the_dashboard_is_what_its_script_writes(t):
    spec = importlib.util.spec_from_file_location("make", os.path.join(CONTRIB, "grafana", "make.py"))
    make = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(make)
    t.check(json.loads(read(DASHBOARD)) == make.dashboard(), "run contrib/grafana/make.py")
    board = make.dashboard()
    ids = [panel["id"] for panel in board["panels"]]
    t.equal(len(ids), len(set(ids)))
    places = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        t.check(at["x"] + at["w"] <= 24, panel["title"])
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        t.check(not cells & places, f"{panel['title']} lies on another one")
        places |= cells


@test
def all_metrics_are_there(t):
    build_app(t, component=True)
    mmdb.write(t.path("geo.mmdb"))
    documented = read(os.path.join(ROOT, "docs", "edge.md"))
    used = metrics_of(dashboard_queries() + alert_queries())
    t.check(len(used) > 20, used)
    with Served(t, t.path("app.wasm"), "--metrics", "127.0.0.1:0", "--geo", t.path("geo.mmdb")) as server:
        server.get("/hello")
        address = re.search(r"http://(\S+):(\d+)/", server.lines("metrics on")[0]["message"])
        connection = http.client.HTTPConnection(address[1], int(address[2]), timeout=60)
        connection.request("GET", "/metrics")
        there = set(re.findall(r"^# TYPE (\S+) ", connection.getresponse().read().decode(), re.M))
        connection.close()
    for name in sorted(used - there):
        t.check(f"`{name}`" in documented, f"there is no {name}")
    # Without TLS, regions and triggers, nothing is known of those.
    t.equal(used - there - {"stint_certificate_expiry_seconds", "stint_region_up", "stint_trigger_up"}, set())


@test
def rules_have_their_parts(t):
    text = read(ALERTS)
    names = re.findall(r"- alert: (\w+)", text)
    t.equal(len(names), len(set(names)))
    t.equal((len(alert_queries()), text.count("severity:"), text.count("summary:")), (len(names),) * 3)
    try:
        import yaml
    except ImportError:
        return
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    t.equal([" ".join(rule["expr"].split()) for rule in rules], alert_queries())


def promtool(*arguments, text=None):
    """In the long run: that program is in a package of 80 MB."""
    if os.environ.get("STINT_TEST_ALL") != "1":
        raise Skip("only in the long run: STINT_TEST_ALL=1")
    program = shutil.which("promtool")
    if program is None:
        raise Skip("there is no promtool: install prometheus (tools/deps.sh long)")
    return subprocess.run([program, *arguments], input=text, capture_output=True, text=True)


@test
def promtool_accepts_the_rules(t):
    done = promtool("check", "rules", ALERTS)
    t.equal((done.returncode, done.stderr), (0, ""))


RULES = """
rule_files: [%s]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'stint_component_up{component="a",instance="i"}', values: '0x60'}
      - {series: 'stint_component_up{component="b",instance="i"}', values: '1x60'}
      - {series: 'stint_instances{component="a",instance="i"}', values: '10x60'}
      - {series: 'stint_instances_idle{component="a",instance="i"}', values: '1x60'}
      - {series: 'stint_instances_max{component="a",instance="i"}', values: '10x60'}
      - {series: 'stint_outbound_requests_total{component="a",instance="i",kind="redis",outcome="ok"}', values: '0+60x60'}
      - {series: 'stint_outbound_requests_total{component="a",instance="i",kind="redis",outcome="failed"}', values: '0+60x60'}
      - {series: 'stint_outbound_requests_total{component="a",instance="i",kind="http",outcome="2xx"}', values: '0+60x60'}
      - {series: 'stint_outbound_requests_total{component="a",instance="i",kind="http",outcome="5xx"}', values: '0+6x60'}
      - {series: 'process_resident_memory_bytes{instance="i",job="j"}', values: '3000000000x60'}
      - {series: 'stint_cpu_budget_exceeded{component="a",instance="i",route="/..."}', values: '1x60'}
      - {series: 'stint_region_up{instance="i",job="j",region="eu"}', values: '1x10 0x50'}
      - {series: 'stint_region_up{instance="i",job="j",region="us"}', values: '1x60'}
      - {series: 'stint_trigger_up{channel="orders",component="a",instance="i"}', values: '0x60'}
      - {series: 'stint_info{instance="i",job="j",version="1",fence="off"}', values: '1x60'}
    alert_rule_test:
      - {eval_time: 30m, alertname: StintComponentDown, exp_alerts: [{exp_labels: {severity: critical, component: a, instance: i}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintInstances, exp_alerts: [{exp_labels: {severity: warning, component: a, instance: i}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintOutbound, exp_alerts: [{exp_labels: {severity: warning, component: a, instance: i, kind: redis}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintMemory, exp_alerts: [{exp_labels: {severity: warning, instance: i, job: j}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintTraps, exp_alerts: []}
      - {eval_time: 4m, alertname: StintCpuBudget, exp_alerts: []}
      - {eval_time: 30m, alertname: StintCpuBudget, exp_alerts: [{exp_labels: {severity: warning, component: a, instance: i, route: /...}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintRegionDown, exp_alerts: [{exp_labels: {severity: warning, instance: i, job: j, region: eu}, exp_annotations: %s}]}
      - {eval_time: 30m, alertname: StintTriggerDown, exp_alerts: [{exp_labels: {severity: critical, channel: orders, component: a, instance: i}, exp_annotations: %s}]}
"""


@test
def the_rules_fire_when_they_should(t):
    said = ({"summary": "a on i is not loaded",
             "description": "Its routes answer 503. /readyz says why, and so does the log, by the id of the problem."},
            {"summary": "9 instances of a are busy: there are hardly more"},
            {"summary": "50% of what a asks others by redis fails"},
            {"summary": "i takes 2.794GiB"},
            {"summary": "/... of a takes more CPU time than its cpu_budget"},
            {"summary": "i finds the region eu down"},
            {"summary": "a on i gets no messages of orders"})
    path = t.file("rules.yml", RULES % (json.dumps(ALERTS), *map(json.dumps, said)))
    done = promtool("test", "rules", path)
    t.equal((done.returncode, done.stderr), (0, ""))


@test
def promtool_accepts_the_metrics(t):
    promtool("--version")
    build_app(t, component=True)
    mmdb.write(t.path("geo.mmdb"))
    with Served(t, t.path("app.wasm"), "--metrics", "127.0.0.1:0", "--geo", t.path("geo.mmdb")) as server:
        for path in ("/hello", "/trap", "/none"):
            server.get(path)
        status, text = Monitor(server).get("/metrics")
        t.equal(status, 200)
    done = promtool("check", "metrics", text=text)
    t.equal((done.returncode, done.stdout, done.stderr), (0, "", ""))


main()
