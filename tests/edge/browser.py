# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium under test, through its debugging protocol on a pair of pipes:

    with Browser(t) as browser:
        browser.open("http://127.0.0.1:9001/")
        browser.wait("document.title === 'app'")
        browser.problems        what its console and its policy complained of
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from program import Skip  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
TIMEOUT = 60


def find():
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise Skip("there is no Chromium: install chromium")


class Browser:
    def __init__(self, t, width=1280, height=900):
        # Chromium reads commands from descriptor 3 and writes to 4, each with a zero byte at its end.
        command_out, self.command_in = os.pipe()
        self.answer_out, answer_in = os.pipe()
        arguments = [find(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                     "--disable-background-networking", "--disable-component-update", "--mute-audio",
                     "--hide-scrollbars", "--host-resolver-rules=MAP rebind.example 127.0.0.1",
                     f"--user-data-dir={t.path('chromium')}", f"--window-size={width},{height}", "about:blank"]

        def pipes():
            high = [os.dup2(fd, fd + 100) for fd in (command_out, answer_in)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=pipes, pass_fds=(3, 4),
                                        start_new_session=True)
        os.close(command_out)
        os.close(answer_in)
        self.problems, self.answers, self.number = [], {}, 0
        self.arrived = threading.Condition()
        self.session = None
        threading.Thread(target=self._read, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Audits"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(20)
        except Exception:
            self.process.kill()
            self.process.wait()
        os.close(self.command_in)

    def _read(self):
        rest = b""
        while True:
            try:
                piece = os.read(self.answer_out, 1 << 16)
            except OSError:
                piece = b""
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\0")
            for message in map(json.loads, whole):
                self._take(message)
        os.close(self.answer_out)
        with self.arrived:
            self.answers = None
            self.arrived.notify_all()

    def _take(self, message):
        method, what = message.get("method"), message.get("params", {})
        with self.arrived:
            if "id" in message:
                self.answers[message["id"]] = message
                self.arrived.notify_all()
            elif method == "Runtime.exceptionThrown":
                self.problems.append("exception: " + json.dumps(what["exceptionDetails"]))
            elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
                self.problems.append(f"{what['entry']['text']} {what['entry'].get('url', '')}")
            elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
                self.problems.append("console: " + json.dumps(what["args"]))
            elif method == "Audits.issueAdded" and "ContentSecurityPolicy" in what["issue"]["code"]:
                self.problems.append("policy: " + json.dumps(what["issue"]["details"]))

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data, end = json.dumps(message).encode() + b"\0", time.monotonic() + TIMEOUT
        while data:
            data = data[os.write(self.command_in, data):]
        with self.arrived:
            while self.answers is not None and message["id"] not in self.answers:
                if not self.arrived.wait(end - time.monotonic()):
                    raise AssertionError(f"the browser does not answer {method}")
            if self.answers is None:
                raise AssertionError("the browser has ended")
            answer = self.answers.pop(message["id"])
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, script, what=None):
        """Until an expression is true."""
        for _ in range(TIMEOUT * 20):
            try:
                if self.run(script):
                    return
            except AssertionError:  # between two pages
                if self.process.poll() is not None:
                    raise
            time.sleep(0.05)
        raise AssertionError(what or f"never true: {script}")

    def text(self, selector):
        return self.run(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText")

    def key(self, key, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text if kind == "keyDown" else "")

    def look(self, dark=False, width=None, height=900, scale=1):
        """Colours and size of the window."""
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if width:
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=scale, mobile=width < 600)

    def picture(self, path):
        """The whole page as a PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
