"""The requests and their expected responses."""

import itertools
import re
import socket
from dataclasses import dataclass

from .machine import Failed

DATE = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"'
ID = r'"[0-9a-f-]{32,36}"'


@dataclass(frozen=True)
class Request:
    """A kind of request, with the expected status and body: a Python pattern and a Lua pattern."""

    name: str
    status: int
    body: str
    lua: str


def success(name, data, lua):
    """Returns a request that succeeds with this data."""
    before = '{"code":0,"message":"success!","data":'
    return Request(name, 200, before + data + "}", f"^{before}{lua}}}$")


def rejected(name, status, error):
    """Returns a request that is rejected with this error, with any message."""
    pattern = rf'{{"code":{status},"error":"{error}","message":"[^"]+"(,"request_id":"[0-9a-f]+")?}}'
    return Request(name, status, pattern, f'^{{"code":{status},"error":"{error}",.*}}$')


SESSION = success(
    "session",
    rf'{{"session":{{"created_at":{DATE},"ends_at":{DATE},"expires_at":{DATE}}},"user":{{"id":{ID},"created_at":{DATE}}}}}',
    '{"session":{"created_at":".*},"user":{"id":".*}}',
)
LOGIN = success(
    "login",
    rf'{{"token":"wxs_[\w-]{{48}}","expires_in":604800,"idle_expires_in":259200,"user":{{"id":{ID},"is_new":true}}}}',
    '{"token":"wxs_.*,"is_new":true}}',
)
MALFORMED = rejected("malformed", 400, "malformed_json")
GARBAGE = rejected("garbage", 401, "session_required")

# The first login code of the next sender. No sender uses more codes than the step.
COUNTER = itertools.count(100_000_000, 100_000_000)


def encode(request, token):
    """Returns the bytes of a request, the same as in load.lua."""
    if request.name in ("session", "garbage"):
        token = token if request.name == "session" else "wxs_" + "garbage0" * 6
        head, body = f"GET /session HTTP/1.1\r\nHost: localhost\r\n{credentials(token)}", ""
    else:
        body = '{"code":"00000000000000000000000000000000"'
        if request.name == "login":
            body = f'{{"code":"{next(COUNTER):032d}"}}'
        head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def credentials(token):
    """Returns the header with a token or a cookie, as in load.lua."""
    return f"Cookie: {token}" if token.startswith("connect.sid=") else f"Authorization: Bearer {token}"


def probe(server, request, token):
    """Sends one request and checks the whole response. Returns its body and its length in bytes, with the head."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(encode(request, token))
        response = b""
        while not is_complete(response):
            part = connection.recv(65536)
            if not part:
                raise Failed(f"{server.name} closed the connection during {request.name}: {response!r}")
            response += part
    head, body = response.decode().split("\r\n\r\n", 1)
    if not head.startswith(f"HTTP/1.1 {request.status} ") or not re.fullmatch(request.body, body):
        raise Failed(f"{server.name} responded to {request.name} with {head}\n\n{body}")
    return body, len(response)


def is_complete(response):
    """Returns True if the response has as many bytes as its head announces."""
    head, found, body = response.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(found and length) and len(body) >= int(length[1])
