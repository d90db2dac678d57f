# SPDX-License-Identifier: Apache-2.0
"""A disk that loses its power: what strace saw a program do to the files of a folder, and what may be
left of them when the power goes after any of those operations.

    with Served(t, app, under=recorder(trace)) as server: …
    disk = Disk(folder)
    for operation in operations(trace, folder):
        disk.do(operation)
        disk.leave(rng, how, where)        # what a cut here leaves, written to the folder `where`

The model is the strictest that POSIX allows and hardware shows: what was written to a file since its
last fsync may be there or not, sector by sector and in any order; a name that was made or removed is
only sure after an fsync of its folder. Names are lost or kept in any order as well.
"""
import os
import re

SECTOR = 512
CALLS = "openat,mkdir,mkdirat,unlink,pwrite64,write,ftruncate,fsync,fdatasync,sendto,writev"
# Of a call: thread, name, arguments, result.
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)", re.S)
BEGUN = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$", re.S)
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$", re.S)
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
FILE = re.compile(r"^(\d+)<([^>]*)>")


def recorder(trace):
    """The command to put before a program's. It stays its parent's child."""
    return ["strace", "-D", "-f", "--seccomp-bpf", "-xx", "-y", "-s", str(8 << 20), "-o", trace,
            "-e", "trace=" + CALLS]


def _bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


def _calls(trace):
    """(name, arguments, result), each where it ended."""
    begun = {}
    with open(trace) as lines:
        for line in lines:
            line = line.rstrip("\n")
            if found := BEGUN.match(line):
                begun[found[1]] = found[2]
                continue
            if found := RESUMED.match(line):
                line = f"{found[1]} {begun.pop(found[1])}{found[2]}"
            if found := LINE.match(line):
                yield found[2], found[3], int(found[4])


def operations(trace, folder):
    """What was done below `folder`, and what was sent to sockets: ("sent", bytes)."""
    for name, arguments, result in _calls(trace):
        if result < 0:
            continue
        texts = [(_bytes(text), cut) for text, cut in TEXT.findall(arguments)]
        assert not any(cut for _, cut in texts), "strace left bytes out"
        opened = FILE.match(arguments)
        path = _bytes(opened[2]).decode() if opened else ""
        if name in ("openat", "mkdir", "mkdirat", "unlink"):
            path = texts[-1][0].decode()
            if name == "mkdirat" and not path.startswith("/"):
                at = re.match(r"(?:\d+|AT_FDCWD)<([^>]*)>", arguments)[1]
                path = os.path.join(_bytes(at).decode(), path)
        if name in ("sendto", "writev") or path.startswith("socket:"):
            yield "sent", b"".join(text for text, _ in texts)
        if not path.startswith(folder + "/") and path != folder:
            continue
        if name == "openat":
            if "O_CREAT" in arguments:
                yield "create", path
            if "O_TRUNC" in arguments:
                yield "truncate", path, 0
        elif name in ("mkdir", "mkdirat"):
            yield "mkdir", path
        elif name == "unlink":
            yield "unlink", path
        elif name == "pwrite64":
            yield "write", path, int(arguments.rsplit(",", 1)[1]), texts[-1][0][:result]
        elif name == "ftruncate":
            yield "truncate", path, int(arguments.rsplit(",", 1)[1])
        elif name in ("fsync", "fdatasync"):
            yield "sync", path
        else:
            raise AssertionError(f"{name} of {path}: this is not modelled")


def _apply(content, change):
    """One change to a file's bytes: ("write", at, data) or ("truncate", bytes)."""
    if change[0] == "truncate":
        del content[change[1]:]
        content.extend(bytes(max(0, change[1] - len(content))))
    else:
        _, at, data = change
        content.extend(bytes(max(0, at - len(content))))
        content[at:at + len(data)] = data


class _File:
    def __init__(self):
        self.sure = bytearray()
        self.open = []  # changes since the last sync

    def left(self, keep):
        """What is on the disk if of the open changes those stay that keep() says."""
        content = bytearray(self.sure)
        for change in self.open:
            if change[0] == "truncate":
                if keep():
                    _apply(content, change)
                continue
            _, at, data = change
            while data:
                bytes_here = SECTOR - at % SECTOR
                if keep():
                    _apply(content, ("write", at, data[:bytes_here]))
                at, data = at + bytes_here, data[bytes_here:]
        return content


class Disk:
    def __init__(self, folder):
        self.folder = folder
        self.names = {folder: None}  # what programs see: path -> _File, None: a folder
        self.sure = {folder: None}
        self.open = {}  # by folder: [(path, file or None, is made)]

    def _name(self, path, file, is_made):
        if is_made:
            self.names[path] = file
        else:
            del self.names[path]
        self.open.setdefault(os.path.dirname(path), []).append((path, file, is_made))

    def do(self, operation):
        """True: it changed what is there."""
        kind, path = operation[:2]
        if kind == "create" and path not in self.names:
            self._name(path, _File(), True)
        elif kind == "mkdir":
            self._name(path, None, True)
        elif kind == "unlink":
            self._name(path, self.names[path], False)
        elif kind == "write":
            self.names[path].open.append(("write", *operation[2:]))
        elif kind == "truncate":
            self.names[path].open.append(("truncate", operation[2]))
        elif kind == "sync" and self.names[path] is not None:
            file = self.names[path]
            for change in file.open:
                _apply(file.sure, change)
            file.open = []
        elif kind == "sync":
            for name, file, is_made in self.open.pop(path, []):
                if is_made:
                    self.sure[name] = file
                else:
                    self.sure.pop(name, None)
        else:
            return False
        return True

    def leave(self, keep, where):
        """Writes what a cut leaves; keep() decides for each thing that is not sure."""
        names = dict(self.sure)
        for changes in self.open.values():
            for name, file, is_made in changes:
                if not keep():
                    continue
                if is_made:
                    names[name] = file
                else:
                    names.pop(name, None)
        for name in sorted(names):
            parent = os.path.dirname(name)
            target = where + name[len(self.folder):]
            if name != self.folder and parent not in names:
                continue  # its folder is lost, and it with that
            if names[name] is None:
                os.makedirs(target, exist_ok=True)
            else:
                with open(target, "wb") as file:
                    file.write(names[name].left(keep))
