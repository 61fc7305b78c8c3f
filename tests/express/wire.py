"""Sends the exact bytes of a recorded case over a TCP connection and parses the HTTP/1.1 responses. Standard library only."""

import base64
import socket
import struct
import time
import zlib
from dataclasses import dataclass, field

SLICE = 1 << 16


@dataclass
class Response:
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def header(self, name):
        """Returns the first header of that name, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Incomplete(Exception):
    """More bytes are needed before the response can be parsed."""


def unpack(plain, compressed):
    return zlib.decompress(base64.b64decode(compressed)) if compressed is not None else base64.b64decode(plain or "")


def steps_of(case):
    """Returns the steps that send a case: ("send", bytes), ("wait", milliseconds), ("half_close", None), ("abort", None)."""
    if not case.get("raw_steps"):
        head = "".join(f"{name}: {value}\r\n" for name, value in case["headers"])
        head = f"{case['method']} {case['path']} HTTP/1.1\r\n{head}\r\n"
        return [("send", head.encode("latin-1") + unpack(case.get("body_b64"), case.get("body_zb64")))]
    steps = []
    for step in case["raw_steps"]:
        if "send_b64" in step or "send_zb64" in step:
            steps.append(("send", unpack(step.get("send_b64"), step.get("send_zb64"))))
        elif "wait_ms" in step:
            steps.append(("wait", step["wait_ms"]))
        elif step.get("half_close"):
            steps.append(("half_close", None))
        elif step.get("abort"):
            steps.append(("abort", None))
    return steps


def read_chunks(data, closed):
    """Returns the body of a chunked response and the bytes after it."""
    body = b""
    while True:
        size, end, rest = data.partition(b"\r\n")
        if not end:
            if closed:
                return body, b""
            raise Incomplete
        length = int(size.split(b";")[0], 16)
        if length == 0:
            trailer, end, rest = rest.partition(b"\r\n")
            if not end:
                raise Incomplete
            return body, rest
        if len(rest) < length + 2:
            if closed:
                return body + rest, b""
            raise Incomplete
        body, data = body + rest[:length], rest[length + 2:]


def parse(data, method, closed):
    """Returns the first final response in `data` and the bytes after it. Interim responses (1xx) are skipped."""
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            raise Incomplete
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[1].isdigit():
            return Response(-1, body=data), b""  # not HTTP
        response = Response(int(words[1]))
        for line in lines:
            name, _, value = line.partition(":")
            response.headers.append((name, value.strip()))
        if not 100 <= response.status < 200:
            break
        data = rest
    if method == "HEAD" or response.status in (204, 304):
        return response, rest
    if "chunked" in (response.header("transfer-encoding") or "").lower():
        response.body, rest = read_chunks(rest, closed)
        return response, rest
    length = response.header("content-length")
    if length is not None and len(rest) >= int(length):
        response.body, rest = rest[: int(length)], rest[int(length):]
        return response, rest
    if closed:
        response.body = rest
        return response, b""
    raise Incomplete


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.closed = False

    def send(self, steps):
        """Returns True if the case aborted the connection. Stops early when the server closes it."""
        try:
            for kind, value in steps:
                if kind == "send":
                    self.socket.settimeout(5)
                    for start in range(0, len(value), SLICE):
                        self.socket.sendall(value[start:start + SLICE])
                elif kind == "wait":
                    time.sleep(value / 1000)
                elif kind == "half_close":
                    self.socket.shutdown(socket.SHUT_WR)
                else:
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.socket.close()
                    return True
        except OSError:
            pass  # the server rejected the request while it was being sent
        return False

    def receive(self, seconds):
        self.socket.settimeout(max(0.005, min(0.25, seconds)))
        try:
            received = self.socket.recv(SLICE)
            self.data += received
            self.closed = not received
        except TimeoutError:
            pass
        except OSError:
            self.closed = True


def exchange(host, port, case, linger=0.06):
    """Sends a case and returns its responses: as many as it asks for, or those that arrived within its time limit."""
    wanted = case.get("n_responses", 1)
    methods = case.get("methods") or [case.get("method") or "POST"]
    connection = Connection(host, port)
    responses = []
    if connection.send(steps_of(case)):
        return responses
    deadline = time.monotonic() + case.get("timeout_ms", 2500) / 1000
    while len(responses) < wanted:
        method = methods[min(len(responses), len(methods) - 1)]
        try:
            response, connection.data = parse(connection.data, method, connection.closed)
            responses.append(response)
        except Incomplete:
            if connection.closed or time.monotonic() > deadline:
                break
            connection.receive(deadline - time.monotonic())
    # Gives the server time to finish its log line before the connection is closed.
    stop = time.monotonic() + linger
    while not connection.closed and time.monotonic() < stop:
        connection.receive(stop - time.monotonic())
    connection.socket.close()
    return responses
