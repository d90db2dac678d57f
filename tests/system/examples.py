#!/usr/bin/env python3
# suite: builds=debug,release timeout=600
# SPDX-License-Identifier: Apache-2.0
"""The examples do what their READMEs say, to the byte. (The greetings: greetings.py.)

Functions named test_ always run; those named long_, the Rust and Go examples, in the long run only.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STINT = os.path.abspath(os.environ.get("STINT", os.path.join(ROOT, "build", "release", "stint")))
LONG = os.environ.get("STINT_TEST_ALL") == "1"
EXAMPLES = os.path.join(ROOT, "examples")
READINGS = os.path.join(EXAMPLES, "sensor-c")


class Skip(Exception):
    """The test cannot run here; the text says why."""


def build(name):
    """The module of an example, built into this run's scratch folder."""
    if name in built:
        return built[name]
    environment = dict(os.environ, STINT_BUILD=scratch)
    done = subprocess.run([os.path.join(EXAMPLES, "build.sh"), name], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    module = os.path.join(scratch, "examples", name + ".wasm")
    assert done.returncode == 0, done.stdout
    if not os.path.exists(module):
        raise Skip(done.stdout.strip())
    built[name] = module
    return module


def stint(*arguments, stdin=b""):
    done = subprocess.run([STINT, "run", *arguments], input=stdin, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def equal(got, expected):
    assert got == expected, f"got {got!r}, expected {expected!r}"


def readings(name):
    with open(os.path.join(READINGS, name), "rb") as file:
        return file.read()


def sensor_output(name):
    module = build(name)
    normal = '{"avg_temp":20.75,"status":"normal"}\n'
    equal(stint(module, stdin=readings("readings.jsonl")), (0, normal, ""))
    equal(stint("--dir", f"{READINGS}::/:ro", module, "/readings.jsonl"), (0, normal, ""))
    equal(stint(module, stdin=readings("readings-hot.jsonl")),
          (0, '{"avg_temp":31.78,"status":"warning"}\n', ""))


def sensor_refuses(name):
    module = build(name)
    equal(stint(module), (1, "", "sensor: no readings in the input\n"))
    equal(stint(module, stdin=b"\n\n"), (1, "", "sensor: no readings in the input\n"))
    for line in (b'{"temperature":1', b'{"temperature":"1","humidity":1,"timestamp":1}', b"[]",
                 b'{"humidity":1,"timestamp":1}'):
        code, out, err = stint(module, stdin=readings("readings.jsonl") + line)
        equal((code, out), (1, ""))
        assert err.startswith("sensor: line 25: "), err


def limit(name):
    """The status changes above 30.0, not at it."""
    module = build(name)
    at = b'{"temperature":30.0,"humidity":1,"timestamp":1}\n'
    equal(stint(module, stdin=at)[1], '{"avg_temp":30.0,"status":"normal"}\n')
    equal(stint(module, stdin=at.replace(b"30.0", b"30.1"))[1],
          '{"avg_temp":30.1,"status":"warning"}\n')
    equal(stint(module, stdin=at.replace(b"30.0", b"-4.125e1"))[1],
          '{"avg_temp":-41.25,"status":"normal"}\n')


def test_sensor_c_prints_the_average():
    sensor_output("sensor-c")


def test_sensor_c_reports_bad_input():
    sensor_refuses("sensor-c")


def test_sensor_c_warns_above_30():
    limit("sensor-c")


def test_sensor_c_says_when_a_line_is_too_long():
    code, _, err = stint(build("sensor-c"), stdin=b" " * 5000)
    equal((code, err), (1, "sensor: line 1: longer than 4096 bytes\n"))


def test_sensor_c_sees_no_file_that_was_not_granted():
    code, out, err = stint(build("sensor-c"), "/etc/passwd")
    equal((code, out), (1, ""))
    assert err.startswith("sensor: "), err


def test_sensor_c_is_small():
    size = os.path.getsize(build("sensor-c"))
    assert size < 30_000, f"{size} bytes"


def ppm(width, height, pixel):
    body = b"".join(bytes(pixel(x, y)) for y in range(height) for x in range(width))
    return b"P6 %d %d 255\n" % (width, height) + body


def with_pictures(check):
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        def image(*arguments, mode=""):
            return stint("--dir", f"{folder}::/{mode}", build("image-c"), *arguments)
        check(folder, image)


def test_image_c_draws_blurs_and_finds_edges():
    def check(folder, image):
        equal(image("draw", "a.ppm"), (0, "", ""))
        equal(image("blur", "a.ppm", "b.ppm"), (0, "", ""))
        equal(image("edges", "b.ppm", "c.ppm"), (0, "", ""))
        for name in "abc":
            equal(os.path.getsize(os.path.join(folder, name + ".ppm")), 15 + 320 * 240 * 3)
        code, out, _ = image("show", "c.ppm")
        lines = out.splitlines()
        equal((code, len(lines), {len(line) for line in lines}), (0, 27, {72}))
        equal(lines[12].strip(), ".:::::::.")
    with_pictures(check)


def test_image_c_filters_to_the_byte():
    def check(folder, image):
        with open(os.path.join(folder, "step.ppm"), "wb") as file:
            file.write(ppm(8, 3, lambda x, y: (255, 255, 255) if x >= 4 else (0, 0, 0)))
        equal(image("edges", "step.ppm", "edges.ppm"), (0, "", ""))
        with open(os.path.join(folder, "edges.ppm"), "rb") as file:
            equal(file.read(),
                  ppm(8, 3, lambda x, y: (255, 255, 255) if x in (3, 4) else (0, 0, 0)))
        with open(os.path.join(folder, "flat.ppm"), "wb") as file:
            file.write(ppm(5, 5, lambda x, y: (200, 100, 7)))
        equal(image("blur", "flat.ppm", "same.ppm"), (0, "", ""))
        with open(os.path.join(folder, "same.ppm"), "rb") as file:
            equal(file.read(), ppm(5, 5, lambda x, y: (200, 100, 7)))
    with_pictures(check)


def test_image_c_reports_bad_files():
    def check(folder, image):
        with open(os.path.join(folder, "text.ppm"), "wb") as file:
            file.write(b"P3 1 1 255\n0 0 0\n")
        with open(os.path.join(folder, "short.ppm"), "wb") as file:
            file.write(b"P6 4 4 255\n123")
        equal(image("edges", "text.ppm", "out.ppm"),
              (1, "", "image: cannot read text.ppm: not a binary PPM (P6)\n"))
        equal(image("edges", "short.ppm", "out.ppm"),
              (1, "", "image: cannot read short.ppm: the file is too short\n"))
        code, out, err = image("show", "none.ppm")
        equal((code, out), (1, ""))
        assert err.startswith("image: cannot open none.ppm: "), err
    with_pictures(check)


def test_image_c_cannot_write_where_it_may_only_read():
    def check(folder, image):
        code, _, err = image("draw", "a.ppm", mode=":ro")
        equal(code, 1)
        assert err.startswith("image: cannot create a.ppm: "), err
        equal(os.listdir(folder), [])
    with_pictures(check)


def test_clang_in_wasm_source_compiles():
    """The program that the compiler in the guest compiles, by the compiler outside."""
    module = os.path.join(scratch, "primes.wasm")
    done = subprocess.run([os.path.join(ROOT, "tools", "guest-cc.sh"), "--size", "-o", module,
                           os.path.join(EXAMPLES, "clang-in-wasm", "primes.c")],
                          capture_output=True, text=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip())
    equal(done.returncode, 0)
    equal(stint(module, "20"), (0, "2 3 5 7 11 13 17 19 are prime.\n", ""))


def test_a_toolchain_that_does_not_work_is_left_out():
    """rustup's commands are there before any toolchain is."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for name, script in (("cargo", "exit 0"), ("rustc", "echo 'error: no default' >&2; exit 1")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{script}\n")
            os.chmod(os.path.join(folder, name), 0o755)
        done = subprocess.run([os.path.join(ROOT, "tools", "guest-rust.sh"),
                               os.path.join(EXAMPLES, "sensor-rust"), os.path.join(folder, "x.wasm")],
                              env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]),
                              text=True, capture_output=True)
        equal((done.returncode, done.stderr),
              (3, "rustc does not work, it says: error: no default (with rustup: rustup default stable)\n"))


def long_sensor_rust():
    sensor_output("sensor-rust")
    sensor_refuses("sensor-rust")
    limit("sensor-rust")


def long_sensor_rust_as_component():
    """The same program for wasm32-wasip2: Rust's own linker makes a component of it."""
    component = os.path.join(scratch, "sensor-rust-p2.wasm")
    done = subprocess.run([os.path.join(ROOT, "tools", "guest-rust.sh"), "--component",
                           os.path.join(EXAMPLES, "sensor-rust"), component], text=True,
                          env=dict(os.environ, STINT_BUILD=scratch), capture_output=True)
    if done.returncode == 3:
        raise Skip(done.stderr.strip().splitlines()[-1])
    equal(done.returncode, 0)
    built["sensor-rust-p2"] = component
    sensor_output("sensor-rust-p2")
    sensor_refuses("sensor-rust-p2")


def long_walk_go():
    module = build("walk-go")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        os.makedirs(os.path.join(folder, "b", "c"))
        for name, size in (("a.txt", 3), ("b/c/d.bin", 100_000), ("b/empty", 0)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"x" * size)
        expected = ("         3  a.txt\n            b/\n              c/\n"
                    "    100000      d.bin\n         0    empty\n"
                    "3 files in 2 folders, 100003 bytes; largest: b/c/d.bin (100000 bytes)\n")
        equal(stint("--dir", f"{folder}::/:ro", module), (0, expected, ""))


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, test in sorted(globals().items()):
        if not name.startswith(("test_", "long_") if LONG else "test_"):
            continue
        try:
            test()
            counts["passed"] += 1
        except Skip as reason:
            print(f"SKIP: {name}: {reason}")
            counts["skipped"] += 1
        except Exception as error:  # one broken test must not hide the others
            what = error if isinstance(error, AssertionError) else traceback.format_exc()
            print(f"FAIL: {name}: {what}")
            counts["failed"] += 1
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    built = {}
    scratch = tempfile.mkdtemp(prefix="stint-examples-")
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
