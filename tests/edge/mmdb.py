# SPDX-License-Identifier: Apache-2.0
"""Writes a small MaxMind DB, for tests and demos: mmdb.py FILE, or write(path, {"203.0.113.0/24": {…}})."""
import ipaddress
import os
import struct
import sys

MARKER = b"\xab\xcd\xefMaxMind.com"
SECTION_BYTES = 16  # of zeros between the tree and the data

# Blocks for documentation (RFC 5737, RFC 3849), so nobody's real place is told.
DEMO = {
    "192.0.2.0/24": ("US", "NA", "CA", "Mountain View", 64496),
    "198.51.100.0/24": ("JP", "AS", "13", "Tokyo", 64497),
    "203.0.113.0/24": ("KR", "AS", "11", "Seoul", 64498),
    "2001:db8:de::/48": ("DE", "EU", "BE", "Berlin", 64499),
}


def place(country, continent, region="", city="", asn=0):
    """What City and ASN databases say, in one."""
    record = {"country": {"iso_code": country}, "continent": {"code": continent}}
    if region:
        record["subdivisions"] = [{"iso_code": region}]
    if city:
        record["city"] = {"names": {"en": city}}
    if asn:
        record["autonomous_system_number"] = asn
    return record


def _control(kind, size):
    extra = b""
    if size >= 65821:
        size, extra = 31, (size - 65821).to_bytes(3, "big")
    elif size >= 285:
        size, extra = 30, (size - 285).to_bytes(2, "big")
    elif size >= 29:
        size, extra = 29, bytes([size - 29])
    first = bytes([(kind << 5 if kind < 8 else 0) | size])
    return first + (bytes([kind - 7]) if kind >= 8 else b"") + extra


class U16(int):
    pass


class U64(int):
    pass


def encode(value):
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encode, value))
    kind = 5 if isinstance(value, U16) else 9 if isinstance(value, U64) else 6
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(digits)) + digits


def build(blocks, built=1700000000):
    """The file's bytes. A tree for IPv6, of which IPv4 is ::/96."""
    nodes, data, offsets = [[None, None]], b"", {}
    for block, record in blocks.items():
        text = encode(record)
        if text not in offsets:
            offsets[text] = len(data)
            data += text
        network = ipaddress.ip_network(block)
        bits = network.prefixlen + (96 if network.version == 4 else 0)
        number, at = int(network.network_address), 0
        for depth in range(bits):
            side = number >> (127 - depth) & 1
            if depth == bits - 1:
                nodes[at][side] = ("data", offsets[text])
            else:
                if not isinstance(nodes[at][side], int):
                    nodes[at][side] = len(nodes)
                    nodes.append([None, None])
                at = nodes[at][side]
    count = len(nodes)

    def value(record):
        if record is None:
            return count
        return record if isinstance(record, int) else count + SECTION_BYTES + record[1]

    tree = b"".join(value(side).to_bytes(4, "big") for node in nodes for side in node)
    about = {"binary_format_major_version": U16(2), "binary_format_minor_version": U16(0),
             "build_epoch": U64(built), "database_type": "Stint-Test",
             "description": {"en": "Blocks for documentation"}, "ip_version": U16(6),
             "languages": ["en"], "node_count": count, "record_size": U16(32)}
    return tree + bytes(SECTION_BYTES) + data + MARKER + encode(about)


def write(path, blocks=None, **more):
    """In one step, as whoever looks at the file sees the old one or the new one."""
    with open(path + ".new", "wb") as file:
        file.write(build(blocks or {block: place(*words) for block, words in DEMO.items()}, **more))
    os.replace(path + ".new", path)
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: mmdb.py FILE")
    write(sys.argv[1])
