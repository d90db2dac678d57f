#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""The command line itself: help, version, wrong input, completions, output that goes nowhere."""

import json
import os
import re
import signal
import subprocess

from program import STINT, Skip, main, run, test

VERBS = ["run", "up", "new", "build", "watch", "route", "compile", "sign", "key", "cache", "wat", "wit", "component", "dump", "wast",
         "version", "help"]
EMPTY = "(module (func (export \"_start\")))"


@test
def help_of_the_program(t):
    r = run("--help")
    t.ends(r, 0)
    for verb in VERBS:
        t.match(r.out, rf"^  {verb} +[A-Z]")
    t.check("gen-man" not in r.out, "a hidden verb is shown")
    t.equal(run("-h").out, r.out)
    t.equal(run("help").out, r.out)


@test
def help_of_each_verb(t):
    for verb in VERBS:
        r = run(verb, "--help")
        t.ends(r, 0)
        t.match(r.out, rf"\AUsage: stint {verb} ")
        t.match(r.out, "--help ")
        t.equal(run("help", verb).out, r.out)
        t.check(all(len(line) <= 80 for line in r.out.splitlines()), f"{verb}: a line is too long")


@test
def help_states_the_exit_codes(t):
    out = run("run", "--help").out
    for code in (0, 1, 2, 124, 125, 128, 134):
        t.match(out, rf"^  {code} +[A-Z0-9]")
    t.check("gc-stress" not in out, "a hidden option is shown")


@test
def help_wins_over_what_is_missing(t):
    t.ends(run("run", "-h"), 0)
    t.ends(run("run", "--fuel", "5", "--help"), 0)


@test
def version(t):
    r = run("--version")
    t.ends(r, 0)
    t.match(r.out, r"\Astint \d+\.\d+\.\d+")
    t.match(r.out, "^proposals: .*multi-value")
    t.equal(run("version").out, r.out)
    t.equal(run("-V").out, r.out)
    data = json.loads(run("version", "--json").out)
    t.check("simd" in data["proposals"], data)
    t.match(r.out, re.escape(data["version"]))
    t.ends(run("version", "x"), 2, "takes no operands")


@test
def no_verb(t):
    t.ends(run(), 2, r"\Astint: .*\n  Try 'stint --help'")


@test
def unknown_verb(t):
    t.ends(run("rnu"), 2, "unknown verb 'rnu'; did you mean 'run'")
    t.ends(run("zzzzzz"), 2, r"unknown verb 'zzzzzz'\n")
    t.ends(run("--helpp"), 2, "unknown option '--helpp'")
    t.ends(run("help", "zzz"), 2, "no verb 'zzz'")


@test
def a_file_instead_of_a_verb(t):
    t.ends(run(t.file("app.wat", EMPTY)), 2, r"is a file, not a verb\n  To run it: stint run .*app.wat")


@test
def unknown_options(t):
    r = run("run", "--fule=3", "x")
    t.ends(r, 2, r"\Astint: unknown option '--fule'; did you mean '--fuel'\?\n"
                 r"  Try 'stint run --help'")
    t.ends(run("run", "--max-mem", "3", "x"), 2, "did you mean '--max-memory'")
    t.ends(run("run", "--qqqqqqqqqqq", "x"), 2, r"unknown option '--qqqqqqqqqqq'\n")
    t.ends(run("run", "-Q", "x"), 2, "unknown option '-Q'")
    t.ends(run("up", "--build"), 2, r"unknown option '--build': 'stint build' builds")


@test
def arguments_of_options(t):
    t.ends(run("run", "--fuel"), 2, "--fuel needs an argument: N")
    t.ends(run("run", "--json=yes", "x"), 2, "--json takes no argument")
    t.ends(run("wat", "-o"), 2, "-o needs an argument: FILE")
    for option, value, what in (
            ("--fuel", "-1", "a whole number"), ("--fuel", "99999999999999999999", "a whole number"),
            ("--fuel", "", "a whole number"), ("--fuel", "0x10", "a whole number"),
            ("--timeout", "5x", "a duration"), ("--timeout", "1.", "a duration"),
            ("--timeout", "99999999999999h", "a duration"), ("--max-memory", "1KK", "a size"),
            ("--max-memory", "99999999999T", "a size"), ("--stats", None, None)):
        if value is not None:
            t.ends(run("run", f"{option}={value}", "x"), 2, f"{option}: '{value}' is not {what}")
    t.ends(run("run", "--stats=xml", "x"), 2, "--stats: 'xml' is not one of text|json")


@test
def option_styles(t):
    app = t.file("app.wat", "(module (func (export \"f\") (param i32) (result i32) (local.get 0)))")
    for style in (["--invoke", "f"], ["--invoke=f"], ["--fuel", "100", "--invoke=f"],
                  ["-W", "no-simd", "--invoke=f"], ["-Wno-simd", "--invoke=f"],
                  ["--invoke=f", "--"]):
        r = run("run", *style, app, "7")
        t.ends(r, 0)
        t.equal(r.out, "7\n")
    # What follows FILE is the guest's, whatever it looks like.
    t.equal(run("run", "--invoke", "f", app, "-3").out, "-3\n")
    t.ends(run("run", "--invoke", "f", app, "--help"), 2, "'--help' is not of type i32")
    # Options of the other verbs may follow the operand.
    out = t.path("out.wasm")
    t.ends(run("wat", app, "-o", out), 0)
    t.ends(run("wat", "-o" + out, "--no-names", app), 0)
    dashed = t.file("-app.wat", EMPTY)
    t.ends(run("run", "--", "-app.wat", cwd=t.folder), 0)
    t.ends(run("wat", "-o", out, "--", "-app.wat", cwd=t.folder), 0)
    t.check(os.path.exists(dashed), "the input is still there")


@test
def missing_operands(t):
    t.ends(run("run"), 2, "Give a FILE")
    t.ends(run("run", "--fuel", "3"), 2, "Give a FILE")
    t.ends(run("wat"), 2, "Give a FILE")
    t.ends(run("wat", "a", "b"), 2, "one FILE")
    t.ends(run("dump"), 2, "Give a FILE")
    t.ends(run("wast"), 2, "FILE")


@test
def features_are_listed(t):
    r = run("run", "-W", "help")
    t.ends(r, 0)
    t.match(r.out, r"^simd +on$")
    t.match(run("run", "-W", "no-simd,help").out, r"^simd +off$")
    t.match(run("run", "-W", "no-simd,help").out, r"^relaxed-simd +off$")
    t.match(run("run", "-W", "none,relaxed-simd", "-W", "help").out, r"^simd +on$")
    t.match(run("run", "-W", "none", "-W", "help").out, r"^gc +off$")
    t.match(run("run", "-W", "gc=n", "-W", "gc=y,help").out, r"^gc +on$")
    t.ends(run("run", "-W", "simdd", "x"), 2, "unknown feature 'simdd'; did you mean 'simd'")
    t.ends(run("run", "-W", "no-gcc", "x"), 2, "did you mean 'gc'")
    t.ends(run("run", "-W", "gc=maybe", "x"), 2, "unknown feature 'gc=maybe'")


@test
def files_that_cannot_be_read(t):
    r = run("run", "/nonexistent/app.wasm")
    t.ends(r, 1, r"\Astint: cannot open '/nonexistent/app.wasm': No such file or directory\n\Z")
    t.ends(run("run", t.folder), 1, "is a directory|Is a directory")
    t.ends(run("dump", "/nonexistent"), 1, "No such file")
    t.ends(run("wat", "/nonexistent"), 1, "No such file")
    if os.geteuid() == 0:
        return
    path = t.file("secret.wasm", b"\0asm")
    os.chmod(path, 0)
    t.ends(run("run", path), 1, "Permission denied")


@test
def output_to_a_full_device(t):
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        for args in (["--help"], ["--version"], ["run", "--help"], ["run", "-W", "help"],
                     ["dump", t.file("a.wat", EMPTY)], ["wat", t.file("a.wat", EMPTY)]):
            t.ends(run(*args, stdout=full), 1, r"stdout'?: No space left on device")
    t.ends(run("wat", "-o", "/dev/full", t.file("a.wat", EMPTY)), 1, "No space left on device")


@test
def closed_stdout(t):
    app = t.file("a.wat", "(module (func (export \"f\") (result i32) (i32.const 3)))")
    for args in (["--help"], ["run", "--invoke", "f", app], ["dump", app], ["wat", app]):
        p = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', STINT, *args], stderr=subprocess.PIPE,
                           check=False)
        t.equal(p.returncode, 1)
        t.match(p.stderr.decode(), r"stdout'?: Bad file descriptor")


@test
def closed_pipe(t):
    app = t.file("a.wat", "(module (func (export \"f\") (result i32) (i32.const 3)))")
    for args in (["--help"], ["run", "--invoke", "f", app], ["dump", app]):
        read, write = os.pipe()
        os.close(read)
        r = run(*args, stdout=write)
        os.close(write)
        t.ends(r, 1, r"stdout'?: Broken pipe")


@test
def closed_stdin_and_stderr(t):
    """Files that are opened must not take the place of closed standard ones."""
    app = t.file("a.wat", EMPTY)
    p = subprocess.run(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', STINT, "run", app], check=False)
    t.equal(p.returncode, 0)
    p = subprocess.run(["sh", "-c", 'exec "$0" "$@" 2>&-', STINT, "run", "/nonexistent"], check=False)
    t.equal(p.returncode, 1)


@test
def man_pages(t):
    t.ends(run("gen-man", t.folder), 0)
    pages = sorted(os.listdir(t.folder))
    t.equal(pages, sorted(["stint.1"] + [f"stint-{v}.1" for v in VERBS]))
    with open(t.path("stint-run.1"), encoding="utf-8") as f:
        text = f.read()
    t.match(text, r"^\.TH STINT\\-RUN 1 ")
    t.match(text, r"\\fB\\-\\-max\\-memory\\fR")
    t.check("gc\\-stress" not in text, "a hidden option has a page")
    t.ends(run("gen-man", "/nonexistent/dir"), 1, "cannot write")
    t.ends(run("gen-man"), 2, "usage")


def complete(t, *words):
    """What bash offers for these words, the last of them unfinished."""
    script = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stint; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    p = subprocess.run(["bash", "-c", script, t.path("stint.bash"), *words], cwd=t.folder,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    t.equal(p.stderr, b"")
    return p.stdout.decode().split("\n")[:-1]


@test
def completions(t):
    t.ends(run("gen-completions", t.folder), 0)
    t.equal(sorted(os.listdir(t.folder)), ["_stint", "stint.bash", "stint.fish"])
    t.equal(complete(t, "stint", "ru"), ["run"])
    t.equal(complete(t, "stint", "run", "--max-t"), ["--max-table"])
    t.equal(complete(t, "stint", "run", "-W", "no-rel"), ["no-relaxed-simd"])
    t.equal(complete(t, "stint", "help", "wa"), ["watch", "wat", "wast"])
    t.file("with blank.wasm", b"")
    t.equal(complete(t, "stint", "run", "with"), ["with blank.wasm"])
    with open(t.path("stint.fish"), encoding="utf-8") as f:
        t.match(f.read(), r"__fish_seen_subcommand_from run' -l fuel -x -d 'Stop after N units")


@test
def a_signal_ends_the_program_as_usual(t):
    app = t.file("spin.wat", "(module (func (export \"_start\") (loop $l (br $l))))")
    p = subprocess.Popen([STINT, "run", app], stderr=subprocess.PIPE)
    try:
        p.wait(timeout=0.3)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGTERM)
    p.communicate(timeout=60)
    t.equal(p.returncode, -signal.SIGTERM)


main()
