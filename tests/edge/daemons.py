# SPDX-License-Identifier: Apache-2.0
"""Servers of other makes that the tests start on loopback, and stop."""
import socket
import subprocess
import time


class Daemon:
    """`self.command`, which listens on `port`; set before this is called."""

    def __init__(self, port):
        self.port = port
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1000):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, "the server did not start"
            time.sleep(0.02)
        raise AssertionError("the server does not listen")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
