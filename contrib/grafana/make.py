#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes stint.json, the dashboard for Grafana 9 and later: contrib/grafana/make.py [FILE]."""
import json
import os
import sys

WHERE = 'job=~"$job",instance=~"$instance"'
COMPONENT = WHERE + ',component=~"$component"'
FAILED = COMPONENT + ',code=~"5.."'


def rate(metric, where=COMPONENT, by=""):
    inner = f"rate({metric}{{{where}}}[$__rate_interval])"
    return f"sum({inner})" if by == "" else f"sum by ({by}) ({inner})"


def quantile(of, metric, by="le"):
    return f"histogram_quantile({of}, {rate(metric + '_bucket', by=by)})"


def panel(kind, title, unit, *queries, width=8, height=8, description="", **options):
    return {"type": kind, "title": title, "description": description, "width": width, "height": height,
            "unit": unit, "queries": queries, "options": options}


ROWS = [
    ("Now", [
        panel("stat", "Requests/s", "reqps", (rate("stint_requests_total"), ""), width=4, height=4),
        panel("stat", "Errors", "percentunit",
              (f"({rate('stint_requests_total', FAILED)} or vector(0)) / {rate('stint_requests_total')}", ""),
              width=4, height=4, warn=0.01, bad=0.05),
        panel("stat", "p99", "s", (quantile(0.99, "stint_request_duration_seconds"), ""), width=4, height=4),
        panel("stat", "Memory", "bytes", (f"sum(process_resident_memory_bytes{{{WHERE}}})", ""), width=4, height=4),
        panel("stat", "CPU", "none", (rate("process_cpu_seconds_total", WHERE), ""), width=4, height=4),
        panel("stat", "Components down", "none", (f"count(stint_component_up{{{WHERE}}} == 0) or vector(0)", ""),
              width=4, height=4, warn=1, bad=1),
    ]),
    ("Requests", [
        panel("timeseries", "Requests by component", "reqps",
              (rate("stint_requests_total", by="component"), "{{component}}")),
        panel("timeseries", "Errors (5xx) by component", "reqps",
              (rate("stint_requests_total", FAILED, "component"), "{{component}}")),
        panel("timeseries", "Responses by status", "reqps", (rate("stint_requests_total", by="code"), "{{code}}")),
        panel("timeseries", "Latency", "s",
              *((quantile(q, "stint_request_duration_seconds"), f"p{int(q * 100)}") for q in (0.5, 0.9, 0.99))),
        panel("timeseries", "p99 by component", "s",
              (quantile(0.99, "stint_request_duration_seconds", "le, component"), "{{component}}")),
        panel("timeseries", "Requests by country", "reqps",
              (f"topk(12, {rate('stint_country_requests_total', by='country')})", "{{country}}")),
    ]),
    ("Components", [
        panel("timeseries", "CPU time of guests", "none", (rate("stint_guest_seconds_sum", by="component"), "{{component}}"),
              description="Cores that guests keep busy; waiting does not count."),
        panel("timeseries", "Requests on their way", "none",
              (f"sum by (component) (stint_component_running{{{COMPONENT}}})", "{{component}}")),
        panel("timeseries", "Instances", "none", (f"sum by (component) (stint_instances{{{COMPONENT}}})", "{{component}}"),
              (f"sum by (component) (stint_instances_idle{{{COMPONENT}}})", "{{component}} idle")),
        panel("timeseries", "Cold starts", "ops", (rate("stint_cold_starts_total", by="component"), "{{component}}")),
        panel("timeseries", "Getting an instance, p99", "s",
              (quantile(0.99, "stint_take_seconds", "le, component"), "{{component}}")),
        panel("timeseries", "Memory of busy instances", "bytes",
              (f"sum by (component) (stint_instance_memory_bytes{{{COMPONENT}}})", "{{component}}")),
        panel("timeseries", "Requests of guests, p99", "s",
              (quantile(0.99, "stint_outbound_duration_seconds", "le, kind"), "{{kind}}")),
        panel("table", "Without machine code", "none", (f"stint_component_machine_code{{{COMPONENT}}} == 0", "")),
    ]),
    ("Failures and limits", [
        panel("timeseries", "Failures", "ops", (rate("stint_failures_total", by="component, kind"), "{{component}} {{kind}}")),
        panel("timeseries", "Limits", "ops", (rate("stint_limits_total", by="component, limit"), "{{component}} {{limit}}")),
        panel("timeseries", "Lost and refused", "ops", (rate("stint_lost_total"), "lost"),
              (rate("stint_refused_total", WHERE), "refused"), (rate("stint_slow_total", WHERE), "slow"),
              (rate("stint_tls_bad_handshakes_total", WHERE), "TLS handshakes")),
        panel("timeseries", "Requests of guests by outcome", "reqps",
              (rate("stint_outbound_requests_total", by="kind, outcome"), "{{kind}} {{outcome}}"), width=12),
        panel("timeseries", "Memory that requests hold", "bytes",
              (rate("stint_memory_byte_seconds_total", by="component"), "{{component}}"), width=12),
        panel("timeseries", "Beyond the CPU budget", "percentunit",
              (f"{rate('stint_over_budget_total', by='component, route')} / "
               f"{rate('stint_guest_seconds_count', by='component, route')}", "{{component}} {{route}}"), width=12,
              description="Requests that took more CPU time than cpu_budget, of all; more than 1% is a warning."),
        panel("timeseries", "Starts", "ops", (rate("stint_starts_total"), "all"), (rate("stint_cold_starts_total"), "cold"),
              width=12),
    ]),
    ("Server", [
        panel("timeseries", "Memory", "bytes", (f"process_resident_memory_bytes{{{WHERE}}}", "{{instance}}")),
        panel("timeseries", "CPU", "none", (f"rate(process_cpu_seconds_total{{{WHERE}}}[$__rate_interval])", "{{instance}}")),
        panel("timeseries", "Connections", "none", (f"sum(stint_connections{{{WHERE}}})", "open"),
              (f"sum(stint_connections_idle{{{WHERE}}})", "idle")),
        panel("timeseries", "Traffic", "Bps", (rate("stint_received_bytes_total", WHERE), "received"),
              (rate("stint_sent_bytes_total", WHERE), "sent")),
        panel("timeseries", "Certificates end in", "s",
              (f"stint_certificate_expiry_seconds{{{WHERE}}} - time()", "{{name}}")),
        panel("timeseries", "Age of geo databases", "s", (f"time() - stint_geo_built_seconds{{{WHERE}}}", "{{file}}")),
    ]),
]


def thresholds(options):
    steps = [{"color": "green", "value": None}]
    for key, colour in (("warn", "orange"), ("bad", "red")):
        if key in options:
            steps.append({"color": colour, "value": options[key]})
    return {"mode": "absolute", "steps": steps}


def draw(number, one, x, y):
    kind = one["type"]
    drawn = {"id": number, "type": kind, "title": one["title"], "description": one["description"],
             "datasource": {"type": "prometheus", "uid": "${source}"},
             "gridPos": {"x": x, "y": y, "w": one["width"], "h": one["height"]},
             "fieldConfig": {"defaults": {"unit": one["unit"], "min": 0, "thresholds": thresholds(one["options"])},
                             "overrides": []},
             "targets": [{"refId": chr(65 + i), "expr": query, "legendFormat": legend,
                          "datasource": {"type": "prometheus", "uid": "${source}"},
                          **({"instant": True, "format": "table"} if kind == "table" else {})}
                         for i, (query, legend) in enumerate(one["queries"])]}
    if kind == "timeseries":
        drawn["fieldConfig"]["defaults"]["custom"] = {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never"}
        drawn["options"] = {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list", "placement": "bottom"}}
    elif kind == "stat":
        drawn["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area",
                            "colorMode": "value" if "bad" in one["options"] else "none"}
    return drawn


def variable(name, query, label):
    return {"name": name, "label": label, "type": "query", "query": query, "definition": query, "refresh": 2,
            "multi": True, "includeAll": True, "allValue": ".*", "sort": 1,
            "current": {"text": "All", "value": "$__all"}, "datasource": {"type": "prometheus", "uid": "${source}"}}


def dashboard():
    panels, y, number = [], 0, 0
    for title, row in ROWS:
        number += 1
        panels.append({"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        x, y = 0, y + 1
        for one in row:
            if x + one["width"] > 24:
                x, y = 0, y + one["height"]
            number += 1
            panels.append(draw(number, one, x, y))
            x += one["width"]
        y += row[-1]["height"]
    return {"uid": "stint", "title": "Stint", "tags": ["stint", "wasm"], "schemaVersion": 37, "version": 1,
            "editable": True, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-3h", "to": "now"},
            "annotations": {"list": []}, "panels": panels,
            "templating": {"list": [
                {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
                variable("job", "label_values(stint_info, job)", "Job"),
                variable("instance", 'label_values(stint_info{job=~"$job"}, instance)', "Server"),
                variable("component", 'label_values(stint_component_up{job=~"$job"}, component)', "Component")]}}


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "stint.json")
    with open(path, "w") as file:
        json.dump(dashboard(), file, indent=1)
        file.write("\n")
