"""Requests by wrk, and the judgement on what came back.

Knows what each request is to be answered. Never knows which server answers, or what the figures are for.
"""

import itertools
import json
import re
import socket
import statistics
import subprocess
from dataclasses import dataclass

from .machine import COMPARE, Refused
from .servers import CLIENT_CORE

CONNECTIONS = 32
COUNTER = itertools.count(1)
# So many new codes may one call of wrk send.
CODES_PER_CALL = 100_000_000

DATE = r'"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ"'
ID = r'"[0-9a-f-]{32,36}"'
SESSION = (rf'{{"code":0,"message":"success!","data":{{"session":{{"created_at":{DATE},"ends_at":{DATE},'
           rf'"expires_at":{DATE}}},"user":{{"id":{ID},"created_at":{DATE}}}}}}}')
LOGIN = (r'{"code":0,"message":"success!","data":{"token":"wxs_[\w-]{48}","expires_in":604800,'
         rf'"user":{{"id":{ID},"is_new":true}}}}}}')


def refusal(code, error):
    """A refusal of this name, whatever its sentence."""
    return rf'{{"code":{code},"error":"{error}","message":"[^"]+"(,"request_id":"[0-9a-f]+")?}}'


@dataclass(frozen=True)
class Request:
    """One kind of request, and what must come back: a status and a body, as a pattern of Python's and one of Lua's."""

    work: str
    status: int
    body: str
    lua: str


SESSIONS = Request("session", 200, SESSION, '^{"code":0,"message":"success!","data":{"session":{"created_at":".*"}}}$')
LOGINS = Request("login", 200, LOGIN, '^{"code":0,"message":"success!","data":{"token":"wxs_.*"is_new":true}}}$')
MALFORMED = Request("malformed", 400, refusal(400, "malformed_json"), '^{"code":400,"error":"malformed_json",.*}$')
GARBAGE = Request("garbage", 401, refusal(401, "session_required"), '^{"code":401,"error":"session_required",.*}$')


def raw(request, token):
    """The bytes that load.lua sends."""
    host = "HTTP/1.1\r\nHost: localhost\r\n"
    if request.work in ("session", "garbage"):
        token = token if request.work == "session" else "wxs_" + "garbage0" * 6
        return f"GET /session {host}Authorization: Bearer {token}\r\n\r\n".encode()
    code = f"{next(COUNTER) * CODES_PER_CALL:032d}"
    body = '{"code":"00000000000000000000000000000000"' if request.work == "malformed" else f'{{"code":"{code}"}}'
    return f"POST /login {host}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def probe(server, request, token):
    """Sends one request and judges the whole reply; its body, and how many bytes the reply has in all."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw(request, token))
        reply = b""
        while not (whole := re.match(rb"HTTP/1\.1 (\d+) [^\0]*?content-length: (\d+)[^\0]*?\r\n\r\n", reply, re.I)) or \
                len(reply) < whole.end() + int(whole[2]):
            part = connection.recv(65536)
            if not part:
                break
            reply += part
    if not whole:
        raise Refused(f"{server.name} answered {request.work} with {reply!r}")
    status, body = int(whole[1]), reply[whole.end():].decode()
    if status != request.status or not re.fullmatch(request.body, body):
        raise Refused(f"{server.name} answered {request.work} with {status} {body}")
    return body, len(reply)


def wrk(server, request, tokens, seconds, connections=CONNECTIONS, check=None):
    """Lets wrk send requests as fast as they are answered; what it counted."""
    arguments = [request.work, next(COUNTER) * CODES_PER_CALL, tokens]
    if check is not None:
        arguments += ["check", request.status, check, request.lua]
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", COMPARE / "load.lua", f"http://127.0.0.1:{server.port}", "--", *arguments]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Refused(f"wrk against {server.name}: {done.stdout}{done.stderr}") from error


def measure(server, request, tokens, warm_up, seconds, connections=CONNECTIONS):
    """Requests a second: after a warm-up in which every reply is read, and with the number, status and length of all.

    A reply of the wrong status is counted by wrk, and one of another length shows in the number of bytes.
    """
    token = first_line(tokens)
    body, size = probe(server, request, token)
    warm = wrk(server, request, tokens, warm_up, connections, check=len(body))
    if warm["wrong"] or warm["broken"]:
        raise Refused(f"{server.name}, {request.work}: {warm}")
    busy = server.busy_seconds()
    counted = wrk(server, request, tokens, seconds, connections)
    busy = server.busy_seconds() - busy
    judge(server, request, counted, size, connections)
    probe(server, request, token)
    took = counted["microseconds"] / 1e6
    return {"per_second": counted["requests"] / took, "busy": busy / took, "p50": counted["p50"], "p99": counted["p99"]}


def judge(server, request, counted, size, connections):
    """Refuses figures of which a part is no reply, or not the right one."""
    requests, refused = counted["requests"], counted["refused"]
    right = requests if request.status >= 400 else 0
    # The last reply of each connection may have come in part.
    whole = requests * size <= counted["bytes"] <= (requests + connections) * size
    if counted["broken"] or refused != right or not whole:
        raise Refused(f"{server.name}, {request.work}: replies of {size} bytes, and {counted}")


def first_line(file):
    """The first token of a file."""
    with open(file, encoding="ascii") as lines:
        return lines.readline().strip()


def median(figures):
    """The middle one."""
    return statistics.median(figures)
