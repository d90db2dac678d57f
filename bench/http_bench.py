# SPDX-License-Identifier: Apache-2.0
"""The bench part `http`: src/http's server (tests/http/echo.c) beside nginx `return 200`."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time

from measure import ROOT, median

TICKS = os.sysconf("SC_CLK_TCK")
NGINX = """worker_processes 1; daemon off; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 2000; }}
http {{ access_log {0}/access.log combined buffer=64k flush=1s; keepalive_requests 1000000000;
  client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0};
  scgi_temp_path {0};
  server {{ listen 127.0.0.1:{1}; listen 127.0.0.1:{2} http2;
    location / {{ default_type text/plain; return 200 "Hello, world!\\n"; }} }} }}
"""


def cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) * 1e6 / TICKS


@contextlib.contextmanager
def serving(command):
    with subprocess.Popen(["taskset", "-c", "0", *command], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def load(tool, port, seconds):
    """(requests, requests a second) of one run."""
    url = f"http://127.0.0.1:{port}/hello"
    command = {"wrk": ["wrk", "-t1", "-c32", f"-d{seconds}s", url],
               "h2load": ["h2load", "-t1", "-c4", "-m16", "-D", str(seconds), url]}[tool]
    out = subprocess.run(["taskset", "-c", "1", *command], capture_output=True, text=True).stdout
    if tool == "wrk":
        return (int(re.search(r"(\d+) requests in", out)[1]),
                float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]))
    return (int(re.search(r"(\d+) succeeded", out)[1]), float(re.search(r"([\d.]+) req/s", out)[1]))


def worker_of(pid):
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return int(children.split()[0])


def run_http(options, run, spawner):
    """Requests a second and CPU time of one, server on core 0, load on core 1, runs in turn."""
    missing = [tool for tool in ("nginx", "wrk", "h2load", "taskset") if not shutil.which(tool)]
    program = os.path.join(ROOT, "build", "release", "tests", "http_echo")
    if missing or not os.path.exists(program) or (os.cpu_count() or 1) < 2:
        print(f"http: skipped: needs {' '.join(missing) or 'http_echo and two cores'}\n")
        return None
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        port = 20000 + os.getpid() % 20000
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder, port, port + 1))
        with serving(["nginx", "-c", config]) as nginx, serving(
                [program, f"address=127.0.0.1:{port + 2}"]) as echo:
            echo.stdout.readline()
            time.sleep(0.5)
            sides = {"nginx": (worker_of(nginx.pid), port, port + 1),
                     "stint": (echo.pid, port + 2, port + 2)}
            for _ in range(options.rounds):
                for name, (pid, http1, http2) in sides.items():
                    for tool, where in (("wrk", http1), ("h2load", http2)):
                        before = cpu_us(pid)
                        count, rate = load(tool, where, 2)
                        figures.setdefault((tool, name), []).append(
                            (rate, (cpu_us(pid) - before) / count))
    medians = {f"{tool} {name}": [median(column) for column in zip(*rows)]
               for (tool, name), rows in figures.items()}
    print("HTTP: a constant answer, one core (wrk: HTTP/1.1, 32 connections; h2load: 4 with 16 streams)")
    run.print_table(["load and server", "req/s", "CPU us"],
                    [[name, f"{rate:.0f}", f"{cpu:.2f}"] for name, (rate, cpu) in medians.items()])
    return {"medians": medians}
