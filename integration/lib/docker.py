"""A docker daemon of our own: started for a test, on a socket and a data directory of ours.

Its images stay in the cache directory, so that a second run does not build them again. It has no
bridge and touches no firewall rule; containers run with the host's network or none.
"""

import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from .harness import Skip, cache_dir

START_SECONDS = 30


def must_be_possible():
    for program in ("dockerd", "docker"):
        if not shutil.which(program):
            raise Skip("%s is not installed (apt-get install docker.io)" % program)
    if os.geteuid() != 0:
        raise Skip("dockerd needs root")


class Daemon:
    """dockerd, until stop(). One at a time on a machine: the data directory is locked."""

    def __init__(self, run):
        must_be_possible()
        self.run = run
        self.lock = open(cache_dir() / "docker.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        # Deep in a temporary directory a socket's path could grow too long for the kernel.
        self.socket = "unix://%s" % run.path("docker.sock")
        if not any(self._start(driver) for driver in ("overlay2", "vfs")):
            self.lock.close()
            raise Skip("dockerd does not run here: %s" % self._last_words())

    def _start(self, driver):
        root = cache_dir() / ("docker-%s" % driver)
        with open(self.run.path("dockerd.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--host", self.socket, "--data-root", str(root),
                 "--exec-root", str(self.run.path("docker-run")),
                 "--pidfile", str(self.run.path("docker.pid")), "--storage-driver", driver,
                 "--bridge=none", "--iptables=false", "--ip6tables=false"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self.run.environment())
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.docker("info", check=False).returncode == 0:
                return True
            time.sleep(0.1)
        self._end()
        return False

    def _end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _last_words(self):
        text = self.run.path("dockerd.log").read_text(errors="replace")
        failures = re.findall(r"^failed to start daemon.*$|level=(?:error|fatal).*$", text, re.M)
        return (failures or text.splitlines() or ["it says nothing"])[-1][:300]

    def stop(self):
        self._end()
        # A network namespace of containers without a network stays mounted.
        ours = str(self.run.dir) + "/"
        for line in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(ours):
                subprocess.run(["umount", line.split()[1]], check=True)
        self.lock.close()

    def docker(self, *arguments, check=True, timeout=900):
        env = self.run.environment({"DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0"})
        done = subprocess.run(["docker", *map(str, arguments)], env=env, capture_output=True,
                              text=True, timeout=timeout)
        if check and done.returncode != 0:
            said = done.stdout[-1500:] + done.stderr[-1500:]  # a failed build says why in either
            raise RuntimeError("docker %s: %s" % (arguments[0], said))
        return done

    def start_at(self, terminal, *arguments):
        """A docker command at a terminal, as a person would type it; a process."""
        return subprocess.Popen(["setsid", "--ctty", "docker", *map(str, arguments)],
                                stdin=terminal, stdout=terminal, stderr=terminal,
                                env=self.run.environment({"DOCKER_HOST": self.socket}))

    def has_image(self, name):
        return self.docker("image", "inspect", name, check=False).returncode == 0

    def make_base(self, name):
        """A Debian base image under the name a Dockerfile asks for, without any registry."""
        if self.has_image(name):
            return
        if not shutil.which("debootstrap"):
            raise Skip("no image %s, and debootstrap is not installed to make it" % name)
        suite = re.search(r"bookworm|trixie|bullseye", name)
        if "debian" not in name or not suite:
            raise Skip("no image %s, and it is not one that debootstrap can make" % name)
        tree = self.run.path("base")
        subprocess.run(["debootstrap", "--variant=minbase", suite.group(), str(tree)],
                       check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(["tar", "-C", str(tree), "--exclude=./dev/*",
                               "--exclude=./var/cache/apt/archives/*.deb", "-cf", "-", "."],
                              stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", name], stdin=tar.stdout, check=True,
                           stdout=subprocess.DEVNULL,
                           env=self.run.environment({"DOCKER_HOST": self.socket}))
        shutil.rmtree(tree)

    def build(self, tag, dockerfile, context):
        """Builds; the base images that it names are made first."""
        text = dockerfile.read_text()
        stages = set(re.findall(r"^FROM\s+\S+\s+AS\s+(\S+)", text, re.M | re.I))
        for name in re.findall(r"^FROM\s+(\S+)", text, re.M | re.I):
            if name not in stages and name != "scratch":
                self.make_base(name)
        self.docker("build", "--network", "host", "-t", tag, "-f", dockerfile, context)
