"""Connections that send their first head at one byte per 3 seconds."""

import time

from harness import OtherClients, Server, check, finish, percentile, raise_descriptor_limit

CONNECTIONS = 900

raise_descriptor_limit()
with Server(WEAPP_LOG__FORMAT="tiny") as server, OtherClients(server) as others:
    usual = others.p99(3)
    others.start()
    connections = [server.connect() for _ in range(CONNECTIONS)]
    opened = time.monotonic()
    left = CONNECTIONS
    while left > 0 and time.monotonic() - opened < 20:
        for connection in connections:
            try:
                connection.send(b"G")
            except OSError:
                pass  # The server has closed it.
        time.sleep(3)
        left = max(0, server.connections_open() - 9)
    check("first heads: seconds until all connections are closed", "<= 15", time.monotonic() - opened, lambda seconds: seconds <= 15)
    p99, goal = percentile(others.since_start(), 99), max(2 * usual, usual + 25)
    check("first heads: others' p99, ms", f"<= {goal:.1f} (usually {usual:.1f})", p99, lambda p99: p99 <= goal)
finish()
