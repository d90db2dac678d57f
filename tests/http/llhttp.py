#!/usr/bin/env python3
# suite: builds=debug
# SPDX-License-Identifier: Apache-2.0
"""llhttp's cases against the HTTP/1.1 parser, each also split at every byte.

llhttp checks less: it wants no Host, and leaves much to its user. So a case without Host is run as it
is, which must be refused for that, and then with one put in. Where Stint refuses what llhttp takes,
the reason is listed here; an entry that no case needs is a failure. Its lenient modes have no
counterpart: those cases must be refused, or read as the lenient log says.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

from llhttp_cases import read_cases  # noqa: E402
from llhttp_differs import DIFFERS  # noqa: E402

DRIVER = os.path.join(os.path.dirname(os.environ.get("STINT", "build/debug/stint")), "tests",
                      "h1_driver")
HOST = b"Host: h\r\n"


def unescape(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), text)


def escape(data):
    return "".join(chr(c) if 0x20 <= c < 0x7f and c != 0x5c else f"\\x{c:02x}" for c in data)


def drive(kind, data):
    done = subprocess.run([DRIVER, kind], input=data, capture_output=True, timeout=120)
    out = done.stdout.decode("latin-1")
    if done.returncode != 0:
        return None, f"exit {done.returncode}: {out} {done.stderr.decode('latin-1')[:2000]}"
    return out.splitlines(), None


def with_hosts(case):
    """The input with a Host in every HTTP/1.1 request that has none; None where none lacks one."""
    data, changed = case.data, False
    for message in reversed(case.messages):
        names = [name.lower() for name, _ in message.fields]
        end = message.version_end
        if end is None or message.text.get("version") != b"1.1" or b"host" in names:
            continue
        if data[end:end + 2] == b"\r\n":
            data = data[:end + 2] + HOST + data[end + 2:]
            changed = True
    return data if changed else None


def expected_lines(case, request, hosts_added):
    """What the trace must say of each message, where llhttp's log says it."""
    lines = []
    for message in case.messages:
        if not message.headers:
            break
        text = message.text
        if request:
            lines.append(f"request {escape(text.get('method', b''))} {escape(text.get('url', b''))} "
                         f"{escape(text['version'])}")
        else:
            lines.append(f"response {escape(text['version'])} {escape(text.get('status', b''))}")
        for name, value in message.fields:
            if not (hosts_added and name.lower() == b"host"):
                lines.append(f"field {escape(name)}={escape(value.strip(b' ' + bytes([9])))}")
        if text.get("body"):
            lines.append("body " + escape(text["body"]))
        if message.complete:
            lines.append("end")
    return lines


def got_lines(trace, hosts_added):
    """The trace in the same words."""
    lines, last = [], ""
    for line in trace:
        words = line.split(" ")
        if words[0] == "request":
            lines.append(" ".join(words[:4]).replace(" 1.", " 1.", 1))
        elif words[0] == "response":
            reason = re.search(r"reason=(.*) framing=", line).group(1)
            lines.append(f"response {words[2]} {reason}")
        elif words[0] == "trailer":
            lines.append("field " + line[len("trailer "):])
        elif words[0] in ("field", "body", "end"):
            if not (hosts_added and line.lower() in ("field host=h", "field host=")):
                lines.append(line)
        else:
            last = line
            if words[0] == "tunnel":
                lines.append("end")
    return lines, last


def ordered(lines):
    """llhttp reports trailers among the fields, before or after the body's parts."""
    return sorted(lines)


def agrees(case, trace, hosts_added):
    """None, or in a few words how the trace differs from the log."""
    request = case.type.startswith("request")
    got, last = got_lines(trace, hosts_added)
    code = case.error[0] if case.error else 0
    bad = last.startswith("bad")
    if bad and code in (0, 5):
        return last
    if code == 5:  # Data after Connection: close, which a server does not read.
        if not last.startswith("closed"):
            return f"goes on after close: {last}"
    elif code == 22:  # An upgrade: what follows is the caller's to judge.
        want = expected_lines(case, request, hosts_added)
        if got[:len(want)] == want:
            return None
        return last if bad else f"differs before the upgrade: {got} != {want}"
    elif code:
        return None if bad else f"accepted: {last}"
    want = expected_lines(case, request, hosts_added)
    if ordered(got) != ordered(want):
        return f"differs: {got} != {want} ({last})"
    return None


def run_case(case):
    """(verdict, detail): agrees, differs, failed."""
    if case.type == "url":
        kind, data, hosts = "request", b"GET " + case.data + b" HTTP/1.1\r\n" + HOST + b"\r\n", None
    else:
        kind = case.type.split("-")[0]
        if case.skip_body:
            kind = "response-to-head" if kind == "response" else kind
        data, hosts = case.data, with_hosts(case) if kind == "request" else None
    trace, problem = drive(kind, data)
    if problem:
        return "failed", problem
    if case.type == "url":
        bad = trace[-1].startswith("bad")
        if bad == bool(case.error):
            return "agrees", None
        return "differs", trace[-1]
    if hosts is not None:
        first = case.messages[0]
        whole = not any(name.lower() == b"host" for name, _ in first.fields)
        if whole and first.headers and not case.error and first.text.get("version") == b"1.1" and \
                not trace[-1].startswith(("bad", "more")):
            return "failed", f"no Host, and not refused: {trace}"
        trace, problem = drive(kind, hosts)
        if problem:
            return "failed", problem
    if case.error and case.error[0] not in (5, 22) and trace[-1] == "more head":
        # What fields say together is judged once all are there.
        trace, problem = drive(kind, (hosts or data) + b"\r\n")
        if problem:
            return "failed", problem
    detail = agrees(case, trace, hosts is not None)
    return ("agrees", None) if detail is None else ("differs", detail)


def find_folder():
    root = os.environ.get("STINT_CONFORMANCE")
    return os.path.join(root, "http", "test") if root else None


def main():
    folder = find_folder()
    if not folder or not os.path.isdir(folder):
        print("SKIP: llhttp's cases are not here: tools/fetch-conformance.sh")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    differs = dict(DIFFERS)
    counts = {"agrees": 0, "differs": 0, "lenient": 0}
    failed = 0
    for case in read_cases(folder):
        verdict, detail = run_case(case)
        if verdict == "differs" and case.name in differs:
            want, reason = differs.pop(case.name)
            if re.search(want, detail):
                counts["differs"] += 1
                print(f"differs: {case.name}: {detail[:60]}: {reason}")
                continue
        elif verdict == "differs" and case.lenient and re.search(r"^bad|\(closed|after close", detail):
            counts["lenient"] += 1
            continue
        if verdict == "agrees":
            counts["agrees"] += 1
            continue
        failed += 1
        print(f"FAIL: {case.name} ({case.type}): {detail}\n  {case.data!r}")
    for name in differs:
        failed += 1
        print(f"FAIL: {name}: listed as different, and is not")
    print(f"note: {counts['agrees']} as llhttp, {counts['differs']} otherwise, for a reason given; "
          f"{counts['lenient']} of lenient modes, refused")
    print(f"{sum(counts.values())} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
