#!/usr/bin/env python3
# suite: builds=debug,release
# SPDX-License-Identifier: Apache-2.0
"""`stint wit`: the interface of a component as text."""

import glob
import os

import component_binary as c
from program import Skip, main, run, test

# An interface with everything that has a shape of its own in WIT, and one that uses it.
SHAPES = c.instance_type([
    c.declare_export("thing", c.RESOURCE),                                            # 0
    c.declare_type(b"\x68\0"),                                                        # 1 borrow
    c.declare_type(b"\x69\0"),                                                        # 2 own
    c.declare_type(c.record([("type", c.U32), ("name", c.STRING)])),                  # 3
    c.declare_export("pair", c.is_equal(3)),                                          # 4
    c.declare_type(c.variant([("none", b""), ("some-of-it", b"\4")])),                # 5
    c.declare_export("choice", c.is_equal(5)),                                        # 6
    c.declare_type(c.enum(["red", "green"])),                                         # 7
    c.declare_export("colour", c.is_equal(7)),                                        # 8
    c.declare_type(b"\x6e" + c.vector([c.name("read"), c.name("write")])),            # 9
    c.declare_export("rights", c.is_equal(9)),                                        # 10
    c.declare_type(b"\x70" + c.U8),                                                   # 11
    c.declare_export("bytes", c.is_equal(11)),                                        # 12
    c.declare_type(b"\x6b\x04"),                                                      # 13 option
    c.declare_type(b"\x6f" + c.vector([b"\x0d", b"\x0c"])),                           # 14 tuple
    c.declare_type(b"\x6a\1\x0e\1\x06"),                                              # 15 result
    c.declare_type(b"\x6a\0\1\x06"),                                                  # 16
    c.declare_type(b"\x6a\0\0"),                                                      # 17
    c.declare_type(c.function([("self", b"\1"), ("list", b"\x0f")], b"\x10")),        # 18
    c.declare_export("[method]thing.use", b"\1\x12"),
    c.declare_type(c.function([("of", b"\x06")], b"\2")),                             # 19
    c.declare_export("[constructor]thing", b"\1\x13"),
    c.declare_type(c.function([], b"\x11")),                                          # 20
    c.declare_export("[static]thing.clear", b"\1\x14"),
    c.declare_type(c.function([("a", c.BOOL), ("b", b"\x01")], b"")),                 # 21
    c.declare_export("look", b"\1\x15"),
])
USER = c.instance_type([
    b"\2" + bytes([c.TYPE]) + b"\2\1\1",  # alias outer 1 1
    c.declare_export("mine", c.is_equal(0)),
    c.declare_type(b"\x69\1"),
    c.declare_type(c.function([], b"\2")),
    c.declare_export("get", b"\1\3"),
])
COMPONENT = c.component(
    c.types([SHAPES]),
    c.imports([("a:b/shapes@1.2.3", b"\5\0")]),
    c.alias_type(0, "thing"),
    c.types([USER, c.function([], c.U32)]),
    c.imports([("a:b/user@1.2.3", b"\5\2"), ("c:d/user", b"\5\2"), ("plain", b"\5\2"),
               ("number", b"\1\3")]))

TEXT = """package root:component;

world root {
  import a:b/shapes@1.2.3;
  import a:b/user@1.2.3;
  import c:d/user;
  import plain: interface {
    use a:b/shapes@1.2.3.{thing as mine};

    get: func() -> mine;
  }
  import number: func() -> u32;
}

package a:b@1.2.3 {
  interface shapes {
    resource thing {
      use: func(%list: result<tuple<option<pair>, bytes>, choice>) -> result<_, choice>;
      constructor(of: choice);
      clear: static func() -> result;
    }

    record pair {
      %type: u32,
      name: string,
    }

    variant choice {
      none,
      some-of-it(pair),
    }

    enum colour {
      red,
      green,
    }

    flags rights {
      read,
      write,
    }

    type bytes = list<u8>;

    look: func(a: bool, b: borrow<thing>);
  }
  interface user {
    use shapes.{thing as mine};

    get: func() -> mine;
  }
}

package c:d {
  interface user {
    use a:b/shapes@1.2.3.{thing as mine};

    get: func() -> mine;
  }
}
"""


@test
def shows_an_interface(t):
    path = t.file("shapes.wasm", COMPONENT)
    result = run("wit", path)
    t.ends(result, 0)
    t.equal(result.out, TEXT.replace("      use: func", "      %use: func"))
    out = t.path("shapes.wit")
    t.equal(run("wit", "-", "-o", out, input=COMPONENT).out, "")
    with open(out) as f:
        t.equal(f.read(), result.out)


@test
def command_lines_and_files_that_are_wrong(t):
    t.ends(run("wit"), 2, "Give a FILE")
    t.ends(run("wit", "a", "b"), 2, "one FILE")
    t.ends(run("wit", t.path("missing.wasm")), 1, "missing.wasm")
    t.ends(run("wit", t.file("core.wasm", b"\0asm\1\0\0\0")), 1, "core module")
    t.ends(run("wit", t.file("cut.wasm", COMPONENT[:-3])), 1, "cut.wasm: offset")
    for at in range(8, len(COMPONENT), 3):
        bad = bytearray(COMPONENT)
        bad[at] ^= 0x15
        result = run("wit", "-", input=bytes(bad))
        t.check(result.code in (0, 1), f"byte {at}: ends with {result.code}")


@test
def components_of_the_suite(t):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = [os.environ.get("STINT_CONFORMANCE", ""), os.path.join(root, "conformance"),
              os.path.join(root, "..", "shared", "conformance")]
    found = [f for place in places if place
             for f in glob.glob(os.path.join(place, "component-json", "*", "*", "*.wasm"))]
    if not found:
        raise Skip("the component suite is not there (STINT_CONFORMANCE)")
    shown = 0
    for path in sorted(found)[::7]:
        result = run("wit", path)
        t.check(result.code in (0, 1), f"{path}: ends with {result.code}")
        if result.code == 0:
            shown += 1
            t.match(result.out, r"\Apackage root:component;\n\nworld root \{\n")
    t.check(shown > 10, f"only {shown} components were shown")


if __name__ == "__main__":
    main()
