#!/usr/bin/env python3
# suite: builds=debug,release timeout=600
# SPDX-License-Identifier: Apache-2.0
"""Machine code in files and in the cache: when it is used, when it is not, and what is said then."""

import hashlib
import json
import os
import random
import re
import stat
import struct
import subprocess
import time

from program import STINT, Skip, main, run, test

FIB = """(module
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2))))))))
"""
HEADER_BYTES, SECTION_ROWS, HEADER_DIGEST = 504, 136, 472
NOT_USED = r"its machine code is not used: .*; "


class Place:
    """Homes of its own for the cache and the keys, and a compiled module."""

    def __init__(self, t, name="home"):
        self.t, self.home = t, t.path(name)
        os.makedirs(self.home, exist_ok=True)
        self.env = {"HOME": self.home, "PATH": "/usr/bin:/bin"}
        self.cache = os.path.join(self.home, ".cache", "stint")

    def run(self, *args, **more):
        return run(*args, env=dict(self.env, **more.pop("more", {})), **more)

    def compile(self, *flags, name="m.aot.wasm"):
        path = self.t.path(name)
        r = self.run("compile", "-q", *flags, "-o", path, self.t.file("m.wat", FIB))
        if r.code != 0 and re.search("libstint-compiler|runs no machine code", r.err):
            raise Skip("this build has no compiler")
        self.t.ends(r, 0)
        return path

    def fib(self, path, err=None, **more):
        """Runs it; `err` is what is to be said."""
        r = self.run("run", "--tier", "jit", "--invoke", "fib", path, "12", **more)
        self.t.equal(r.out, "144\n")
        self.t.ends(r, 0, err)

    def entries(self):
        return json.loads(self.run("cache", "ls", "--json").out)["entries"]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def image_at(data):
    """Where the image begins: behind the name of its section."""
    at = data.index(b"\x09stint.aotstintaot")
    return at + 10


def sealed(data, at, change):
    """The file with a changed header whose digest fits again."""
    out = bytearray(data)
    header = bytearray(out[at:at + HEADER_BYTES])
    change(header)
    header[HEADER_DIGEST:] = hashlib.sha256(header[:HEADER_DIGEST]).digest()
    out[at:at + HEADER_BYTES] = header
    return bytes(out)


@test
def what_one_compiles_oneself_runs(t):
    p = Place(t)
    path = p.compile()
    p.fib(path)
    t.equal(len(p.entries()), 1)
    # The module alone is the same module.
    plain = t.path("m.wasm")
    t.ends(p.run("wat", "-o", plain, t.path("m.wat")), 0)
    p.fib(plain)
    r = p.run("run", "--tier", "aot", "--stats=json", "--invoke", "fib", path, "12")
    t.ends(r, 0, '"tier_cached_images": 1,')
    # Without the cache it is nobody's.
    p.fib(path, NOT_USED, more={"STINT_NO_CACHE": "1"})
    p.fib(path, more={"STINT_CACHE_SIZE": "0"})


@test
def strangers_code_is_not_run(t):
    path = Place(t).compile()
    other = Place(t, "other")
    other.fib(path, "nobody signed it, nor did you compile it; .*stint compile")
    # Nothing is said where no machine code is wanted.
    t.ends(other.run("run", "--tier", "interp", "--invoke", "fib", path, "12"), 0)


@test
def signatures_make_trust(t):
    p, other = Place(t), Place(t, "other")
    r = p.run("key", "generate", "release")
    if "libstint-crypto" in r.err:
        raise Skip("this build has no OpenSSL")
    t.ends(r, 0)
    public = r.out.strip()
    t.match(public, r"^stint-ed25519-public [A-Za-z0-9+/]{43}=$")
    private = os.path.join(p.home, ".config/stint/private/release.key")
    t.equal(stat.S_IMODE(os.stat(private).st_mode), 0o600)
    path = p.compile("--sign", "release")
    other.fib(path, "signed by a key that you do not trust .*" + re.escape(public))
    t.ends(other.run("key", "trust", "vendor", public), 0)
    other.fib(path)
    t.equal([e["signed"] for e in other.entries()], [True])
    t.match(other.run("key", "list").out, "^vendor +stint-ed25519-public")
    other.fib(path)
    # Changed after it was signed: in the signature, the module, the code.
    data = read(path)
    at = data.index(b"stintsig")
    for i in (at + 8 + 4 + 4 + 3, len(data) - 3, len(data) - 70):
        flipped = bytearray(data)
        flipped[i] ^= 4
        other.run("cache", "clean")
        other.fib(t.file("flip.wasm", bytes(flipped)), NOT_USED)
    # Trusted no longer, also what the cache has.
    other.run("cache", "clean")
    other.fib(path)
    t.ends(other.run("key", "remove", "vendor"), 0)
    t.equal(other.entries(), [])
    other.fib(path, "do not trust")
    # Signed later, with a key in a file.
    unsigned = p.compile(name="u.aot.wasm")
    t.ends(p.run("sign", "--key", private, unsigned), 0)
    t.ends(other.run("key", "trust", "v2", t.file("k.pub", public + "\n")), 0)
    other.fib(unsigned)


@test
def keys_are_read_strictly(t):
    p = Place(t)
    t.ends(p.run("key", "trust", "a", "stint-ed25519-public AAAA"), 1, "No such file")
    t.ends(p.run("key", "trust", "a", t.file("bad.pub", "x" * 500)), 2, "is no public key")
    t.ends(p.run("key", "trust", "../a", "stint-ed25519-public " + "A" * 43 + "="), 2, "cannot name")
    good = "stint-ed25519-public " + "A" * 43 + "="
    t.ends(p.run("key", "trust", "a", good), 0)
    t.ends(p.run("key", "trust", "a", good), 2, "there is a key 'a' already")
    t.ends(p.run("key", "remove", "b"), 1, "there is no key 'b'")
    t.ends(p.run("key"), 2, "was expected")
    t.equal(json.loads(p.run("key", "list", "--json").out)[0]["name"], "a")
    folder = os.path.join(p.home, ".config/stint")
    os.chmod(folder, 0o777)
    t.ends(p.run("key", "list"), 1, "others can write to .*chmod 700")


@test
def cut_files_run_as_wasm(t):
    p = Place(t)
    path = p.compile()
    data = read(path)
    at = image_at(data)
    p.run("cache", "clean")
    cuts = list(range(at + 8, at + HEADER_BYTES, 17)) + list(range(at + 4096, len(data), 4096))
    for cut in cuts + [len(data) - 1]:
        p.fib(t.file("cut.wasm", data[:cut]), "not used: the file is cut off; ")
    t.equal(p.entries(), [])


@test
def flipped_headers_run_as_wasm(t):
    p = Place(t)
    path = p.compile()
    data = bytearray(read(path))
    at = image_at(data)
    p.run("cache", "clean")
    step = 1 if os.environ.get("STINT_TEST_ALL") else 13
    for i in range(0, HEADER_BYTES, step):
        data[at + i] ^= 1 << i % 8
        p.fib(t.file("flip.wasm", bytes(data)), "it does not begin like machine code|"
              "made by another version of Stint|its header was changed")
        data[at + i] ^= 1 << i % 8
    for seed in range(10):
        i = random.Random(seed).randrange(at, len(data))
        data[i] ^= 0x20
        p.fib(t.file("flip.wasm", bytes(data)), NOT_USED)
        data[i] ^= 0x20


@test
def other_machines_and_versions(t):
    p = Place(t)
    path = p.compile()
    data = read(path)
    at = image_at(data)
    p.run("cache", "clean")

    def field(offset, form, value):
        return lambda header: struct.pack_into(form, header, offset, value)

    arch = data[at + 80]
    text_at, = struct.unpack_from("<Q", data, at + SECTION_ROWS)
    rodata_at, = struct.unpack_from("<Q", data, at + SECTION_ROWS + 48)
    for change, reason in [
            (field(8, "<I", 99), r"another version of Stint \(format 99"),
            (field(12, "<I", 99), r"another version of Stint \(interface 99"),
            (field(16, "<I", 99), "another version of Stint"),
            (field(80, "B", 3 - arch), "for another CPU: .*this one is"),
            (field(88, "<I", 1 << 20), "for another CPU: it needs features"),
            (field(88, "<I", 1 << 31), "made on and for another CPU"),
            (field(SECTION_ROWS, "<Q", 4), "does not begin at a page"),
            (field(SECTION_ROWS + 8, "<Q", rodata_at - text_at + 1), "text and rodata sections overlap"),
            (field(SECTION_ROWS + 3 * 48, "<Q", 1 << 40), "meta section lies outside"),
            (field(SECTION_ROWS + 8, "<Q", 1 << 60), "text section lies outside")]:
        p.fib(t.file("other.wasm", sealed(data, at, change)), "not used: .*" + reason)
    # Another module with this code.
    moved = data.replace(b"\x03fib", b"\x03fob", 1)
    r = p.run("run", "--tier", "jit", "--invoke", "fob", t.file("moved.wasm", moved), "12")
    t.equal(r.out, "144\n")


@test
def another_target_is_for_another_machine(t):
    p = Place(t)
    other = "aarch64" if os.uname().machine == "x86_64" else "x86_64-v2"
    path = p.compile("--target", other)
    p.fib(path, "for another CPU: .*; 'stint compile' on this machine makes code that fits")


@test
def features_and_traps_have_to_fit(t):
    p = Place(t)
    path = p.compile()
    r = p.run("run", "--tier", "jit", "--strict-traps", "--invoke", "fib", path, "12")
    t.equal(r.out, "144\n")
    t.match(r.err, "its traps are not exact")
    r = p.run("run", "--tier", "jit", "-W", "no-simd", "--invoke", "fib", path, "12")
    t.equal(r.out, "144\n")
    t.match(r.err, "other --wasm features")
    p.run("cache", "clean")
    p.fib(p.compile("--strict-traps", name="s.aot.wasm"))


@test
def a_cache_of_others_is_refused(t):
    p = Place(t)
    path = p.compile()
    os.chmod(p.cache, 0o777)
    r = p.run("run", "--tier", "jit", "--invoke", "fib", path, "12")
    t.equal(r.out, "144\n")
    t.match(r.err, r"\Astint: the cache is not used: others can write to '.*': 'chmod 700")
    t.equal(r.err.count("others can write"), 1)
    t.ends(p.run("cache", "ls"), 1, "others can write to")
    os.chmod(p.cache, 0o700)
    p.fib(path)


@test
def what_lies_in_the_cache_is_checked(t):
    p = Place(t)
    path = p.compile()
    for name in os.listdir(p.cache):
        if name == "key" or name.endswith(".stamp"):
            continue
        p.compile()
        p.fib(path)
        file = os.path.join(p.cache, name)
        if not os.path.exists(file):
            continue
        with open(file, "r+b") as f:
            f.seek(4100 if name.endswith(".image") else 30)
            f.write(b"\x99\x98")
        p.fib(path, NOT_USED)


@test
def the_cache_is_bounded(t):
    p = Place(t)
    size = {"STINT_CACHE_SIZE": "200K"}
    for i in range(6):
        source = t.file("m.wat", FIB.replace("i32.const 2", f"i32.const {i + 2}"))
        r = p.run("compile", "-q", "-o", t.path("x.wasm"), source, more=size)
        if "libstint-compiler" in r.err:
            raise Skip("this build has no compiler")
        t.ends(r, 0)
    listing = json.loads(p.run("cache", "ls", "--json", more=size).out)
    t.check(0 < len(listing["entries"]) < 6, f"{len(listing['entries'])} entries")
    t.check(listing["bytes"] <= listing["limit_bytes"] == 200 * 1024, str(listing))
    t.ends(p.run("cache", "ls", more={"STINT_CACHE_SIZE": "lots"}), 1, "no size like 512M")
    t.ends(p.run("cache", "clean"), 0)
    t.equal(p.entries(), [])
    t.equal(sorted(os.listdir(p.cache)), ["key"])
    t.equal(p.run("cache", "path").out.strip(), p.cache)


@test
def a_full_disk_leaves_nothing(t):
    p = Place(t)
    path = p.compile()
    small = t.path("small")
    os.mkdir(small, 0o700)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "none", small],
                           capture_output=True)
    if mount.returncode != 0:
        raise Skip("no file system can be mounted here")
    try:
        env = {"XDG_CACHE_HOME": small}
        r = p.run("compile", "-q", "-o", t.path("y.wasm"), t.path("m.wat"), more=env)
        t.ends(r, 0, "not in the cache: .*No space left")
        t.equal([n for n in os.listdir(os.path.join(small, "stint")) if n != "key"], [])
        p.fib(path, NOT_USED, more=env)
        # The output itself.
        r = p.run("compile", "-q", "-o", os.path.join(small, "z.wasm"), t.path("m.wat"))
        t.ends(r, 1, "No space left")
        t.equal(os.listdir(small), ["stint"])
    finally:
        subprocess.run(["umount", small], check=True)


SLOW = """(module (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


def code_pages(pid):
    """(size, shared) of the executable pages that come from an image of the cache, in KiB."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as f:
        text = f.read()
    size = shared = 0
    for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", text):
        if re.match(r"\S+ r-xp .*\.image", part):
            size += int(re.search(r"Rss: +(\d+)", part).group(1))
            # Dirty: not yet written back to the disk.
            shared += sum(int(n) for n in re.findall(r"Shared_(?:Clean|Dirty): +(\d+)", part))
        if re.match(r"\S+ .w.*\.image", part):
            raise AssertionError("an image is writable")
        if re.match(r"\S+ .wx", part):
            raise AssertionError("a page is writable and executable")
    return size, shared


@test
def two_processes_share_the_pages(t):
    p = Place(t)
    p.compile()
    path = t.path("slow.aot.wasm")
    t.ends(p.run("compile", "-q", "-o", path, t.file("slow.wat", SLOW)), 0)
    command = [STINT, "run", "--tier", "jit", path]
    env = dict(p.env, **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    started = [subprocess.Popen(command, env=env, stdin=subprocess.PIPE) for _ in range(2)]
    try:
        pages = []
        for _ in range(3000):  # until both have come as far as the end of their input
            pages = [code_pages(process.pid) for process in started]
            if all(size > 0 and shared == size for size, shared in pages):
                break
            time.sleep(0.02)
        for size, shared in pages:
            t.check(size > 0, "no code is mapped")
            t.equal(shared, size)
    finally:
        for process in started:
            process.communicate(b"x\n", timeout=60)
            t.equal(process.returncode, 0)


@test
def a_rewritten_file_is_seen(t):
    p = Place(t)
    path = p.compile()
    time.sleep(0.1)
    p.fib(path)
    p.fib(path)
    t.check(any(n.endswith(".stamp") for n in os.listdir(p.cache)), "the file was not remembered")
    other = t.file("n.wat", FIB.replace("i32.const 2", "i32.const 3", 1))
    t.ends(p.run("compile", "-q", "-o", path, other), 0)
    r = p.run("run", "--tier", "jit", "--invoke", "fib", path, "12")
    t.check(r.out != "144\n" and r.code == 0, f"{r.code}: {r.out}{r.err}")


main()
