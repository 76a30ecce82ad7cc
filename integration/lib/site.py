"""The Django site of the demo under walwrap, on a loopback port, and clients that post to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from .harness import APPS, Failure, Skip, binary, cache_dir

SITE = APPS / "django_site"
PACKAGES = ["Django>=5,<6", "gunicorn>=23,<24"]


def python_with_django():
    """A virtual environment in the cache, made on first use."""
    python = cache_dir() / "demo-venv" / "bin" / "python3"
    ready = cache_dir() / "demo-venv" / ".ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(python.parent.parent)],
                       check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet",
                        "--disable-pip-version-check", *PACKAGES], check=True)
        ready.touch()
    return str(python)


def python_or_skip():
    try:
        return python_with_django()
    except (subprocess.CalledProcessError, OSError) as error:
        raise Skip("Django and gunicorn cannot be installed: %s" % error) from None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Site:
    """Two gunicorn workers under walwrap; `directory` is all of this host's disk."""

    def __init__(self, python, directory, replica, grace="10s", source=SITE):
        self.port, self.directory = free_port(), directory
        self.log_path = directory.parent / (directory.name + ".log")
        database = directory / "db.sqlite3"
        command = [
            binary(), "--db", str(database), "--replica", "file://%s" % replica, "--grace", grace,
            "--", "sh", "-c", '"$0" manage.py migrate --verbosity 0 && exec "$0" -m gunicorn'
            ' --workers 2 --bind "127.0.0.1:$1" --log-level warning'
            ' --graceful-timeout 5 wsgi',
            python, str(self.port)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("WALWRAP_")}
        env.update(SITE_DB=str(database), PYTHONDONTWRITEBYTECODE="1")
        self.started = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, cwd=source, env=env, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def wait_until_it_answers(self, seconds=30):
        """The seconds from exec to the first answer."""
        while time.monotonic() - self.started < seconds:
            if self.process.poll() is not None:
                break
            try:
                self.get_notes()
                return time.monotonic() - self.started
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        raise Failure("the site does not answer; its log ends: %s"
                      % self.log_path.read_text()[-2000:])

    def get_notes(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/notes")
            return json.loads(connection.getresponse().read())["notes"]
        finally:
            connection.close()

    def terminate(self):
        """SIGTERM; returns the exit status and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        return status, time.monotonic() - started

    def kill(self):
        """For the end of a failed run: walwrap takes the app with it on TERM, or is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Clients:
    """Threads that post numbered notes as fast as the site takes them, until it goes away."""

    def __init__(self, port, label, threads=4):
        self.port, self.label = port, label
        self.acknowledged = []  # texts answered with 201
        self.refused = 0        # answered otherwise, before the stop
        self.stopping = False
        self.threads = [threading.Thread(target=self.run, args=(number,))
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, thread):
        number = 0
        while not self.stopping:
            number += 1
            text = "%s, thread %d, note %d" % (self.label, thread, number)
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("POST", "/notes", body=text)
                if connection.getresponse().status == 201:
                    self.acknowledged.append(text)
                else:
                    self.refused += 1
                connection.close()
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # the site is going away: this note was not acknowledged

    def end(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        return self.acknowledged
