#!/usr/bin/env python3
# suite: builds=debug,release timeout=300
# SPDX-License-Identifier: Apache-2.0
"""What Spin's world offers beyond WASI: variables, key-value stores, SQLite databases."""
import os
import signal
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import Served, build_app, make_component  # noqa: E402
from stores import check_counts_together, put  # noqa: E402
from program import main, run, test  # noqa: E402

MANIFEST = """
spin_manifest_version = 2
[application]
name = "services"
version = "1.0.0"
[variables]
greeting = { default = "안녕" }
secret = { default = "s3cret", secret = true }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
key_value_stores = [%s]
sqlite_databases = ["default"]
[component.app.variables]
hello = "{{ greeting }}!"
token = "{{ secret }}"
"""
WORLD = """package test:services;
world app {
  import fermyon:spin/variables@2.0.0;
  import fermyon:spin/key-value@2.0.0;
  import fermyon:spin/sqlite@2.0.0;
  import fermyon:spin/config;
  import fermyon:spin/key-value;
  import wasi:config/store@0.2.0-draft-2024-09-27;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:http/types@0.2.0;
  export wasi:http/incoming-handler@0.2.0;
}
"""


def application(t, stores='"default"', component=False):
    """The manifest's path."""
    core = build_app(t, source="services.c")
    if component:
        make_component(t, core, WORLD)
    with open(t.path("spin.toml"), "w") as file:
        file.write(MANIFEST % stores)
    return t.path("spin.toml")


def check_services(t, server):
    get = lambda path: server.get(path).text
    # Variables.
    t.equal(get("/variable/hello"), "안녕!")
    t.equal(get("/variable/token"), "s3cret")
    t.equal(get("/variable/none"), "error 1: the component has no variable 'none'")
    t.match(get("/variable/Hello"), "^error 0: 'Hello' is not the name of a variable")
    t.equal(get("/config/hello"), "안녕!")
    t.match(get("/config/none"), "^error 0: ")
    t.equal(get("/wasi-config/hello"), "안녕!")
    t.equal(get("/wasi-config/none"), "(none)")
    t.equal(sorted(get("/all/").split()), sorted("hello 안녕! token s3cret".split()))
    # Key-value.
    t.equal(get("/get/a"), "(none)")
    t.equal(put(server, "a", b"one"), "set")
    t.equal(get("/get/a"), "one")
    t.equal(put(server, "a", b"two"), "set")
    t.equal((get("/get/a"), get("/exists/a"), get("/exists/b")), ("two", "1", "0"))
    t.equal(put(server, "empty", b""), "set")
    t.equal((get("/get/empty"), get("/exists/empty")), ("", "1"))
    t.equal(get("/keys/"), "a\nempty\n")
    t.equal(get("/delete/empty") + get("/delete/empty"), "deleteddeleted")
    t.equal(get("/first/a"), "two, error 3")
    t.equal(get("/first/none"), "error 4, error 3")
    large = os.urandom(1 << 20)
    t.equal(put(server, "large", large), "set")
    t.equal(server.get("/get/large").body, large)
    t.equal(get("/fill/"), "128 error 0")
    # wasi:keyvalue.
    t.equal([get("/count/n") for _ in range(3)], ["1", "2", "3"])
    t.match(get("/count/large"), "error 2: the value is not a number")
    t.equal(server.request("POST", "/swap/s", body="x").text, "(none), swapped")
    t.equal(server.request("POST", "/swap/s", body="x").text, "new, swapped")
    t.equal(get("/swap/s"), "new, too late, then swapped")
    t.equal(get("/get/s"), "newer")
    t.equal(get("/batch/"), "a=one b=two c= 0")
    t.equal(get("/pages/"), "3 ")
    # SQLite.
    sql = lambda text, op="sql", name="default": server.request(
        "POST", f"/{op}/{name}", body=text.encode()).text
    t.equal(sql("create table t (a, b, c, d, e)"), "")
    t.equal(sql("insert into t values (?, ?, ?, ?, ?)", "values"), "")
    t.equal(sql("select a, b, c, d, e as f from t"),
            "a\nb\nc\nd\nf\n-42 1500/1000 'téx' x2 null \n")
    t.equal(sql("begin\ninsert into t (a) values (1)"), "")
    t.equal(sql("select count(*) as n from t"), "n\n1 \n")  # what was not committed is undone
    t.equal(sql("begin\ninsert into t (a) values (1)\ncommit\nselect count(*) as n from t"),
            "n\n2 \n")
    t.match(sql("select x from t"), "^error 4: no such column: x")
    t.match(sql("select ?"), "^error 4: 0 values for 1 parameters")
    t.match(sql("select 1; select 2"), "^error 4: more than one statement")
    t.equal(sql("select 1 as a; -- one"), "a\n1 \n")
    t.equal(sql("select cast(x'ff' as text) as a"), "a\n'(text that is not UTF-8)' \n")
    t.match(sql("attach '%s' as x" % t.path("x.db")), "^error 4: (not authorized|authorization denied)")
    t.match(sql("vacuum into '%s'" % t.path("x.db")), "^error 4: (not authorized|authorization denied)")
    t.match(sql("pragma synchronous=off"), "^error 4: not authorized")
    t.match(sql("pragma journal_mode"), "wal")
    t.equal(sql("vacuum"), "")
    t.check(not os.path.exists(t.path("x.db")), "a guest made a file")
    t.equal(sql("select 1", name="other"), "error 1")


@test
def core_modules_have_services(t):
    with Served(t, application(t)) as server:
        check_services(t, server)
        t.equal(server.stop(), 0)


@test
def components_have_services(t):
    with Served(t, application(t, component=True)) as server:
        check_services(t, server)
        t.equal(server.stop(), 0)


@test
def stores_that_are_not_listed_are_denied(t):
    with Served(t, application(t, stores="")) as server:
        t.equal(server.get("/get/a").text, "error 2")
        t.equal(server.get("/count/a").text, "error 1")
        t.equal(server.get("/get/a", store="another").text, "error 2")
        folder = t.path(".stint")
        t.check(not os.path.isdir(folder) or os.listdir(folder) == [], "nothing was opened")


@test
def committed_values_survive_a_kill(t):
    app = application(t)
    with Served(t, app) as server:
        for i in range(20):
            t.equal(put(server, f"key{i}", f"value{i}"), "set")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with Served(t, app) as server:
        t.equal([server.get(f"/get/key{i}").text for i in range(20)],
                [f"value{i}" for i in range(20)])
        t.equal(len(server.get("/keys/").text.split()), 20)


@test
def workers_count_together(t):
    with Served(t, application(t), "--workers", "2") as server:
        check_counts_together(t, server)


@test
def a_store_that_others_hold_is_waited_for(t):
    """Guests that wait for a lock take no thread: others are served."""
    app = application(t)
    with Served(t, app, "--workers", "1") as server:
        t.equal(put(server, "a", "1"), "set")
        other = sqlite3.connect(t.path(".stint/sqlite_key_value.db"), isolation_level=None)
        other.execute("begin immediate")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(put(server, "a", "2")))
                   for _ in range(12)]
        for thread in threads:
            thread.start()
        t.equal(server.get("/get/a").text, "1")
        t.equal(server.get("/variable/token").text, "s3cret")
        t.equal(answers, [])
        other.execute("commit")
        for thread in threads:
            thread.join()
        t.equal(answers, ["set"] * 12)


@test
def spins_own_files_are_read(t):
    app = application(t)
    os.mkdir(t.path(".stint"))
    with sqlite3.connect(t.path(".stint/sqlite_key_value.db")) as file:
        file.execute("create table spin_key_value (store text not null, key text not null, "
                     "value blob not null, primary key (store, key))")
        file.execute("insert into spin_key_value values ('default', 'a', x'6f6e65')")
        file.execute("insert into spin_key_value values ('other', 'b', x'6f6e65')")
    with Served(t, app) as server:
        t.equal(server.get("/get/a").text, "one")
        t.equal(server.get("/keys/").text, "a\n")


@test
def pages_have_a_cursor(t):
    app = application(t)
    with Served(t, app) as server:
        t.equal(put(server, "x", "1"), "set")
        with sqlite3.connect(t.path(".stint/sqlite_key_value.db")) as file:
            file.executemany("insert into spin_key_value values ('default', ?, x'00')",
                             [(f"k{i:05}",) for i in range(2000)])
        t.equal(server.get("/pages/").text, "1000 1000 1 ")


@test
def a_file_that_is_no_database_is_said(t):
    app = application(t)
    os.mkdir(t.path(".stint"))
    with open(t.path(".stint/sqlite_key_value.db"), "w") as file:
        file.write("this is no database, and long enough to be seen as something else" * 20)
    with Served(t, app) as server:
        t.equal(server.get("/get/a").text, "error 3: file is not a database")
        t.match(server.get("/count/a").text, "error 2: file is not a database")
        t.equal(server.get("/variable/token").text, "s3cret")


@test
def a_full_file_is_said(t):
    with Served(t, application(t), "--workers", "1") as server:
        answer = server.request("POST", "/sql/default", body=(
            "create table t (a)\npragma max_page_count=10\n"
            "insert into t values (zeroblob(1000000))").encode()).text
        t.match(answer, "error 3$")


@test
def statements_that_do_not_end_end_with_their_client(t):
    with Served(t, application(t), "--workers", "1") as server:
        connections = [server.connect() for _ in range(6)]
        for connection in connections:
            connection.request("POST", "/sql/default", body=(
                "with recursive r(i) as (select 1 union all select i + 1 from r) "
                "select count(*) from r").encode())
        for connection in connections:
            connection.close()
        t.equal(put(server, "a", "1"), "set")
        t.equal(server.stop(), 0)


@test
def what_is_not_offered_is_said_at_load(t):
    core = t.path("app.wasm")
    with open(t.path("app.wat"), "w") as file:
        file.write('(module (import "fermyon:spin/postgres@2.0.0" "[resource-drop]connection" '
                   '(func (param i32))) (memory (export "memory") 1) '
                   '(func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)))')
    t.ends(run("wat", t.path("app.wat"), "-o", core), 0)
    t.ends(run("up", core, "--listen", "127.0.0.1:0"), 1, "this server does not offer PostgreSQL")


main()
