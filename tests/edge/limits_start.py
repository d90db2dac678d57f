#!/usr/bin/env python3
# suite: builds=debug,release timeout=200
# SPDX-License-Identifier: Apache-2.0
"""Limits of the process and of the machine, looked at when `stint up` starts, and the text of --check."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "limited"
[application.tool.stint.server]
workers = 2
%(server)s
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
[component.app.tool.stint.limits]
memory = "1G"
%(limits)s
"""
IS_SANITIZED = "debug" in os.environ.get("STINT_FLAVOUR", STINT)


def application(t, limits="", server=""):
    if not os.path.exists(t.path("app.wasm")):
        build_app(t)
    return t.file("spin.toml", MANIFEST % {"limits": limits, "server": server})


def lowered(**limits):
    """For Popen: the child begins with such limits."""
    def lower():
        for name, values in limits.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), values)
    return {"preexec_fn": lower}


def limits_of(server, name):
    with open(f"/proc/{server.process.pid}/limits") as file:
        return re.search(rf"{name} +(\S+) +(\S+)", file.read()).groups()


def warnings(server, are_some=True):
    """What was said of limits; `are_some`: once there is any."""
    lines = server.lines if are_some else server.written
    return [line["message"] for line in lines("limits: ", level="warn")]


@test
def a_usual_application_has_no_warnings(t):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 4096:
        raise Skip("few descriptors here")
    server = "connections = 1000"
    with Served(t, application(t, server=server), **lowered(NOFILE=(256, hard))) as server:
        t.equal(server.get("/hello").status, 200)
        # As far as needed, and no further.
        soft = int(limits_of(server, "Max open files")[0])
        t.check(2000 < soft < 3000, soft)
        t.equal(server.stop(), 0)
        t.equal(warnings(server, are_some=False), [])


@test
def too_few_descriptors_are_said(t):
    with Served(t, application(t, server="connections = 16384"),
                **lowered(NOFILE=(200, 400))) as server:
        t.equal(len(warnings(server)), 1)
        t.match(warnings(server)[0], r"^limits: descriptors: \d+ may be needed \(32768 for connections: "
                "2 threads with 16384 each; .*this process may have 400: raise the hard limit .*lower "
                r"'connections' in \[application.tool.stint.server\] to \d+$")
        t.equal(limits_of(server, "Max open files"), ("400", "400"))
        t.equal(server.get("/hello").status, 200)
        room = int(warnings(server)[0].split()[-1])
        t.equal(server.stop(), 0)
    # What it says helps.
    with Served(t, application(t, server=f"connections = {room}"),
                **lowered(NOFILE=(200, 400))) as server:
        t.equal(server.get("/hello").status, 200)
        t.equal(server.stop(), 0)
        t.equal(warnings(server, are_some=False), [])


@test
def connections_that_nobody_asked_for_are_as_many_as_fit(t):
    with Served(t, application(t), **lowered(NOFILE=(200, 400))) as server:
        line = server.lines("limits: ")[0]
        t.equal(line["level"], "info")
        room = int(re.match(r"limits: (\d+) connections at a time for each of 2 workers, as this process may "
                            "have 400 descriptors$", line["message"])[1])
        t.check(100 < room < 150, room)
        t.equal(limits_of(server, "Max open files")[0], str(400 - (400 - 112) % 2))
        # More than there are descriptors wait, and are served.
        idle = [socket.create_connection((server.host, server.port)) for _ in range(2 * room + 50)]
        for one in idle[:-60]:
            one.close()
        t.equal(server.get("/hello").status, 200)
        for one in idle[-60:]:
            one.close()
        t.check(not server.written(level="error"), server.log)
        t.equal(server.stop(), 0)


@test
def all_warnings_are_said_at_once(t):
    app = application(t, limits="concurrency = 4000", server="connections = 16384")
    with Served(t, app, **lowered(NOFILE=(200, 400))) as server:
        said = "\n".join(warnings(server))
        for what in ("descriptors: ", r"memory: instances may take 4000\.0 GiB \(4000 of component 'app' "
                     r"with 1\.0 GiB each\), "):
            t.match(said, "limits: " + what)
        # A reload says it again, and takes what is lower now.
        application(t, limits="concurrency = 1", server="connections = 16384")
        before = len(warnings(server))
        server.process.send_signal(signal.SIGHUP)
        t.check(server.lines("reload: the application is served"), "no reload")
        said = warnings(server)[before:]
        t.check(all("memory:" not in line for line in said), said)
        t.equal(server.stop(), 0)


@test
def what_cannot_run_is_refused(t):
    narrow = lowered(NOFILE=(20, 20))
    app = application(t)
    r = run("up", app, "--listen", "127.0.0.1:0", "--workers", "8", **narrow)
    t.ends(r, 1, r"limits: descriptors: 8 threads with 1 listener need \d+ to serve at all, this process "
                 "may have 20: raise the hard limit")
    r = run("up", app, "--check", "--workers", "8", **narrow)
    t.ends(r, 1, r"^stint: limits: descriptors: 8 threads with 1 listener need \d+ to serve at all")
    t.match(r.out, "^routes$")


@test
def little_address_space_is_said(t):
    if IS_SANITIZED:
        raise Skip("the sanitizer needs all addresses")
    space = 6 << 30
    with Served(t, application(t), "--fence", "off", **lowered(AS=(space, space))) as server:
        t.match("\n".join(warnings(server)), r"^limits: address space: 1 instance at a time reserve 9\.1 "
                r"GiB, of which they use little, this process may have 6\.0 GiB \(RLIMIT_AS\); beyond it "
                "they are interpreted, with smaller memories: 'ulimit -v unlimited'")
        t.equal(server.get("/hello").status, 200)
        t.equal(server.stop(), 0)


class Group:
    """A control group of this test: `under` starts a program in it."""

    ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory")

    def __init__(self, **files):
        self.folder = None
        for root in self.ROOTS:
            path = os.path.join(root, f"stint-test-{os.getpid()}")
            try:
                os.mkdir(path)
            except OSError:
                continue
            try:
                for name, value in files.items():
                    with open(os.path.join(path, name.replace("_", ".", 1)), "r+") as file:
                        file.write(str(value))
                self.folder = path
                return
            except OSError:
                os.rmdir(path)
        raise Skip(f"no control group with {', '.join(files)} can be made here")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.rmdir(self.folder)

    @property
    def under(self):
        return ("sh", "-c", f'echo $$ >{self.folder}/cgroup.procs && exec "$@"', "sh")


@test
def few_threads_of_the_group_are_said(t):
    app = application(t)
    with Group(pids_max=12) as group:
        with Served(t, app, "--workers", "1", under=group.under) as server:
            t.match("\n".join(warnings(server)), r"^limits: threads: 13 may be needed \(1 workers, 0 for "
                    r"outbound requests, 12 others\), the control group has room for \d+: raise TasksMax=")
            t.equal(server.get("/hello").status, 200)
            t.equal(server.stop(), 0)
        r = subprocess.run([*group.under, STINT, "up", app, "--listen", "127.0.0.1:0", "--workers", "30"],
                           capture_output=True, text=True)
        t.equal(r.returncode, 1)
        t.match(r.stderr, r"limits: threads: 30 workers need one each, the control group has room for \d+")


@test
def memory_of_the_group_is_said(t):
    try:
        group = Group(memory_max=900 << 20)
    except Skip:
        group = Group(memory_limit_in_bytes=900 << 20)
    with group:
        with Served(t, application(t), under=group.under) as server:
            t.match("\n".join(warnings(server)), r"^limits: memory: instances may take 1\.0 GiB \(1 of "
                    r"component 'app' with 1\.0 GiB each\), the control group may have 900 MiB: lower "
                    r"limits.memory or limits.concurrency, or raise MemoryMax=")
            t.equal(server.get("/hello").status, 200)
            t.equal(server.stop(), 0)


# ---- stint up --check ------------------------------------------------------------------------

def check(t, app, *arguments, **more):
    r = run("up", app, "--check", *arguments, **more)
    t.equal(r.code, 0)
    return r


@test
def check_tells_the_limits(t):
    r = check(t, application(t, server="connections = 1000"), **lowered(NOFILE=(256, 4096)))
    t.check("limits: " not in r.err, r.err)
    t.match(r.out, r"^limits: what may be needed, of what there is\n  descriptors  2\d\d\d of 4096 \(the soft "
                   r"limit, 256, is raised\)\n  connections  1000 \(of each worker\)\n  threads      14( of \d+)? \(2 workers\)\n  mappings     \d+"
                   r"( of \d+)? \(1 instance at a time; one each of components without limits.concurrency\)\n"
                   r"  addresses    9\.1 GiB( of .*)?\n  memory       1\.0 GiB of ")
    r = check(t, application(t), **lowered(NOFILE=(256, 4096)))
    t.check("limits: " not in r.err, r.err)
    t.match(r.out, r"^  connections  \d{4} \(of each worker\)$")
    r = check(t, application(t, server="connections = 16384"), **lowered(NOFILE=(256, 4096)))
    t.match(r.err, r"^stint: warning: limits: descriptors: \d+ may be needed")


@test
def check_tells_the_fence(t):
    app = application(t)
    r = check(t, app, "--fence", "on")
    t.match(r.out, r"^fence: on\n  user         \S")
    t.match(r.out, r"^  capabilities none$")
    t.match(r.out, r"^  calls        (seccomp: \d+ of the system are let through, others fail|all: this kernel)")
    if "Landlock, version" in r.out:
        reads = r.out[r.out.index("    reads"):r.out.index("    writes")]
        for path in ("/etc", t.folder):
            t.check(path in reads, f"{path} is not in {reads}")
        t.check("/home" not in reads, reads)
        t.check("/dev/null" in r.out[r.out.index("    writes"):], r.out)
    else:
        t.match(r.out, r"^  files        as their permissions say: this kernel has no Landlock$")
    off = check(t, app, "--fence", "off").out
    t.match(off, r"^fence: off\n")
    t.match(off, r"^  calls        all\n  files        as their permissions say$")
    warn = check(t, app, "--fence", "warn").out
    t.match(warn, r"^  files        as their permissions say$")
    t.check(sorted(os.listdir(t.folder)) == ["app.wasm", "spin.toml"], "it makes no files")


@test
def check_tells_the_user(t):
    app = application(t)
    if os.getuid() != 0:
        t.match(check(t, app, "--user", "nobody").out,
                rf"^  user         who starts it, number {os.getuid()}; only root could become nobody$")
        return
    t.match(check(t, app).out, "^  user         root, as it is started: '--user NAME'")
    t.match(check(t, app, "--user", "nobody").out, r"^  user         nobody, number \d+, of group \d+$")
    t.ends(run("up", app, "--check", "--user", "no-such-user"), 1,
           "^stint: user 'no-such-user': this machine has no such user")


@test
def check_shows_folders_that_will_be_made(t):
    app = application(t)
    with open(app) as file:
        text = file.read()
    t.file("spin.toml", text.replace('source = "app.wasm"\n',
                                     'source = "app.wasm"\nkey_value_stores = ["default"]\n'))
    out = check(t, app, "--fence", "on").out
    if "Landlock, version" not in out:
        raise Skip("this kernel has no Landlock")
    t.match(out, r"/\.stint \(made at start\)")
    t.check(not os.path.exists(t.path(".stint")), "it was made")


main()
