"""Thousands of connections that are slow in one phase: the first head, the next head, the body, or reading the reply.

Each phase is judged by the same three figures: the time until the server has closed them all, its memory, and the p99 of other clients.
"""

import socket
import sys
import time

from harness import OtherClients, Server, check, finish, percentile, raise_descriptor_limit

# Seconds between two bytes of a slow client.
PAUSE = 3
BUNDLE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
CHUNKED = b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def first_head(connection):
    pass


def next_head(connection):
    connection.sendall(LIVEZ)
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def slow_body(connection):
    connection.sendall(CHUNKED)


def half_head(connection):
    try:
        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-padding: " + b"a" * 100_000)
    except OSError:
        pass  # The server did not take all of it.


def half_body(connection):
    connection.sendall(b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    connection.setblocking(False)
    try:
        connection.send(b"[" + b"1," * 49_000)
    except OSError:
        pass


def slow_reader(connection):
    connection.sendall(BUNDLE)


# Name: number of connections, start, bytes that each sends every few seconds, bytes that it reads then, and the memory in MB.
PHASES = {
    "first heads": (5_000, first_head, b"G", 0, 64),
    "next heads": (5_000, next_head, b"G", 0, 64),
    "chunked bodies": (1_500, slow_body, b"1\r\n \r\n", 0, 64),
    "half heads of 100 KB": (5_000, half_head, b"", 0, 64),
    "half bodies of 100 KB": (1_500, half_body, b"", 0, 64),
    "readers of /docs": (5_000, slow_reader, b"", 1, 64),
}


def attack(server, others, name):
    count, begin, more, reads, memory = PHASES[name]
    usual, before = others.p99(2), server.memory()
    server.reset_peak()
    others.start()
    connections = []
    for number in range(count):
        if number % 125 == 0:
            # 1,250 new connections per second: the connections are the attack, and not their number per second.
            time.sleep(0.1)
        connection = server.connect()
        # A small window, so that the kernels take little of a reply that is not read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        begin(connection)
        connections.append(connection)
    opened = closed = time.monotonic()
    while server.connections_open() > others.connections and time.monotonic() - opened < 18:
        for connection in connections:
            connection.setblocking(False)
            try:
                if more:
                    connection.send(more)
                if reads:
                    connection.recv(reads)
            except OSError:
                pass  # The server has closed it.
        deadline = time.monotonic() + PAUSE
        while time.monotonic() < deadline and server.connections_open() > others.connections:
            time.sleep(0.1)
        closed = time.monotonic()
    latencies, grown = others.since_start(), server.peak_memory() - before
    for connection in connections:
        connection.close()
    goal = max(2 * usual, usual + 25)
    check(f"{count} {name}: seconds until all are closed", "<= 15", closed - opened, lambda seconds: seconds <= 15)
    check(f"{count} {name}: memory, MB", f"<= +{memory}", grown, lambda grown: grown <= memory)
    check(f"{count} {name}: p99 of others, ms", f"<= {goal:.1f} (usually {usual:.1f})", percentile(latencies, 99), lambda p99: p99 <= goal)
    check(f"{count} {name}: failed requests of others", "0", sum(value >= 10_000 for value in latencies), lambda failed: failed == 0)


raise_descriptor_limit()
for phase in PHASES:
    if sys.argv[1:] and sys.argv[1] not in phase:
        continue
    with Server() as server, OtherClients(server) as others:
        attack(server, others, phase)
finish()
