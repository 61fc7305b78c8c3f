"""The lengths of the measurements, and rounds in which the servers take turns."""

from dataclasses import dataclass

from . import servers
from .load import measure
from .results import Series


@dataclass(frozen=True)
class Pace:
    """The number and the length of the measurements, and the sizes of the databases."""

    rounds: int = 5
    warm_up: int = 3
    seconds: int = 5
    sessions: int = 100_000
    grown: int = 10_000_000
    requests: int = 10_000_000
    writes: int = 60_000
    counted: int = 1_000
    failovers: int = 5


SHORT = Pace(rounds=1, warm_up=1, seconds=1, sessions=1_000, grown=10_000, requests=2_000, writes=1_000, counted=50, failovers=1)
REDUCED = Pace(rounds=1, warm_up=2, seconds=2, sessions=10_000, grown=100_000, requests=100_000, writes=10_000, counted=200, failovers=1)


def in_turn(pace, contestants, request, tokens):
    """Measures the servers in turn, round by round. Returns requests per second of each.

    `contestants` maps a name to a function that starts the server, given WeChat's port. Each round starts new processes.
    """
    series = {name: Series(name, "requests/s") for name in contestants}
    for number in range(1, pace.rounds + 1):
        for name, start in contestants.items():
            with servers.wechat() as wechat, start(wechat.port) as server:
                add(number, series[name], *measure(server.ready(), request, server.tokens or tokens, pace))
    return series


def add(number, series, figure, busy=None):
    """Adds a figure and prints it."""
    series.figures.append(figure)
    if busy is not None:
        series.busy.append(busy)
    print(f"  round {number}, {series.name}: {figure:,.1f} {series.unit}", flush=True)
