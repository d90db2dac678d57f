# SPDX-License-Identifier: Apache-2.0
"""A server under test: `with Served(t, "app.wasm") as server: server.get("/hello")`."""
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from program import STINT, Skip  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


_compiled = {}  # guests by how they are made: most tests of a suite take the same one


def compiled(t, name, *arguments, component=False):
    """A guest that tools/guest-cc.sh makes with these arguments, as the file `name` of the test."""
    path, key = t.path(name), (component, *arguments)
    if key in _compiled:
        return t.file(name, _compiled[key])
    done = subprocess.run([os.path.join(ROOT, "tools", "guest-cc.sh"), *arguments, "-o", path],
                          capture_output=True, text=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    if component:
        done = subprocess.run([STINT, "component", "new", path, "-o", path + ".component"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        os.replace(path + ".component", path)
    with open(path, "rb") as file:
        _compiled[key] = file.read()
    return path


def build_app(t, source="app.c", name="app.wasm", component=False, more=()):
    """The guest of the tests, a core module or a component; `more`: of the compiler."""
    kit = os.path.join(ROOT, "guest", "c")
    return compiled(t, name, "--size", "--reactor", "-I" + kit,
                    os.path.join(ROOT, "tests", "edge", source), *more,
                    *(os.path.join(kit, f"stint_{part}.c") for part in ("http", "wasm", "alloc")),
                    component=component)


SPIN_PACKAGES = ("spin@2.0.0 spin@unversioned keyvalue-2024-10-17 wasi-runtime-config-2024-09-27 "
                 "http@0.2.0 io@0.2.0 clocks@0.2.0 cli@0.2.0 random@0.2.0 filesystem@0.2.0 "
                 "sockets@0.2.0").split()


def make_component(t, core, world):
    """The module becomes a component of the world `app`, of packages of Spin and WASI."""
    wit = os.path.join(os.environ.get("STINT_CONFORMANCE",
                                      os.path.join(ROOT, "..", "shared", "conformance")),
                       "wit", "spin", "wit", "deps")
    if not os.path.isdir(wit):
        raise Skip("the WIT of Spin is not here")
    os.makedirs(t.path("wit/deps"), exist_ok=True)
    for package in SPIN_PACKAGES:
        if not os.path.exists(t.path("wit/deps/" + package)):
            os.symlink(os.path.join(wit, package), t.path("wit/deps/" + package))
    with open(t.path("wit/app.wit"), "w") as file:
        file.write(world)
    done = subprocess.run([STINT, "component", "new", core, "-o", core + ".component", "--wit",
                           t.path("wit"), "--world", "app"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    os.replace(core + ".component", core)


def build_command(t, name="cmd.wasm"):
    """The guest of tests of commands."""
    return compiled(t, name, "--size", os.path.join(ROOT, "tests", "edge", "command.c"))


def free_ports(count):
    """Ports that nobody has, and that the system gives to nobody who asks for any."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])
    ports = []
    while len(ports) < count:
        port = random.randrange(10000, max(first, 11000))
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.version = response.version
        self.body = response.read()
        self.text = self.body.decode("utf-8", "replace")


class Served:
    """The program, serving on a free port until the block ends."""

    def __init__(self, t, app, *arguments, env=None, listen=True, under=(), verb="up",
                 terminal=subprocess.PIPE, **more):
        """`under`: a command that runs the program; `terminal`: where its log goes instead of `log`;
        `more`: of Popen."""
        self.t = t
        where = ["--listen", "127.0.0.1:0"] if listen else []
        self.process = subprocess.Popen([*under, STINT, verb, app, *where, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=terminal, env=env, **more)
        self.log, self.addresses = [], []
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        while True:
            line = self.process.stdout.readline().decode()
            found = re.match(r"Serving https?://(\S+):(\d+)$", line.strip())
            if found:
                self.addresses.append((found[1].strip("[]"), int(found[2])))
            is_serving = line.startswith("Serving ")
            if is_serving or not line:
                break
        if not is_serving:
            self.process.wait()
            self.reader.join()
            raise AssertionError("the server did not start: " + "\n".join(self.log))
        # The access log may go there: a full pipe would hold the server up.
        self.drain = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.drain.start()
        if self.addresses:
            self.host, self.port = self.addresses[0]

    def _read_log(self):
        for line in self.process.stderr or ():
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """Ends it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end: " + "\n".join(self.log[-20:]))
        self.reader.join(10)
        self.drain.join(10)
        if code in (99, -6, -11):
            raise AssertionError(f"the server died ({code}): " + "\n".join(self.log[-40:]))
        self.process.stdout.close()
        return code

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def request(self, method, path, body=None, headers={}, connection=None):
        own = connection or self.connect()
        own.request(method, path, body=body, headers=headers)
        answer = Answer(own.getresponse())
        if connection is None:
            own.close()
        return answer

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v
                                                  for k, v in headers.items()})

    def written(self, containing="", **wanted):
        """Lines of the log up to now with these members and this text."""
        return [line for line in map(_parse, list(self.log))
                if all(line.get(key) == value for key, value in wanted.items())
                and containing in line.get("message", line.get("text", ""))]

    def lines(self, containing="", **wanted):
        """The same; waits for the first one, as long as a busy machine may take."""
        for _ in range(3000):
            is_whole = not self.reader.is_alive()
            found = self.written(containing, **wanted)
            if found or is_whole:
                return found
            time.sleep(0.02)
        return []


def _parse(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"text": line}
