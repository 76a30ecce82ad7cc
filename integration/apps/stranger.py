"""Asks a Unix socket as a user who is nobody's; says how far that got, and what was answered.

curl calls a connection that is refused and one that is closed at once by the same name.
"""

import os
import socket
import sys

NOBODY = 65534

os.setgroups([])
os.setresgid(NOBODY, NOBODY, NOBODY)
os.setresuid(NOBODY, NOBODY, NOBODY)
client = socket.socket(socket.AF_UNIX)
try:
    client.connect(sys.argv[1])
    print("connected")
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    print(client.recv(100).decode(), end="")
except (BrokenPipeError, ConnectionResetError):
    pass  # closed, before or after the request went
except OSError as error:
    print(type(error).__name__)
