"""A real Chromium without a window, driven by chromedriver's own HTTP: no library needed."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from .harness import Failure, Skip, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of the WebDriver standard


class Browser:
    """One window. To be closed with `close`."""

    def __init__(self, run):
        for program in ("chromedriver", "chromium"):
            if shutil.which(program) is None:
                raise Skip("%s is not installed" % program)
        self.log = run.path("chromedriver.log")
        self.profile = tempfile.mkdtemp(prefix="walwrap-browser-")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=open(self.log, "w"), stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": self.profile})
        try:
            self.base = "http://127.0.0.1:%d" % wait_until(self._port, 20, "chromedriver")
            arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                         "--hide-scrollbars", "--user-data-dir=%s" % self.profile]
            if os.geteuid() == 0:
                arguments.append("--no-sandbox")
            wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                      "goog:loggingPrefs": {"browser": "ALL"}}
            session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = "/session/" + session["sessionId"]
        except BaseException:
            self.driver.kill()
            self.driver.wait()
            shutil.rmtree(self.profile, ignore_errors=True)
            raise

    def _port(self):
        told = re.search(r"started successfully on port (\d+)", self.log.read_text())
        return int(told[1]) if told else None

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure("chromedriver: %s" % error.read().decode()[:500]) from None

    def _ask(self, method, path, body=None):
        return self._call(method, self.session + path, body)

    def _devtools(self, command, **parameters):
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, scheme):
        """As on a screen of that size, in a "light" or "dark" scheme."""
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                       deviceScaleFactor=1, mobile=False)
        self._devtools("Emulation.setEmulatedMedia",
                       features=[{"name": "prefers-color-scheme", "value": scheme}])

    def without_scripts(self):
        """Of pages; what a test asks is still answered."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=True)

    def open(self, url):
        self._ask("POST", "/url", {"url": url})

    def evaluate(self, expression):
        return self._ask("POST", "/execute/sync", {"script": "return " + expression, "args": []})

    def text(self):
        return self.evaluate("document.body.innerText")

    def replace(self, old, new):
        """In every text of the page."""
        self._ask("POST", "/execute/sync", {"script": """
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
              const text = texts.currentNode;
              text.data = text.data.replaceAll(arguments[0], arguments[1]);
            }""", "args": [old, new]})

    def click(self, selector):
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        self._ask("POST", "/element/%s/click" % found[ELEMENT], {})

    def complaints(self):
        """What the console says of the page: a policy that was violated, above all."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})
                if "favicon" not in entry["message"]]

    def picture(self, path):
        """Of the whole page."""
        size = self.evaluate("[document.documentElement.scrollWidth,"
                             " document.documentElement.scrollHeight]")
        shot = self._devtools("Page.captureScreenshot", captureBeyondViewport=True,
                              clip={"x": 0, "y": 0, "width": size[0], "height": size[1],
                                    "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self._ask("DELETE", "")
        except (Failure, OSError):
            pass  # it is ended in any case
        self.driver.terminate()
        self.driver.wait(10)
        shutil.rmtree(self.profile, ignore_errors=True)
