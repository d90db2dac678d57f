# SPDX-License-Identifier: Apache-2.0
"""Reads llhttp's test cases: Markdown with blocks of input and of the events that are expected."""
import json
import os
import re

EVENT = re.compile(r"off=(\d+) (.*)")
SPAN = re.compile(r"len=(\d+) span\[([\w.]+)\]")


class Message:
    def __init__(self, start):
        self.start = start
        self.text = {}
        self.fields = []
        self.last = None
        self.version_end = None
        self.complete = self.headers = False

    def add(self, name, at, data):
        """A span may come in parts, one behind the other."""
        if name in ("header_field", "header_value"):
            if self.last == name:
                self.fields[-1][name == "header_value"] += data
            elif name == "header_field":
                self.fields.append([data, b""])
            else:
                self.fields[-1][1] = data
            self.last = name
        else:
            self.text[name] = self.text.get(name, b"") + data


class Case:
    def __init__(self, file, title, meta, data, log):
        self.name = f"{file}: {title}"
        self.type = meta.get("type", "url")
        self.skip_body = meta.get("skipBody", False)
        self.lenient = "lenient" in self.type
        self.data = data
        self.log = log
        self.messages = []
        self.error = None
        self.read_log()

    def read_log(self):
        for line in self.log.splitlines():
            found = EVENT.match(line.strip())
            if not found:
                continue
            at, what = int(found.group(1)), found.group(2)
            span = SPAN.match(what)
            if what == "message begin":
                self.messages.append(Message(at))
            elif span and self.messages:
                self.messages[-1].add(span.group(2), at, self.data[at:at + int(span.group(1))])
            elif what.startswith("error"):
                code = int(re.search(r"code=(\d+)", what).group(1))
                if code != 21:  # A pause of the test's own.
                    self.error = (code, at, what)
            elif what == "version complete":
                self.messages[-1].version_end = at
            elif what.startswith("header_value complete") or what.startswith("header_field complete"):
                self.messages[-1].last = "done" if "value" in what else "header_field done"
            elif what.startswith("headers complete"):
                self.messages[-1].headers = True
            elif what == "message complete":
                self.messages[-1].complete = True


def to_bytes(text, is_url):
    """As llhttp's own runner reads a block."""
    text = text[:-1] if text.endswith("\n") else text
    text = re.sub(r"\\(\r\n|\r|\n)", "", text)
    text = re.sub(r"\r\n|\r|\n", "" if is_url else "\r\n", text)
    for escape, byte in (("r", "\r"), ("n", "\n"), ("t", "\t"), ("f", "\f")):
        text = text.replace("\\" + escape, byte)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda m: chr(int(m.group(1), 16)), text)
    return text.encode()


def read_cases(folder):
    for sub, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".md"):
                path = os.path.join(sub, name)
                yield from read_file(os.path.relpath(path, folder)[:-3], path)


def read_file(file, path):
    with open(path, encoding="utf-8", newline="") as source:
        text = source.read().replace("\r\n", "\n")
    titles, meta, data, block = [], {}, None, None
    for line in text.splitlines(keepends=True):
        if block is not None:
            if line.rstrip() != "```":
                block[1].append(line)
                continue
            body = "".join(block[1])
            if block[0] == "log":
                if data is not None:
                    yield Case(file, " / ".join(t for _, t in titles), meta, data, body)
                meta, data = {}, None
            else:
                data = to_bytes(body, block[0] == "url")
            block = None
        elif re.match(r"```(http|log|url)\s*$", line):
            block = (line.strip()[3:], [])
        elif line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            titles = [t for t in titles if t[0] < level] + [(level, line.strip("# \n"))]
        else:
            found = re.match(r"<!--\s*meta=(\{.*\})\s*-->", line)
            if found:
                meta = json.loads(found.group(1))
