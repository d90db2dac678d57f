#!/usr/bin/env python3
# suite: builds=release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, that it serves from where it was unpacked, and its units."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import served  # noqa: E402
from served import ROOT, Served, build_app  # noqa: E402
from program import STINT, Skip, main, test  # noqa: E402

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(STINT)))
WANTED = """
etc/logrotate.d/stint etc/stint/README usr/bin/stint usr/include/stint.h usr/lib/libstint.a
usr/lib/systemd/system/stint@.service usr/lib/systemd/system/stint@.socket
usr/share/bash-completion/completions/stint usr/share/doc/stint/copyright
usr/share/fish/vendor_completions.d/stint.fish usr/share/man/man1/stint-up.1.gz
usr/share/man/man1/stint.1.gz usr/share/stint/guest/c/stint_http.c usr/share/zsh/site-functions/_stint
""".split()


def out(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode == 3:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def package(t):
    if os.environ.get("STINT_TEST_ALL") != "1":
        raise Skip("only in the long run: STINT_TEST_ALL=1")
    if not shutil.which("dpkg-deb"):
        raise Skip("no dpkg-deb")
    path = out(os.path.join(ROOT, "tools", "deb.sh"), BUILD, t.folder).strip()
    return path


@test
def the_package_is_complete_and_serves(t):
    deb, root = package(t), t.path("root")
    out("dpkg-deb", "-x", deb, root)
    found = {os.path.relpath(os.path.join(folder, name), root)
             for folder, _, names in os.walk(root) for name in names}
    t.equal([name for name in WANTED if name not in found], [])
    # Those that are built now: a folder keeps what an earlier version of the sources made.
    with open(os.path.join(BUILD, "release", "build.ninja")) as file:
        plugins = set(re.findall(r"(?m)^build (libstint-[a-z0-9]+\.so)", file.read()))
    t.equal(plugins - {os.path.basename(name) for name in found
                       if name.startswith("usr/lib/stint/")}, set())
    t.equal([name for name in found if name.startswith(("usr/local", "tmp", "root"))], [])

    fields = dict(line.split(": ", 1) for line in out("dpkg-deb", "-f", deb).splitlines()
                  if not line.startswith(" "))
    with open(os.path.join(ROOT, "VERSION")) as file:
        t.equal(fields["Version"], file.readline().strip())
    # The program itself links the C library alone.
    t.match(fields["Depends"], r"^libc6 \(>= [0-9.]+\)$")
    if "libstint-tls.so" in plugins:
        t.match(fields["Recommends"], r"\blibssl3")
    t.equal(out("dpkg-deb", "--info", deb, "conffiles").split(),
            ["/etc/stint/README", "/etc/logrotate.d/stint"])

    # What was unpacked serves, with plug-ins of its own.
    app = build_app(t)
    own = served.STINT
    served.STINT = os.path.join(root, "usr/bin/stint")
    try:
        with Served(t, app, "--fence", "on") as server:
            t.equal(server.get("/hello").text, "hello\n")
            with open(f"/proc/{server.process.pid}/maps") as file:
                t.check(root + "/usr/lib/stint/libstint-edge.so" in file.read(), "its plug-in")
            t.equal(server.stop(), 0)
    finally:
        served.STINT = own


@test
def the_units_are_right(t):
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    for name in ("stint@.service", "stint@.socket"):
        with open(os.path.join(ROOT, "contrib", "systemd", name)) as file:
            t.file(name, file.read().replace("/usr/bin/stint ", os.path.abspath(STINT) + " "))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", t.path("stint@.service"),
                           t.path("stint@.socket")], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if "Failed to" in done.stderr and "stint@" not in done.stderr:
        raise Skip(done.stderr.splitlines()[0])
    t.equal([line for line in done.stderr.splitlines() if "stint@" in line], [])


main()
