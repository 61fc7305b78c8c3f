"""Load by wrk, and the checks of the responses."""

import contextlib
import json
import subprocess

from .machine import COMPARE, Failed
from .requests import COUNTER, SESSION, probe
from .servers import CLIENT_CORE

CONNECTIONS = 32


def measure(server, request, tokens, pace, connections=CONNECTIONS):
    """Returns requests per second and the load of the server's core, after a warm-up that reads every response."""
    warm_up(server, request, tokens, pace.warm_up, connections)
    busy = server.busy_seconds()
    done = counted(server, request, tokens, pace.seconds, connections)
    seconds = done["microseconds"] / 1e6
    return done["requests"] / seconds, (server.busy_seconds() - busy) / seconds


def warm_up(server, request, tokens, seconds, connections):
    """Warms the server up, and compares the status, the length and the text of every response.

    Repeats until every token was sent once, so that all sessions are in the server's memory or in the page cache.
    """
    body, _ = probe(server, request, first_line(tokens))
    sent, wanted = 0, lines(tokens) if request is SESSION else 1
    while sent < wanted:
        done = wait_for(start_wrk(server, request, tokens, seconds, connections, check=len(body), offset=sent))
        if done["wrong"] or done["broken"] or not done["requests"]:
            raise Failed(f"{server.name}, {request.name}: {done}")
        sent += done["requests"]


def counted(server, request, tokens, seconds, connections=CONNECTIONS):
    """Returns wrk's counts. Fails unless every response had the right status and the total length is right."""
    _, size = probe(server, request, first_line(tokens))
    done = wait_for(start_wrk(server, request, tokens, seconds, connections))
    requests = done["requests"]
    rejected = requests if request.status >= 400 else 0
    # The last response of each connection may be incomplete.
    right_length = not server.has_fixed_length or requests * size <= done["bytes"] <= (requests + connections) * size
    if done["broken"] or done["rejected"] != rejected or not requests or not right_length:
        raise Failed(f"{server.name}, {request.name}: responses of {size} bytes, and {done}")
    probe(server, request, first_line(tokens))
    return done


@contextlib.contextmanager
def background(server, request, tokens, seconds, connections=CONNECTIONS):
    """Sends requests while the body of the `with` statement runs. Fails if a response was not a success."""
    running = start_wrk(server, request, tokens, seconds, connections)
    yield
    done = wait_for(running)
    if done["broken"] or done["rejected"] or not done["requests"]:
        raise Failed(f"{server.name}, {request.name} in the background: {done}")


def start_wrk(server, request, tokens, seconds, connections, check=None, offset=0):
    """Starts wrk on its core. `check` is the expected length of a response; tokens are then sent in order from `offset`."""
    arguments = [request.name, next(COUNTER), tokens]
    if check is not None:
        arguments += ["check", request.status, check, request.lua, offset]
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", COMPARE / "load.lua", f"http://127.0.0.1:{server.port}", "--", *arguments]
    return subprocess.Popen([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(running):
    """Returns wrk's counts, from the last line that load.lua prints."""
    output, _ = running.communicate()
    try:
        return json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Failed(f"wrk failed: {output}") from error


def lines(tokens):
    """Returns the number of tokens in a file."""
    with open(tokens, encoding="ascii") as file:
        return sum(1 for _ in file)


def first_line(tokens):
    """Returns the first token in a file."""
    with open(tokens, encoding="ascii") as file:
        return file.readline().strip()
