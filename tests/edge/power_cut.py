#!/usr/bin/env python3
# suite: builds=release timeout=900
# SPDX-License-Identifier: Apache-2.0
"""What a client was told is kept is there after a power cut, whenever it comes: strace records what the
server does to the files of its store, and for a cut after each of these operations the store is opened
as the disk may have been left. The closing line of each test counts the cuts."""
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from disk import Disk, operations, recorder  # noqa: E402
from served import Served, build_app  # noqa: E402
from program import Skip, main, test  # noqa: E402

LONG = os.environ.get("STINT_TEST_ALL") == "1"
MANIFEST = """
spin_manifest_version = 2
[application]
name = "store"
version = "1.0.0"
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
key_value_stores = ["default"]
"""
STORE = "sqlite_key_value.db"
SEED = 20261123


class Client:
    """Sets and deletes, one after another, and remembers what the store holds after each."""

    def __init__(self):
        self.states = [{}]

    def set(self, t, server, key, value):
        t.equal(server.request("POST", "/set/" + key, body=value).text, "set")
        self.states.append({**self.states[-1], key: value})

    def delete(self, t, server, key):
        t.equal(server.get("/delete/" + key).text, "deleted")
        self.states.append({k: v for k, v in self.states[-1].items() if k != key})


def stored(path):
    """What the store holds; None: nothing was ever made."""
    if not os.path.exists(path):
        return None
    with sqlite3.connect(path) as link:
        assert link.execute("pragma integrity_check").fetchall() == [("ok",)]
        tables = link.execute("select count(*) from sqlite_master").fetchone()[0]
        rows = link.execute("select key, value from spin_key_value").fetchall() if tables else []
    link.close()
    return {key: bytes(value) for key, value in rows}


def keepers(rng, count):
    """Ways to decide what of the things that are not sure is left."""
    yield lambda: False
    yield lambda: True
    for i in range(count):
        share = (i + 1) / (count + 1)
        yield lambda: rng.random() < share


def cut(t, client, traces, ways):
    """Replays the recordings, with cuts; how many there were."""
    rng = random.Random(SEED)
    disk, answers, cuts, where = Disk(t.folder), 0, 0, t.path("left")
    for trace, answered in traces:
        for operation in operations(trace, t.folder):
            if operation[0] == "sent":
                # The server has no other clients; a response ends with its last chunk.
                answers += operation[1].endswith(b"\r\n0\r\n\r\n")
                continue
            if os.path.relpath(operation[1], t.folder).split("/")[0] not in (".stint", "."):
                continue
            if not disk.do(operation):
                continue
            for keep in keepers(rng, ways):
                disk.leave(keep, where)
                held = stored(os.path.join(where, ".stint", STORE))
                # What was answered is there, and at most the one more that was on its way.
                fitting = [state for state in client.states[answers:answers + 2]
                           if (held or {}) == state]
                if not fitting:
                    t.check(False, f"cut {cuts}, after {operation[:3]!r:.200}, answer {answers}: "
                                   f"{sorted(held or {})} are there")
                    return cuts
                shutil.rmtree(where)
                cuts += 1
        # The client has the last answer, but SIGKILL may come before the recording has it.
        t.check(answered - 1 <= answers <= answered, f"{answers} answers of {answered}")
        answers = answered
    t.equal(answers, len(client.states) - 1)
    return cuts


def record(t, client, lives):
    """Runs the server once for each function of `lives`; the recordings, and how many answers the client
    had by the end of each."""
    if shutil.which("strace") is None:
        raise Skip("strace is not there")
    build_app(t, source="services.c")
    app = t.file("spin.toml", MANIFEST)
    traces = []
    for i, (live, end) in enumerate(lives):
        trace = t.path(f"trace{i}")
        with Served(t, app, "--workers", "1", under=recorder(trace)) as server:
            live(t, client, server)
            traces.append((trace, len(client.states) - 1))
            server.process.send_signal(end)
            server.process.wait(60)
        wait_for_end(trace, server.process.pid)
    return traces


def wait_for_end(trace, pid):
    """strace writes on for a moment after the program has ended."""
    for _ in range(1000):
        with open(trace, "rb") as file:
            file.seek(max(0, os.path.getsize(trace) - 4096))
            if re.search(rb"^%d +\+\+\+ " % pid, file.read(), re.M):
                return
        time.sleep(0.01)
    raise AssertionError("the recording has no end")


def few(t, client, server):
    first = len(client.states)
    for i in range(first, first + 12):
        client.set(t, server, f"key{i % 7}", os.urandom(i * 40))
    client.delete(t, server, "key1")
    client.set(t, server, "large", os.urandom(20000))
    client.set(t, server, "large", os.urandom(9000))


def many(t, client, server):
    """More than what makes SQLite write its log back while it goes on."""
    for i in range(16):
        client.set(t, server, f"large{i % 5}", os.urandom(300000))
        client.set(t, server, f"small{i % 3}", b"%d" % i)


@test
def answered_values_survive_a_cut_at_any_write(t):
    """A life that ends at once, one that goes on after it and ends in order, and the store again."""
    client = Client()
    traces = record(t, client, [(few, signal.SIGKILL), (few, signal.SIGTERM), (few, signal.SIGKILL)])
    cuts = cut(t, client, traces, 12 if LONG else 3)
    t.check(cuts > 500, f"only {cuts} cuts")
    print(f"      {cuts} cuts")


@test
def checkpoints_survive_a_cut_at_any_write(t):
    if not LONG:
        raise Skip("only in the long run: STINT_TEST_ALL=1")
    client = Client()
    cuts = cut(t, client, record(t, client, [(many, signal.SIGTERM)]), 1)
    t.check(cuts > 2000, f"only {cuts} cuts")
    print(f"      {cuts} cuts")


main()
