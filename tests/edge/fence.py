#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What the server gives up once it serves, and that everything still works then."""
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import wait_for  # noqa: E402
from served import Served, build_app, build_command  # noqa: E402
from program import STINT, Skip, main, run, test  # noqa: E402

NOBODY = "nobody"
MANIFEST = """
spin_manifest_version = 2
[application]
name = "fenced"
version = "1.0.0"
[application.tool.stint]
state_dir = "state"
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
key_value_stores = ["default"]
sqlite_databases = ["default"]
"""
# The leak checker of the debug build traces the process at its end, which the fence prevents.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def application(t):
    build_app(t, source="services.c")
    os.chmod(t.folder, 0o755)
    return t.file("spin.toml", MANIFEST)


def state(server):
    """Lines of /proc/PID/status, by name."""
    with open(f"/proc/{server.process.pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def as_root(t):
    """Skips where the test cannot become another user, or that one cannot read the program."""
    if os.getuid() != 0:
        raise Skip("not started by root")
    probe = subprocess.run(["head", "-c", "1", os.path.abspath(STINT)], user=NOBODY, group="nogroup",
                           extra_groups=[], capture_output=True)
    if probe.returncode != 0:
        raise Skip("another user cannot read the build")


def check_services(t, server):
    body = os.urandom(100000)
    t.equal(server.request("POST", "/set/a", body=body).text, "set")
    t.equal(server.get("/get/a").body, body)
    t.equal([server.get("/count/n").text for _ in range(3)], ["1", "2", "3"])


def check_fenced(t, server):
    now = state(server)
    t.equal(now["CapEff"], "0" * 16)
    t.equal(now["CapPrm"], "0" * 16)
    t.equal((now["NoNewPrivs"], now["Seccomp"]), ("1", "2"))
    threads = os.listdir(f"/proc/{server.process.pid}/task")
    for thread in threads:
        try:
            with open(f"/proc/{server.process.pid}/task/{thread}/status") as file:
                t.check("Seccomp:\t2\n" in file.read(), "every thread is fenced")
        except FileNotFoundError:
            pass  # it has ended


@test
def the_process_is_fenced(t):
    app = application(t)
    log = t.path("access.log")
    with Served(t, app, "--fence", "on", "--access-log", log, "--metrics", "127.0.0.1:0") as server:
        check_fenced(t, server)
        check_services(t, server)
        line = server.lines("fence: ")[0]["message"]
        t.match(line, r"no capabilities, files by Landlock, calls of the system by seccomp$")
        address = server.lines("metrics on ")[0]["message"].split("//")[1].split("/")[0]
        metrics = subprocess.run(["curl", "-s", f"http://{address}/metrics"], capture_output=True)
        if metrics.returncode == 0:
            t.match(metrics.stdout.decode(), r'stint_info\{[^}]*fence="files,calls"')
        # The application is read again, also with a new file.
        shutil.copy(t.path("app.wasm"), t.path("new.wasm"))
        with open(app, "w") as file:
            file.write(MANIFEST.replace("app.wasm", "new.wasm"))
        server.process.send_signal(signal.SIGHUP)
        t.check(server.lines("reload: the application is served"), "it was read again")
        t.equal(server.get("/count/n").text, "4")
        t.equal(server.stop(), 0)
    with open(log) as file:
        t.check(len(file.readlines()) >= 6, "requests are in the log")


@test
def what_lies_outside_cannot_be_read(t):
    app = application(t)
    outside = os.path.join(t.folder, "outside")
    inside = os.path.join(t.folder, "inside")
    os.makedirs(outside)
    os.makedirs(inside)
    shutil.copy(t.path("app.wasm"), outside + "/other.wasm")
    shutil.move(t.path("app.wasm"), inside + "/app.wasm")
    shutil.move(app, inside + "/spin.toml")
    for fence, is_read in (("on", False), ("warn", True), ("off", True)):
        with open(inside + "/spin.toml", "w") as file:
            file.write(MANIFEST)
        with Served(t, inside, "--fence", fence) as server:
            with open(inside + "/spin.toml", "w") as file:
                file.write(MANIFEST.replace("app.wasm", "../outside/other.wasm"))
            server.process.send_signal(signal.SIGHUP)
            if is_read:
                t.check(server.lines("reload: the application is served"), fence)
            else:
                t.check(server.lines("reload: the application is not used"), fence)
                t.check(server.lines("outside of what this process may read"), "the reason is said")
            t.equal(server.get("/get/none").text, "(none)")
            t.equal(state(server)["Seccomp"], "0" if fence == "off" else "2")
            t.equal(server.stop(), 0)


@test
def root_becomes_another_user(t):
    as_root(t)
    app = application(t)
    shutil.chown(t.folder, NOBODY)
    log = t.path("access.log")
    with Served(t, app, "--fence", "on", "--user", NOBODY, "--access-log", log) as server:
        now = state(server)
        uid = str(pwd.getpwnam(NOBODY).pw_uid)
        t.equal(set(now["Uid"].split()), {uid})
        t.check("0" not in now["Groups"].split() and "0" not in now["Gid"].split(), "root's groups")
        check_fenced(t, server)
        check_services(t, server)
        t.equal(os.stat(t.path("state")).st_uid, int(uid))
        os.rename(log, log + ".1")
        server.process.send_signal(signal.SIGUSR1)
        t.check(wait_for(lambda: os.path.exists(log)), "the log was not opened again")
        server.process.send_signal(signal.SIGHUP)
        t.check(server.lines("reload: the application is served"), "it was read again")
        t.check(not server.written("may not write"), "something is missing")
        for name in (log, log + ".1"):
            t.equal(os.stat(name).st_uid, int(uid))
        t.equal(server.stop(), 0)


def elsewhere(t):
    """An application whose files, settings and secrets lie outside of its folder; its manifest."""
    for name in ("app", "data/tree/deep", "own"):
        os.makedirs(t.path(name))
    os.chmod(t.folder, 0o755)
    build_command(t, "app/cmd.wasm")
    for name, text in (("data/tree/deep/a.txt", "deep"), ("data/one.txt", "one"),
                       ("own/headers", "x-key: 1\n"), ("own/secret", "s" * 32),
                       ("data/env", "SPIN_VARIABLE_WHERE=first\n")):
        t.file(name, text)
    t.file("own/runtime.toml", f"""
[[variables_provider]]
type = "env"
dotenv_path = "{t.path("data/env")}"
""")
    return t.file("app/spin.toml", f"""
spin_manifest_version = 2
[application]
name = "elsewhere"
[application.tool.stint]
state_dir = "{t.path("state")}"
[application.tool.stint.regions]
here = "one"
secret_file = "{t.path("own/secret")}"
[application.tool.stint.regions.one]
continents = ["EU"]
[application.tool.stint.traces]
headers_file = "{t.path("own/headers")}"
[variables]
where = {{ required = true }}
[[trigger.http]]
route = "/..."
component = "cmd"
executor = {{ type = "wagi" }}
[component.cmd]
source = "cmd.wasm"
variables = {{ where = "{{{{ where }}}}" }}
files = [{{ source = "../data/tree", destination = "/tree" }},
         {{ source = "{t.path("data/one.txt")}", destination = "/file/one.txt" }}]
""")


def check_elsewhere(t, app, *arguments):
    with Served(t, app, "--fence", "on", "--runtime-config-file", t.path("own/runtime.toml"),
                *arguments) as server:
        for text in ("one", "new"):
            t.equal(server.get("/file/file/one.txt").text, text)
            t.equal(server.get("/file/tree/deep/a.txt").text, "deep")
            # Another file takes its place.
            t.file("data/new.txt", "new")
            os.replace(t.path("data/new.txt"), t.path("data/one.txt"))
            done = len(server.written("reload: the application is served"))
            server.process.send_signal(signal.SIGHUP)
            t.check(wait_for(lambda: len(server.written("reload: the application is served")) > done),
                    server.log[-5:])
        # Each worker lets go of the version before when it gets to it.
        t.check(wait_for(lambda: len(os.listdir(t.path("state/files"))) == 1), "one tree")
        t.equal(server.stop(), 0)
    t.equal(os.listdir(t.path("state/files")), [])


@test
def what_the_manifest_names_outside_is_read(t):
    check_elsewhere(t, elsewhere(t))


@test
def another_user_has_trees_of_its_own(t):
    as_root(t)
    app = elsewhere(t)
    os.makedirs(t.path("state"), mode=0o700)
    shutil.chown(t.path("state"), NOBODY)
    os.chmod(t.path("own/secret"), 0o644)
    check_elsewhere(t, app, "--user", NOBODY)


@test
def what_the_user_may_not_do_is_said(t):
    as_root(t)
    app = application(t)
    os.makedirs(t.path("state"), mode=0o700)
    with Served(t, app, "--fence", "on", "--user", NOBODY) as server:
        t.check(server.lines("user nobody may not write there"), "the state folder")
        t.equal(server.stop(), 0)


@test
def root_that_stays_root_is_warned(t):
    if os.getuid() != 0:
        raise Skip("not started by root")
    with Served(t, application(t), "--fence", "on") as server:
        t.equal(server.lines("it runs as root")[0]["level"], "warn")
        t.equal(server.stop(), 0)


@test
def serves_as_an_ordinary_user(t):
    as_root(t)
    app = application(t)
    shutil.chown(t.folder, NOBODY)
    home = t.path("home")
    os.makedirs(home)
    shutil.chown(home, NOBODY)
    env = dict(os.environ, HOME=home)
    env.pop("XDG_CACHE_HOME", None)
    with Served(t, app, "--fence", "on", env=env, user=NOBODY) as server:
        check_fenced(t, server)
        check_services(t, server)
        t.equal(server.stop(), 0)


@test
def an_unknown_user_is_refused(t):
    if os.getuid() != 0:
        raise Skip("not started by root")
    app = application(t)
    r = run("up", app, "--listen", "127.0.0.1:0", "--user", "no-such-user")
    t.ends(r, 1, "user 'no-such-user': this machine has no such user")
    r = run("up", app, "--listen", "127.0.0.1:0", "--user", "nobody:no-such-group")
    t.ends(r, 1, "user 'nobody:no-such-group': this machine has no such group")
    t.ends(run("up", app, "--fence", "high"), 2, "on|warn|off|fence")


main()
