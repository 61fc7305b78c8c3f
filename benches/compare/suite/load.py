"""Requests by wrk, and the judgement on what came back.

Knows how wrk is started and what it counts. Never knows what the figures are for.
"""

import contextlib
import json
import subprocess

from .machine import COMPARE, Refused
from .requests import COUNTER, SESSION, probe
from .servers import CLIENT_CORE

CONNECTIONS = 32


def measure(server, request, tokens, pace, connections=CONNECTIONS):
    """Requests a second, and how busy the server's core was: after a warm-up in which every reply is read."""
    warm_up(server, request, tokens, pace.warm_up, connections)
    busy = server.busy_seconds()
    done = counted(server, request, tokens, pace.seconds, connections)
    took = done["microseconds"] / 1e6
    return done["requests"] / took, (server.busy_seconds() - busy) / took


def warm_up(server, request, tokens, seconds, connections):
    """Lets the server run warm, while the status, the length and the text of every reply are compared.

    As often as it takes to ask for each token: what a server then remembers, or has in its page cache, is all that it can.
    """
    body, _ = probe(server, request, first_line(tokens))
    asked, wanted = 0, lines(tokens) if request is SESSION else 1
    while asked < wanted:
        done = finished(started(server, request, tokens, seconds, connections, check=len(body), after=asked))
        if done["wrong"] or done["broken"] or not done["requests"]:
            raise Refused(f"{server.name}, {request.work}: {done}")
        asked += done["requests"]


def counted(server, request, tokens, seconds, connections=CONNECTIONS):
    """What wrk counted. Every reply had the right status, which wrk looks at, and the right length, which its bytes show."""
    _, size = probe(server, request, first_line(tokens))
    done = finished(started(server, request, tokens, seconds, connections))
    requests = done["requests"]
    refused = requests if request.status >= 400 else 0
    # The last reply of each connection may have come in part.
    all_right = requests * size <= done["bytes"] <= (requests + connections) * size
    if done["broken"] or done["refused"] != refused or not requests or not all_right:
        raise Refused(f"{server.name}, {request.work}: replies of {size} bytes, and {done}")
    probe(server, request, first_line(tokens))
    return done


@contextlib.contextmanager
def beside(server, request, tokens, seconds, connections=CONNECTIONS):
    """Sends requests while something else is done, and looks at the end whether all were answered as they should be."""
    running = started(server, request, tokens, seconds, connections)
    yield
    done = finished(running)
    if done["broken"] or done["refused"] or not done["requests"]:
        raise Refused(f"{server.name}, {request.work} beside: {done}")


def started(server, request, tokens, seconds, connections, check=None, after=0):
    """Starts wrk on its core. With `check`, the length that a reply must have, tokens come in turn, after so many of them."""
    arguments = [request.work, next(COUNTER), tokens]
    if check is not None:
        arguments += ["check", request.status, check, request.lua, after]
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", COMPARE / "load.lua", f"http://127.0.0.1:{server.port}", "--", *arguments]
    return subprocess.Popen([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finished(running):
    """What wrk counted, from the last line that load.lua prints."""
    said, _ = running.communicate()
    try:
        return json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Refused(f"wrk failed: {said}") from error


def lines(tokens):
    """How many tokens are in a file."""
    with open(tokens, encoding="ascii") as lines:
        return sum(1 for _ in lines)


def first_line(tokens):
    """The first token in a file."""
    with open(tokens, encoding="ascii") as lines:
        return lines.readline().strip()
