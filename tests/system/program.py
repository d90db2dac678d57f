# SPDX-License-Identifier: Apache-2.0
"""What the suites here share: running the program under test, and counting.

    from program import main, test, run, write

    @test
    def adds(t):
        r = run("run", "--invoke", "add", t.file("add.wat", ADD), "2", "3")
        t.equal(r.out, "5\n")

    main()

Words of the command line choose tests by their names; -v shows how long each took.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

STINT = os.path.abspath(os.environ.get("STINT", os.path.join("build", "debug", "stint")))
TESTS = []


class Result:
    """What a run of the program gave; `code` is -N after signal N."""

    def __init__(self, process):
        self.code = process.returncode
        self.raw_out = process.stdout or b""
        self.out = self.raw_out.decode("utf-8", "replace")
        self.err = (process.stderr or b"").decode("utf-8", "replace")


def run(*args, input=b"", env=None, cwd=None, stdout=subprocess.PIPE, timeout=120, **more):
    """Runs stint with these arguments; `env` replaces the environment."""
    if "stdin" not in more:
        more["input"] = input
    if env is not None:
        # What the sanitizers are told must not get lost.
        env = dict(env, **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    return Result(subprocess.run([STINT, *args], env=env, cwd=cwd, stdout=stdout,
                                 stderr=subprocess.PIPE, timeout=timeout, **more))


class Skip(Exception):
    """Raised by a test that cannot be made here; the text says why."""


class Test:
    """Given to each test: checks, and a scratch folder."""

    def __init__(self, name, folder):
        self.name, self.folder, self.failures = name, folder, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return path

    def check(self, ok, what):
        if not ok:
            frame = sys._getframe(1)
            while frame.f_code.co_filename == __file__:
                frame = frame.f_back
            self.failures.append(f"line {frame.f_lineno}: {what}")

    def equal(self, got, want):
        self.check(got == want, f"got {got!r}, want {want!r}")

    def match(self, got, pattern):
        self.check(re.search(pattern, got, re.M) is not None, f"{got!r} does not match {pattern!r}")

    def ends(self, result, code, err=None):
        """The exit code, and a pattern for stderr; without one stderr is empty."""
        self.check(result.code == code, f"exit code {result.code}, want {code}: {result.err}")
        if err is None:
            self.check(result.err == "", f"unexpected on stderr: {result.err}")
        else:
            self.match(result.err, err)


def test(function):
    TESTS.append(function)
    return function


def main():
    passed = failed = skipped = 0
    chosen = [word for word in sys.argv[1:] if word != "-v"]
    for function in TESTS:
        name = function.__name__
        if chosen and not any(word in name for word in chosen):
            continue
        with tempfile.TemporaryDirectory(prefix="stint-test-") as folder:
            t, start = Test(name, folder), time.monotonic()
            try:
                function(t)
            except Skip as reason:
                skipped += 1
                print(f"SKIP: {name}: {reason}")
                continue
            except Exception as error:  # a test that breaks has failed; the others go on
                t.failures.append(f"{type(error).__name__}: {error}")
        if t.failures:
            failed += 1
            print(f"FAIL: {name}")
            for failure in t.failures:
                print(f"  {failure}")
        else:
            passed += 1
        if "-v" in sys.argv:
            print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
