"""Real S3 servers on loopback: MinIO and Ceph RGW, plain and over TLS, ended by pid.

Each is started for a test script and shared by its cases, which have a bucket each. Their data lie
in a temporary directory; what is expensive to build stays in the cache directory.
"""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading

from .harness import Skip, at_end, cache_dir, wait_until
from .s3_replica import S3Replica

MINIO_MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def go_program(name, module):
    """A program that `go install` builds, kept in the cache directory."""
    program = cache_dir() / "bin" / name
    if program.exists():
        return program
    go = shutil.which("go")
    if not go:
        raise Skip("%s is not built, and there is no go to build it with" % name)
    version = re.search(r"go(\d+)\.(\d+)", subprocess.run(
        [go, "version"], capture_output=True, text=True, check=True).stdout)
    if tuple(map(int, version.groups())) < (1, 24):
        raise Skip("%s needs go 1.24 to be built; this is %s" % (name, version.group()))
    done = subprocess.run([go, "install", module], capture_output=True, text=True,
                          env={**os.environ, "GOBIN": str(program.parent)})
    if done.returncode != 0:
        raise Skip("%s cannot be built here: %s" % (name, done.stderr.strip()[-200:]))
    return program


def make_ca(directory):
    """A CA of our own and a certificate for 127.0.0.1: (ca, certificate, key)."""
    ca, ca_key, cert, key, request = (directory / name for name in (
        "ca.crt", "ca.key", "public.crt", "private.key", "request.csr"))

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca_key, "-out", ca,
            "-days", "2", "-subj", "/CN=walwrap test CA")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
            "-subj", "/CN=127.0.0.1")
    extensions = directory / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-out", cert, "-days", "2", "-extfile", extensions)
    return ca, cert, key


class Server:
    """What every server has: an address, keys, perhaps a CA, and processes to end."""

    KEY_ID, SECRET = "walwraptest", "walwraptestsecret"
    READY = "/"  # what answers less than 500 once the server is ready

    def __init__(self, tls):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="walwrap-s3-"))
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.ca_file = None
        if tls:
            self.ca_file, self.certificate, self.key = make_ca(self.directory)
        self.processes = []
        self.buckets = 0

    def spawn(self, command, name, env=None):
        with open(self.directory / (name + ".out"), "ab") as out:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out, env=env, start_new_session=True)
        self.processes.append(process)
        return process

    def answers(self):
        try:
            if self.ca_file:
                context = ssl.create_default_context(cafile=str(self.ca_file))
                connection = http.client.HTTPSConnection(self.address, timeout=2, context=context)
            else:
                connection = http.client.HTTPConnection(self.address, timeout=2)
            with contextlib.closing(connection):
                connection.request("GET", self.READY)
                return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False

    def wait(self):
        try:
            wait_until(self.answers, START_SECONDS, "%s to answer" % type(self).__name__)
        except BaseException:
            self.stop()  # nobody else knows of it yet
            raise

    def new_bucket(self):
        self.buckets += 1
        return "bucket-%d" % self.buckets

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Minio(Server):
    READY = "/minio/health/cluster"

    def __init__(self, tls=False):
        program = go_program("minio", MINIO_MODULE)
        super().__init__(tls)
        certs = self.directory / "certs"
        certs.mkdir()
        if tls:
            shutil.copy(self.certificate, certs)
            shutil.copy(self.key, certs)
        self.command = [program, "server", "--quiet", "--address", self.address, "--certs-dir",
                        certs, self.directory / "data"]
        self.env = {**os.environ, "MINIO_ROOT_USER": self.KEY_ID, "MINIO_BROWSER": "off",
                    "MINIO_ROOT_PASSWORD": self.SECRET, "HOME": str(self.directory)}
        self.spawn(self.command, "minio", self.env)
        self.wait()


class Http2(Minio):
    """MinIO behind a TLS end that prefers HTTP/2, as it does not do itself."""

    def __init__(self):
        if not shutil.which("nghttpx"):
            raise Skip("nghttpx is not installed (apt-get install nghttp2-proxy)")
        super().__init__()
        behind, self.port = self.port, free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.ca_file, self.certificate, self.key = make_ca(self.directory)
        self.requests = self.directory / "requests"
        self.spawn(["nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1",
                    "--frontend=127.0.0.1,%d" % self.port,
                    "--backend=127.0.0.1,%d" % behind, "--accesslog-file=%s" % self.requests,
                    "--accesslog-format=$alpn", self.key, self.certificate], "nghttpx")
        self.wait()


class Rgw(Server):
    """Ceph's gateway with one monitor and one OSD in memory. Source of the configuration: the
    manuals of ceph-mon(8), ceph-osd(8) and radosgw(8) for release 16."""

    def __init__(self, tls=False):
        for program in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"):
            if not shutil.which(program):
                raise Skip("%s is not installed (apt-get install ceph-mon ceph-osd radosgw)"
                           % program)
        if os.geteuid() != 0:
            raise Skip("the Ceph daemons are started as root here")
        super().__init__(tls)
        self.env = {**os.environ, "CEPH_CONF": str(self.directory / "conf")}
        self.monitor_port = free_port()
        self._write_configuration()
        self._start()

    def _write_configuration(self):
        d = self.directory
        for name in ("mon", "osd", "rgw", "run", "log"):
            (d / name).mkdir()
        self.fsid = pathlib.Path("/proc/sys/kernel/random/uuid").read_text().strip()
        listen = "endpoint=127.0.0.1:%d" % self.port
        if self.ca_file:
            listen = ("ssl_endpoint=127.0.0.1:%d ssl_certificate=%s ssl_private_key=%s"
                      % (self.port, self.certificate, self.key))
        (d / "conf").write_text(f"""[global]
fsid={self.fsid}
mon host=v2:127.0.0.1:{self.monitor_port}/0
public addr=127.0.0.1
keyring={d}/keyring
run dir={d}/run
admin socket={d}/run/$name.asok
pid file={d}/run/$name.pid
log file={d}/log/$name.log
osd pool default size=1
osd pool default min size=1
osd crush chooseleaf type=0
osd pool default pg num=8
osd pool default pg autoscale mode=off
mon allow pool size one=true
mon max pg per osd=2000
mon data avail crit=1
osd objectstore=memstore
memstore device bytes=4294967296
osd class load list=*
osd class default list=*
[client.rgw]
rgw frontends=beast {listen}
rgw data={d}/rgw
rgw dns name=localhost
""")

    def _run(self, *command, **more):
        done = subprocess.run([str(word) for word in command], env=self.env, capture_output=True,
                              text=True, timeout=120, **more)
        if done.returncode != 0:
            raise Skip("%s does not run here: %s" % (command[0], done.stderr.strip()[-200:]))
        return done.stdout.strip()

    def _start(self):
        d, keyring = self.directory, self.directory / "keyring"
        self._run("ceph-authtool", "-C", keyring, "--gen-key", "-n", "mon.", "--cap", "mon",
                  "allow *")
        for name in ("client.admin", "client.rgw", "osd.0"):
            self._run("ceph-authtool", keyring, "--gen-key", "-n", name, "--cap", "mon", "allow *",
                      "--cap", "osd", "allow *")
        self._run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a",
                  "[v2:127.0.0.1:%d]" % self.monitor_port, d / "map")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", d / "map", "--keyring", keyring,
                  "--mon-data", d / "mon")
        self.spawn(["ceph-mon", "-f", "-i", "a", "--mon-data", d / "mon"], "mon", self.env)
        osd = pathlib.Path("/proc/sys/kernel/random/uuid").read_text().strip()
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd, "--osd-data", d / "osd")
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        self.spawn(["ceph-osd", "-f", "-i", "0", "--osd-data", d / "osd"], "osd", self.env)
        self.spawn(["radosgw", "-f", "-n", "client.rgw"], "rgw", self.env)
        self.wait()
        self._run("radosgw-admin", "user", "create", "--uid=test", "--display-name=test",
                  "--access-key=" + self.KEY_ID, "--secret-key=" + self.SECRET)


KINDS = {"minio": lambda: Minio(), "minio-tls": lambda: Minio(tls=True),
         "rgw": lambda: Rgw(), "rgw-tls": lambda: Rgw(tls=True)}
OTHERS = {"http2": lambda: Http2()}  # for cases of their own
_shared, _lock = {}, threading.Lock()


def shared(kind):
    """The server of that kind that all cases of this script use: started by the first, ended with
    the script. Skip: it does not run here, for every case that asks."""
    with _lock:
        if kind not in _shared:
            try:
                _shared[kind] = {**KINDS, **OTHERS}[kind]()
                at_end(_shared[kind].stop)
            except Skip as skip:
                _shared[kind] = skip
        if isinstance(_shared[kind], Skip):
            raise _shared[kind]
        return _shared[kind]


def fresh_replica(kind, via=None):
    """A replica in a new bucket of that server."""
    server = shared(kind)
    with _lock:
        bucket = server.new_bucket()
    replica = S3Replica(server, bucket, via=via)
    replica.client.create_bucket()
    return replica
