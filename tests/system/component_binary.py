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
U32, U8, STRING, BOOL = b"\x79", b"\x7d", b"\x73", b"\x7f"


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
