# SPDX-License-Identifier: Apache-2.0
"""Writes small components, byte by byte (component-model Binary.md)."""

PREAMBLE = b"\0asm\x0d\0\1\0"
FUNC, TYPE, INSTANCE = 1, 3, 5  # sorts


def leb(value):
    out = bytearray()
    while True:
        byte = value & 127
        value >>= 7
        out.append(byte | (128 if value else 0))
        if not value:
            return bytes(out)


def name(text):
    data = text.encode()
    return leb(len(data)) + data


def extern_name(text):
    return b"\0" + name(text)


def vector(items):
    return leb(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def record(fields):
    return b"\x72" + vector([name(label) + kind for label, kind in fields])


def variant(cases):
    return b"\x71" + vector([name(label) + (b"\1" + kind if kind else b"\0") + b"\0"
                             for label, kind in cases])


def enum(labels):
    return b"\x6d" + vector([name(label) for label in labels])


def function(params, result):
    return b"\x40" + vector([name(label) + kind for label, kind in params]) + \
        (b"\0" + result if result else b"\1\0")


def declare_type(definition):
    return b"\1" + definition


def declare_export(text, extern):
    return b"\4" + extern_name(text) + extern


def is_equal(index):
    return bytes([TYPE]) + b"\0" + leb(index)


RESOURCE = bytes([TYPE]) + b"\1"
U32, U64, U8, STRING, BOOL = b"\x79", b"\x77", b"\x7d", b"\x73", b"\x7f"


def instance_type(declarations):
    return b"\x42" + vector(declarations)


def types(definitions):
    return section(7, vector(definitions))


def imports(items):
    return section(10, vector([extern_name(text) + extern for text, extern in items]))


def alias_type(instance, text):
    return section(6, vector([bytes([TYPE]) + b"\0" + leb(instance) + name(text)]))


def component(*sections):
    return PREAMBLE + b"".join(sections)


# ---- Components that run -------------------------------------------------------------------------

S8, S16, U16, S32, S64, U64 = b"\x7e", b"\x7c", b"\x7b", b"\x7a", b"\x78", b"\x77"
F32, F64, CHAR = b"\x76", b"\x75", b"\x74"


def list_of(kind):
    return b"\x70" + kind


def option(kind):
    return b"\x6b" + kind


def result(ok, error):
    return b"\x6a" + b"".join(b"\1" + kind if kind else b"\0" for kind in (ok, error))


def tuple_of(kinds):
    return b"\x6f" + vector(kinds)


def flags(labels):
    return b"\x6e" + vector([name(label) for label in labels])


class Builder:
    """A component, section by section; what adds to an index space returns the index."""

    def __init__(self):
        self.sections = []
        self.counts = {}

    def count(self, space):
        index = self.counts.get(space, 0)
        self.counts[space] = index + 1
        return index

    def add(self, number, item):
        self.sections.append(section(number, vector([item])))

    def core_module(self, binary):
        self.sections.append(section(1, binary))
        return self.count("core module")

    def core_instance(self, module, arguments=()):
        """`arguments`: pairs of a name and a core instance."""
        self.add(2, b"\0" + leb(module) + vector([name(text) + b"\x12" + leb(index)
                                                  for text, index in arguments]))
        return self.count("core instance")

    def core_exports(self, functions):
        """A core instance from pairs of a name and a core function."""
        self.add(2, b"\1" + vector([name(text) + b"\0" + leb(index) for text, index in functions]))
        return self.count("core instance")

    def core_func(self, instance, text):
        self.add(6, b"\0\0\1" + leb(instance) + name(text))
        return self.count("core func")

    def core_memory(self, instance, text):
        self.add(6, b"\0\2\1" + leb(instance) + name(text))
        return self.count("core memory")

    def type(self, definition):
        self.add(7, definition)
        return leb(self.count("type"))

    def named_type(self, text, definition):
        """A type that is exported, as records and the like have to be."""
        index = self.type(definition)
        self.add(11, extern_name(text) + bytes([TYPE]) + index + b"\0")
        return leb(self.count("type"))

    def import_instance(self, text, declarations):
        index = self.type(instance_type(declarations))
        self.sections.append(imports([(text, bytes([INSTANCE]) + index)]))
        return self.count("instance")

    def import_func(self, text, params, outcome):
        """Of an interface with this function alone; a core function."""
        interface, _, function_name = text.partition("#")
        instance = self.import_instance(interface, [
            declare_type(function(params, outcome)), declare_export(function_name, b"\1\0")])
        self.add(6, b"\1\0" + leb(instance) + name(function_name))
        self.add(8, b"\1\0" + leb(self.count("func")) + b"\0")
        return self.count("core func")

    def lift(self, core, params, outcome, options=b"\0"):
        index = self.type(function(params, outcome))
        self.add(8, b"\0\0" + leb(core) + options + index)
        return self.count("func")

    def export_func(self, text, func):
        self.add(11, extern_name(text) + bytes([FUNC]) + leb(func) + b"\0")
        self.count("func")

    def export_interface(self, text, functions):
        self.add(5, b"\1" + vector([extern_name(label) + bytes([FUNC]) + leb(func)
                                    for label, func in functions]))
        index = self.count("instance")
        self.add(11, extern_name(text) + bytes([INSTANCE]) + leb(index) + b"\0")
        self.count("instance")

    def binary(self):
        return component(*self.sections)


def in_memory(memory, realloc, post_return=None):
    """Options of a function whose values lie in memory."""
    options = [b"\3" + leb(memory), b"\4" + leb(realloc)]
    if post_return is not None:
        options.append(b"\5" + leb(post_return))
    return vector(options)
