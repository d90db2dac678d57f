#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""Listeners that `stint run --tcplisten` hands to a preview 1 guest: tests/wasi/guests/sockets.c."""

import os
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STINT = os.environ.get("STINT", os.path.join(ROOT, "build/debug/stint"))
TIMEOUT_S = 60
BIG = 8 << 20


class Failed(Exception):
    """What went otherwise than it should."""


def expect(is_so, what):
    if not is_so:
        raise Failed(what)


def free_port(family, host):
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def read_all(connection):
    data = bytearray()
    while piece := connection.recv(1 << 16):
        data += piece
    return bytes(data)


def talk(family, host, port):
    """The other end of sockets.c's three connections."""
    def connect():
        connection = socket.socket(family)
        connection.settimeout(TIMEOUT_S)
        connection.connect((host, port))
        return connection

    with connect() as first:
        first.sendall(b"hel")
        first.sendall(b"lo, wor")
        first.sendall(b"ld")
        first.shutdown(socket.SHUT_WR)
        answer = read_all(first)
        expect(answer == b"HELLO, WORLD", f"the answer was {answer!r}")
    with connect() as second:
        # Slowly at first, so that the guest's writes run into a full buffer.
        head = second.recv(1000)
        rest = read_all(second)
        expect(len(head) + len(rest) >= BIG and set(head + rest) == {ord("b")},
               f"{len(head) + len(rest)} bytes arrived")
    with connect() as third:
        answer = read_all(third)
        expect(answer == b"bye", f"the farewell was {answer!r}")


def serve(wasm, family, host, options, descriptor):
    port = free_port(family, host)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [STINT, "run", "--tcplisten", shown, *options, wasm, str(descriptor)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            if line == "ready\n":
                talk(family, host, port)
            out, err = process.communicate(timeout=TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as problem:
            process.kill()
            raise Failed(f"{problem}; the guest said {process.communicate()}") from problem
        except Failed:
            process.kill()
            process.communicate()
            raise
    expect(process.returncode == 0, f"exit code {process.returncode}: {err}")
    expect(out.endswith("sockets: ok\n"), f"the guest said {line + out!r}")


def test_ipv4(wasm):
    serve(wasm, socket.AF_INET, "127.0.0.1", [], 3)


def test_ipv6(wasm):
    serve(wasm, socket.AF_INET6, "::1", [], 3)


def test_after_directories(wasm):
    with tempfile.TemporaryDirectory() as folder:
        serve(wasm, socket.AF_INET, "127.0.0.1", ["--dir", folder + "::/"], 4)


def test_with_a_deadline(wasm):
    serve(wasm, socket.AF_INET, "127.0.0.1", ["--timeout", str(TIMEOUT_S)], 3)


def test_deadline_in_accept(wasm):
    """The guest waits for a connection that never comes."""
    port = free_port(socket.AF_INET, "127.0.0.1")
    command = [STINT, "run", "--timeout", "0.1", "--tcplisten", f"127.0.0.1:{port}", wasm, "3"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=TIMEOUT_S)
    expect(result.returncode == 124, f"exit code {result.returncode}: {result.stderr}")


def test_wrong_address(wasm):
    for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "example.org:80"):
        result = subprocess.run([STINT, "run", "--tcplisten", address, wasm, "3"],
                                capture_output=True, text=True, timeout=TIMEOUT_S)
        expect(result.returncode != 0 and address in result.stderr,
               f"{address}: exit code {result.returncode}: {result.stderr}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = subprocess.run([STINT, "run", "--tcplisten", address, wasm, "3"],
                                capture_output=True, text=True, timeout=TIMEOUT_S)
        expect(result.returncode != 0 and "in use" in result.stderr,
               f"{address}: exit code {result.returncode}: {result.stderr}")


def has_ipv6():
    try:
        free_port(socket.AF_INET6, "::1")
        return True
    except OSError:
        return False


def main():
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    compiler = os.path.join(ROOT, "tools/guest-cc.sh")
    check = subprocess.run([compiler, "--check"], text=True, capture_output=True)
    if check.returncode != 0:
        print(f"SKIP: {check.stderr.strip().splitlines()[0]}")
        print(f"0 passed, 0 failed, {len(tests)} skipped")
        return 0
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="stint-sockets-") as scratch:
        wasm = os.path.join(scratch, "sockets.wasm")
        subprocess.run([compiler, "-o", wasm, os.path.join(ROOT, "tests/wasi/guests/sockets.c")],
                       check=True)
        for test in tests:
            if test is test_ipv6 and not has_ipv6():
                skipped += 1
                print("SKIP: ipv6: this machine has none")
                continue
            try:
                test(wasm)
                passed += 1
            except (Failed, subprocess.TimeoutExpired) as problem:
                failed += 1
                print(f"FAIL: {test.__name__[5:]}: {problem}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
