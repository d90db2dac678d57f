#!/usr/bin/env python3
# suite: builds=none
# SPDX-License-Identifier: Apache-2.0
"""src/wasi/p2.def against the WIT that it offers: every function of every version, with the core
signature that canon lower gives it, and every resource.

    tests/system/p2_signatures.py [--print | --layout INTERFACE TYPE]

The WIT lies in STINT_CONFORMANCE/wit. --print writes the rows that the WIT calls for; --layout the
offsets of a type's parts, for who writes the functions.
"""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFORMANCE = os.environ.get("STINT_CONFORMANCE",
                             os.path.join(ROOT, "..", "shared", "conformance"))
VERSIONS = {  # by the name in p2.def: package folders, the last one first
    "OCT": ("2023-10-18", "spin/wit/deps/%s-2023-10-18"),
    "NOV": ("2023-11-10", "spin/wit/deps/%s-2023-11-10"),
    "REL": ("0.2", "spin/wit/deps/%s@0.2.6"),
}
PACKAGES = ("io", "cli", "clocks", "random", "filesystem", "sockets", "http")
# What the guest exports.
GUEST = ("wasi:cli/run", "wasi:http/incoming-handler")
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\s+|->|[%A-Za-z][A-Za-z0-9-]*|[0-9][0-9A-Za-z.-]*|.", re.S)


class Reader:
    """The words of one file."""

    def __init__(self, text):
        words = TOKEN.findall(text)
        self.words = [w.lstrip("%") for w in words
                      if not w.isspace() and not w.startswith("//") and not w.startswith("/*")]
        self.at = 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def next(self):
        self.at += 1
        return self.words[self.at - 1]

    def take(self, word):
        if self.peek() == word:
            self.at += 1
            return True
        return False

    def expect(self, word):
        got = self.next()
        if got != word:
            raise ValueError(f"expected {word}, not {got} at {self.words[self.at - 6:self.at + 3]}")

    def skip_group(self, opening, closing):
        depth = 1
        while depth:
            word = self.next()
            depth += (word == opening) - (word == closing)


class Interface:
    def __init__(self, name):
        self.name = name
        self.types = {}
        self.resources = []
        self.functions = []  # (name, params, result)


def parse_type(r):
    word = r.next()
    if word in ("list", "option", "borrow", "own", "tuple", "result"):
        args = []
        if r.take("<"):
            while not r.take(">"):
                args.append(None if r.take("_") else parse_type(r))
                r.take(",")
        return (word, *args)
    return (word,)


def parse_func(r):
    """After "func": parameters and result."""
    r.expect("(")
    params = []
    while not r.take(")"):
        name = r.next()
        r.expect(":")
        params.append((name, parse_type(r)))
        r.take(",")
    result = parse_type(r) if r.take("->") else None
    r.expect(";")
    return params, result


def parse_resource(r, interface):
    name = r.next()
    interface.resources.append(name)
    interface.types[name] = ("resource", name)
    if r.take(";"):
        return
    r.expect("{")
    while not r.take("}"):
        if r.take("@"):
            r.next()
            r.expect("(")
            r.skip_group("(", ")")
            continue
        what = r.next()
        if what == "constructor":
            params, _ = parse_func(r)
            interface.functions.append((f"[constructor]{name}", params, ("own", (name,))))
            continue
        r.expect(":")
        is_static = r.take("static")
        r.expect("func")
        params, result = parse_func(r)
        if is_static:
            interface.functions.append((f"[static]{name}.{what}", params, result))
        else:
            params.insert(0, ("self", ("borrow", (name,))))
            interface.functions.append((f"[method]{name}.{what}", params, result))


def parse_members(r, with_types):
    r.expect("{")
    members = []
    while not r.take("}"):
        name = r.next()
        of = None
        if with_types == "record":
            r.expect(":")
            of = parse_type(r)
        elif with_types == "variant" and r.take("("):
            of = parse_type(r)
            r.expect(")")
        members.append((name, of))
        r.take(",")
    return members


def parse_item(r, interface):
    word = r.next()
    if word == "use":
        while not r.take(";"):
            if r.take("{"):
                while not r.take("}"):
                    name = r.next()
                    local = r.next() if r.take("as") else name
                    interface.types[local] = ("used", path, name)
                    r.take(",")
            else:
                path = r.next() if not r.take(".") else path
                if r.peek() == ":":
                    r.next()
                    path = "wasi:" + r.next()
                    r.expect("/")
                    path += "/" + r.next()
                    if r.take("@"):
                        while r.peek() != ".":
                            r.next()
        return
    if word == "resource":
        parse_resource(r, interface)
    elif word == "type":
        name = r.next()
        r.expect("=")
        interface.types[name] = parse_type(r)
        r.expect(";")
    elif word in ("record", "variant"):
        name = r.next()
        interface.types[name] = (word, parse_members(r, word))
    elif word in ("enum", "flags"):
        name = r.next()
        interface.types[name] = (word, parse_members(r, "none"))
    else:
        r.expect(":")
        r.expect("func")
        params, result = parse_func(r)
        interface.functions.append((word, params, result))


def parse_file(text, package, interfaces):
    # "a/b@0.2.0.{c}" ends in a dot that belongs to the braces.
    text = re.sub(r"@[0-9][0-9A-Za-z.-]*?(?=\.\{|;|\s)", "", text)
    r = Reader(text)
    while r.peek() is not None:
        word = r.next()
        if word == "package":
            while not r.take(";"):
                r.next()
        elif word == "world":
            r.next()
            r.expect("{")
            r.skip_group("{", "}")
        elif word == "@":
            r.next()
            r.expect("(")
            r.skip_group("(", ")")
        elif word == "interface":
            interface = Interface(f"wasi:{package}/{r.next()}")
            interfaces[interface.name] = interface
            r.expect("{")
            while not r.take("}"):
                if r.take("@"):
                    r.next()
                    r.expect("(")
                    r.skip_group("(", ")")
                else:
                    parse_item(r, interface)
        else:
            raise ValueError(f"{word} at the top of a file of {package}")


class Types:
    """Flattening and layout (CanonicalABI.md)."""

    def __init__(self, interfaces):
        self.interfaces = interfaces

    def resolve(self, interface, of):
        """A type without names in it: ("prim", …), ("record", [(name, type)…]), …"""
        kind = of[0]
        if kind == "borrow":
            return ("i32", 4, "borrow")
        if kind == "own":
            return ("i32", 4, "own")
        if kind == "list":
            return ("list",)
        if kind == "option":
            return ("variant", [("none", None), ("some", self.resolve(interface, of[1]))])
        if kind == "result":
            args = list(of[1:]) + [None] * (3 - len(of))
            return ("variant", [(name, arg and self.resolve(interface, arg))
                                for name, arg in zip(("ok", "error"), args)])
        if kind == "tuple":
            return ("record", [(str(i), self.resolve(interface, t)) for i, t in enumerate(of[1:])])
        prims = {"bool": 1, "u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "char": 4,
                 "u64": 8, "s64": 8}
        if kind in prims:
            return ("I64" if prims[kind] == 8 else "i32", prims[kind])
        if kind == "string":
            return ("list",)
        return self.named(interface, kind)

    def named(self, interface, name):
        of = interface.types[name]
        if of[0] == "used":
            path = of[1] if of[1].startswith("wasi:") else interface.name.split("/")[0] + "/" + of[1]
            return self.named(self.interfaces[path], of[2])
        if of[0] == "resource":
            return ("i32", 4, "own")
        if of[0] == "record":
            return ("record", [(n, self.resolve(interface, t)) for n, t in of[1]])
        if of[0] == "variant":
            return ("variant", [(n, t and self.resolve(interface, t)) for n, t in of[1]])
        if of[0] == "enum":
            return ("variant", [(n, None) for n, _ in of[1]])
        if of[0] == "flags":
            return ("i32", 1 if len(of[1]) <= 8 else 2 if len(of[1]) <= 16 else 4)
        return self.resolve(interface, of)

    def flat(self, t):
        if t[0] == "i32":
            return ["i"]
        if t[0] == "I64":
            return ["I"]
        if t[0] == "list":
            return ["i", "i"]
        if t[0] == "record":
            return [f for _, part in t[1] for f in self.flat(part)]
        joined = []
        for _, part in t[1]:
            for i, f in enumerate(self.flat(part) if part else []):
                if i < len(joined):
                    joined[i] = joined[i] if joined[i] == f else "I"
                else:
                    joined.append(f)
        return ["i"] + joined

    def align(self, t):
        if t[0] in ("i32", "I64"):
            return t[1]
        if t[0] == "list":
            return 4
        parts = [self.align(part) for _, part in t[1] if part]
        return max(parts + [1])

    def payload_offset(self, t):
        return max([1] + [self.align(part) for _, part in t[1] if part])

    def size(self, t):
        if t[0] in ("i32", "I64"):
            return t[1]
        if t[0] == "list":
            return 8
        def up(n, a):
            return (n + a - 1) // a * a
        n = 0
        if t[0] == "record":
            for _, part in t[1]:
                n = up(n, self.align(part)) + self.size(part)
        else:
            n = self.payload_offset(t) + max([0] + [self.size(part) for _, part in t[1] if part])
        return up(n, self.align(t))

    def signature(self, interface, params, result):
        flat = [f for _, t in params for f in self.flat(self.resolve(interface, t))]
        if len(flat) > 16:
            flat = ["i"]
        results = self.flat(self.resolve(interface, result)) if result else []
        if len(results) > 1:
            flat, results = flat + ["i"], []
        return "".join(flat) + ":" + "".join(results)

    def shape(self, interface, params, result):
        """What a function has to know of its types: two with the same are one function to us."""
        types = [t for _, t in params] + ([result] if result else [])
        return self.bare([self.resolve(interface, t) for t in types])

    def bare(self, t):
        """Without names, which change from version to version."""
        if isinstance(t, list):
            return tuple(self.bare(part) for part in t)
        if t and t[0] in ("record", "variant"):
            return (t[0], tuple(self.bare(part) for _, part in t[1]))
        return t

    def show(self, t, indent, offset, name):
        print(f"{'  ' * indent}{offset:4} {name} ({t[0]}, {self.size(t)} bytes, "
              f"align {self.align(t)}, flat {''.join(self.flat(t))})")
        if t[0] == "record":
            n = 0
            for part_name, part in t[1]:
                n = (n + self.align(part) - 1) // self.align(part) * self.align(part)
                self.show(part, indent + 1, offset + n, part_name)
                n += self.size(part)
        elif t[0] == "variant":
            for i, (part_name, part) in enumerate(t[1]):
                if part:
                    self.show(part, indent + 1, offset + self.payload_offset(t),
                              f"{i} {part_name}")


def load(version):
    interfaces = {}
    for package in PACKAGES:
        folder = os.path.join(CONFORMANCE, "wit", VERSIONS[version][1] % package)
        for path in sorted(glob.glob(os.path.join(folder, "*.wit"))):
            with open(path, encoding="utf-8") as file:
                parse_file(file.read(), package, interfaces)
    return interfaces


def wanted():
    """{(interface, name, signature, versions)}, {(interface, resource, versions)}"""
    functions, resources = {}, {}
    for version in VERSIONS:
        interfaces = load(version)
        types = Types(interfaces)
        for interface in interfaces.values():
            if interface.name in GUEST:
                continue
            for name, params, result in interface.functions:
                key = (interface.name, name, types.signature(interface, params, result),
                       types.shape(interface, params, result))
                functions.setdefault(key, []).append(version)
            for name in interface.resources:
                resources.setdefault((interface.name, name), []).append(version)
    return ([key[:3] + (text_of(versions),) for key, versions in functions.items()],
            [key + (text_of(versions),) for key, versions in resources.items()])


def text_of(versions):
    return {("OCT", "NOV", "REL"): "ALL", ("NOV", "REL"): "NOV_ON", ("OCT", "NOV"): "RC",
            ("OCT",): "OCT", ("NOV",): "NOV", ("REL",): "REL",
            ("OCT", "REL"): "NOT_NOV"}[tuple(versions)]


def rows_of_def():
    with open(os.path.join(ROOT, "src", "wasi", "p2.def"), encoding="utf-8") as file:
        text = file.read()
    interfaces = dict(re.findall(r'^P2_INTERFACE\((\w+), "([^"]+)"\)', text, re.M))
    functions = re.findall(r'^P2\((\w+),\s*"([^"]+)",\s*"([^"]+)",\s*\w+,\s*(\w+)\)', text, re.M)
    resources = re.findall(r'^P2_RESOURCE\((\w+),\s*"([^"]+)",\s*\w+,\s*(\w+)\)', text, re.M)
    return ([(interfaces[row[0]],) + row[1:] for row in functions],
            [(interfaces[row[0]],) + row[1:] for row in resources])


def compare():
    passed, failed = 0, 0
    for ours, theirs in zip(rows_of_def(), wanted()):
        ours, theirs = set(ours), set(theirs)
        passed += len(ours & theirs)
        failed += len(ours ^ theirs)
        for row in sorted(ours - theirs):
            print(f"FAIL: {' '.join(row)}: not in the WIT")
        for row in sorted(theirs - ours):
            print(f"FAIL: {' '.join(row)}: not in p2.def")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def print_rows():
    functions, resources = wanted()
    names = {}
    for row in resources + functions:
        name = row[0].split(":")[1].replace("/", "_").replace("-", "_").upper()
        names.setdefault(row[0], name)
    for interface, name in names.items():
        print(f'P2_INTERFACE({name}, "{interface}")')
        for where, resource, versions in resources:
            if where == interface:
                print(f'P2_RESOURCE({name}, "{resource}", '
                      f'{resource.replace("-", "_").upper()}, {versions})')
        for where, function, signature, versions in functions:
            if where == interface:
                c = re.sub(r"\[[a-z]+\]", "", function).replace("-", "_").replace(".", "_")
                print(f'P2({name}, "{function}", "{signature}", {c}, {versions})')
        print()


def main():
    if not os.path.isdir(os.path.join(CONFORMANCE, "wit")):
        print("SKIP: the WIT is not here\n0 passed, 0 failed, 1 skipped")
        return 0
    if sys.argv[1:2] == ["--print"]:
        print_rows()
        return 0
    if sys.argv[1:2] == ["--layout"]:
        interfaces = load(sys.argv[4] if len(sys.argv) > 4 else "REL")
        types = Types(interfaces)
        reader = Reader(sys.argv[3])
        interface = interfaces[sys.argv[2]]
        types.show(types.resolve(interface, parse_type(reader)), 0, 0, sys.argv[3])
        return 0
    return compare()


if __name__ == "__main__":
    sys.exit(main())
