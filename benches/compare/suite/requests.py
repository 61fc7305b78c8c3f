"""The requests that are sent, and what each must be answered.

Knows the bytes of both. Never knows which server answers, or how fast.
"""

import itertools
import re
import socket
from dataclasses import dataclass

from .machine import Refused

DATE = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"'
ID = r'"[0-9a-f-]{32,36}"'


@dataclass(frozen=True)
class Request:
    """One kind of request; the status and the body that must come back, as a pattern of Python's and one of Lua's."""

    work: str
    status: int
    body: str
    lua: str


def success(work, data, lua):
    """A request that does what was asked."""
    before = '{"code":0,"message":"success!","data":'
    return Request(work, 200, before + data + "}", f"^{before}{lua}}}$")


def refused(work, status, error):
    """A request that is refused under this name, whatever the sentence."""
    pattern = rf'{{"code":{status},"error":"{error}","message":"[^"]+"(,"request_id":"[0-9a-f]+")?}}'
    return Request(work, status, pattern, f'^{{"code":{status},"error":"{error}",.*}}$')


SESSION = success(
    "session",
    rf'{{"session":{{"created_at":{DATE},"ends_at":{DATE},"expires_at":{DATE}}},"user":{{"id":{ID},"created_at":{DATE}}}}}',
    '{"session":{"created_at":".*},"user":{"id":".*}}',
)
LOGIN = success(
    "login",
    rf'{{"token":"wxs_[\w-]{{48}}","expires_in":604800,"user":{{"id":{ID},"is_new":true}}}}',
    '{"token":"wxs_.*,"is_new":true}}',
)
MALFORMED = refused("malformed", 400, "malformed_json")
GARBAGE = refused("garbage", 401, "session_required")

# Where the next one who sends login codes begins: none sends so many.
COUNTER = itertools.count(100_000_000, 100_000_000)


def written(request, token):
    """The bytes, as load.lua writes them too."""
    if request.work in ("session", "garbage"):
        token = token if request.work == "session" else "wxs_" + "garbage0" * 6
        head, body = f"GET /session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}", ""
    else:
        body = '{"code":"00000000000000000000000000000000"'
        if request.work == "login":
            body = f'{{"code":"{next(COUNTER):032d}"}}'
        head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def probe(server, request, token):
    """Sends one request and judges the whole reply; its body, and how many bytes the reply has in all."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(written(request, token))
        reply = b""
        while not is_whole(reply):
            part = connection.recv(65536)
            if not part:
                raise Refused(f"{server.name} broke off its answer to {request.work}: {reply!r}")
            reply += part
    head, body = reply.decode().split("\r\n\r\n", 1)
    if not head.startswith(f"HTTP/1.1 {request.status} ") or not re.fullmatch(request.body, body):
        raise Refused(f"{server.name} answered {request.work} with {head}\n\n{body}")
    return body, len(reply)


def is_whole(reply):
    """Whether the reply has the length that it says."""
    head, found, body = reply.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(found and length) and len(body) >= int(length[1])
