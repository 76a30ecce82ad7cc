"""A proxy before a real S3 server that counts, and that misbehaves to order.

It speaks HTTP/1.1 without TLS, passes every byte and the Host header through, so that signatures
hold, and knows operations by method and query. A Fault is armed for the nth operation of a kind,
for so many times; each request and what became of it is kept. The proxy runs on a thread of its
own; everything public may be called from any thread.
"""

import asyncio
import dataclasses
import re
import socket
import struct
import threading
import time
import urllib.parse

WRITES = {"PutObject", "UploadPart", "CreateMultipart", "CompleteMultipart", "AbortMultipart",
          "DeleteObject", "DeleteObjects"}
LIMIT = 64 << 20  # of one body


def kind_of(method, target):
    """The S3 operation that a request line asks for."""
    path, _, query = target.partition("?")
    names = urllib.parse.parse_qs(query, keep_blank_values=True)
    has_key = path.strip("/").count("/") >= 1
    if method == "PUT":
        return "UploadPart" if "partNumber" in names else (
            "PutObject" if has_key else "CreateBucket")
    if method == "GET":
        return "GetObject" if has_key and "list-type" not in names else "ListObjectsV2"
    if method == "HEAD":
        return "HeadObject"
    if method == "DELETE":
        return "AbortMultipart" if "uploadId" in names else "DeleteObject"
    if "uploads" in names:
        return "CreateMultipart"
    return "CompleteMultipart" if "uploadId" in names else "DeleteObjects"


@dataclasses.dataclass
class Seen:
    """One request: what it was, what it cost, what was done to it."""
    kind: str
    key: str
    conditional: bool        # If-None-Match: *
    sent: int = 0            # bytes of its body
    received: int = 0        # bytes of the answer's body
    status: int = 0          # of the answer that the client got; 0: none
    fault: str = ""
    at: float = dataclasses.field(default_factory=time.monotonic)


@dataclasses.dataclass
class Fault:
    """`name` is what happens (see FAULTS), to the nth operation of `kind` and those after it."""
    name: str
    kind: str = ""           # "": any
    nth: int = 1
    times: int = 1
    seen: int = 0
    done: int = 0

    def strikes(self, kind):
        if self.kind and self.kind != kind:
            return False
        self.seen += 1
        if self.seen < self.nth or self.done >= self.times:
            return False
        self.done += 1
        return True


def _error(status, code, extra=()):
    body = ("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>injected</Message></Error>"
            % code).encode()
    lines = ["HTTP/1.1 %d Injected" % status, "Content-Type: application/xml",
             "Content-Length: %d" % len(body), *extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


# Answers that the server is never asked for.
ANSWERS = {
    "500": _error(500, "InternalError"),
    "503": _error(503, "SlowDown"),
    "503-retry-after": _error(503, "SlowDown", ["Retry-After: 1"]),
    "403": _error(403, "AccessDenied"),
    "404": _error(404, "NoSuchKey"),
    "429": _error(429, "TooManyRequests"),
    "expired": _error(403, "ExpiredToken"),
    "wrong-xml": (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\n",
                  b"<html><p>welcome</p></html"),
}
FAULTS = (*ANSWERS, "reset-before", "reset-within", "reset-after", "truncated", "slow",
          "black-hole", "stale-list", "duplicate", "reordered")


class _Broken(Exception):
    """The connection is of no more use."""


async def _read_head(reader):
    """The bytes up to the empty line; empty at the end of the connection."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _header(head, name):
    found = re.search(rb"(?im)^" + name + rb":[ \t]*(.*?)[ \t]*\r$", head)
    return found.group(1).decode() if found else None


async def _read_body(reader, head, none=False):
    """A message's body as the wire has it, chunks and all."""
    if none:
        return b""
    if (_header(head, b"transfer-encoding") or "").lower() == "chunked":
        whole = b""
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            whole += line + await reader.readexactly(size + 2)
            if size == 0:
                return whole
    length = int(_header(head, b"content-length") or 0)
    return await reader.readexactly(min(length, LIMIT))


def _without_newest(body):
    """A listing from before its last object was put."""
    entries = list(re.finditer(rb"<Contents>.*?</Contents>", body, re.S))
    if not entries:
        return body
    newest = max(entries, key=lambda entry: re.search(rb"<LastModified>(.*?)<", entry[0])[1])
    return body[:newest.start()] + body[newest.end():]


def _dechunked(body):
    """The content of a chunked body."""
    content, rest = b"", body
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        content, rest = content + rest[:size], rest[size + 2:]
    return content


class HostileProxy:
    def __init__(self, upstream_port):
        self.upstream_port = upstream_port
        self.lock = threading.Lock()
        self.faults, self.seen = [], []
        self.down = None  # "refuse" or "black-hole": the store is away
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    # What a test calls.

    def arm(self, *faults):
        with self.lock:
            self.faults.extend(faults)

    def disarm(self):
        with self.lock:
            self.faults.clear()

    def requests(self):
        with self.lock:
            return list(self.seen)

    def forget(self):
        with self.lock:
            self.seen.clear()

    def struck(self):
        with self.lock:
            return sum(fault.done for fault in self.faults)

    def set_down(self, how):
        """None, "refuse" (every connection is reset) or "black-hole" (nothing is answered)."""
        with self.lock:
            self.down = how

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    # The rest runs on the proxy's thread.

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = self.server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    async def _close(self):
        self.server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, head):
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        seen = Seen(kind_of(method, target), urllib.parse.unquote(target.partition("?")[0]),
                    _header(head, b"if-none-match") == "*")
        with self.lock:
            self.seen.append(seen)
            fault = next((f for f in self.faults if f.strikes(seen.kind)), None)
            down = self.down
        seen.fault = fault.name if fault else ""
        return seen, down

    async def _serve(self, reader, writer):
        upstream = None
        try:
            while True:
                head = await _read_head(reader)
                if not head:
                    return
                seen, down = self._note(head)
                if down == "refuse" or seen.fault == "reset-before":
                    raise _Broken
                if down == "black-hole" or seen.fault == "black-hole":
                    seen.fault = seen.fault or "down"
                    await self._swallow(reader)
                    return
                body = await _read_body(reader, head)
                seen.sent = len(body)
                if upstream is None:
                    upstream = await self._connect()
                await self._exchange(seen, head, body, upstream, writer)
        except (_Broken, ConnectionError, asyncio.IncompleteReadError):
            self._reset(writer)
        except asyncio.CancelledError:
            pass
        finally:
            for end in (writer, upstream[1] if upstream else None):
                if end:
                    end.close()

    async def _connect(self):
        return await asyncio.open_connection("127.0.0.1", self.upstream_port, limit=1 << 20)

    @staticmethod
    def _reset(writer):
        raw = writer.get_extra_info("socket")
        if raw:  # an RST, as from a machine that has gone
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    @staticmethod
    async def _swallow(reader):
        """Until the client has had enough."""
        while await reader.read(65536):
            pass

    async def _exchange(self, seen, head, body, upstream, writer):
        if seen.fault in ANSWERS:
            return await self._send(seen, writer, *ANSWERS[seen.fault])
        if seen.fault == "reset-within":
            other = await self._connect()
            other[1].write(head + body[:len(body) // 2])
            await other[1].drain()
            self._reset(other[1])
            raise _Broken
        if seen.fault == "reordered":  # a later one overtakes it
            await asyncio.sleep(1)
        answer = await self._ask(upstream, seen, head, body)
        if seen.fault == "duplicate":  # delivered twice, and the second answer comes back
            other = await self._connect()
            answer = await self._ask(other, seen, head, body)
            other[1].close()
        if seen.fault == "reset-after":
            raise _Broken
        if seen.fault == "stale-list" and seen.kind == "ListObjectsV2":
            answer = self._stale(*answer)
        await self._send(seen, writer, *answer)

    @staticmethod
    async def _ask(upstream, seen, head, body):
        reader, writer = upstream
        writer.write(head + body)
        await writer.drain()
        answer = await _read_head(reader)
        while answer.startswith(b"HTTP/1.1 1"):
            answer = await _read_head(reader)
        if not answer:
            raise _Broken
        none = seen.kind == "HeadObject" or answer.split(b" ", 2)[1] in (b"204", b"304")
        return answer, await _read_body(reader, answer, none)

    @staticmethod
    def _stale(head, body):
        if (_header(head, b"transfer-encoding") or "").lower() == "chunked":
            body = _dechunked(body)
        body = _without_newest(body)
        head = re.sub(rb"(?i)\r\n(transfer-encoding|content-length):[^\r]*", b"", head)
        return head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body), body

    async def _send(self, seen, writer, head, body):
        seen.status, seen.received = int(head.split(b" ", 2)[1]), len(body)
        if seen.fault == "truncated" and body:
            writer.write(head + body[:len(body) // 2])
            await writer.drain()
            raise _Broken
        if seen.fault == "slow":
            writer.write(head)
            for start in range(0, len(body), 256):
                writer.write(body[start:start + 256])
                await writer.drain()
                await asyncio.sleep(0.25)
            return
        writer.write(head + body)
        await writer.drain()
