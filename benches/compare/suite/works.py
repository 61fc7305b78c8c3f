"""The ten works of the comparison.

Knows what each work asks of whom, and what is to be reached. Never knows how figures are shown.
"""

from dataclasses import dataclass
from functools import partial

from . import databases, servers
from .load import GARBAGE, LOGINS, MALFORMED, SESSIONS, first_line, measure, median, probe
from .servers import OURS


@dataclass(frozen=True)
class Pace:
    """How long is measured, and how much there is in the databases."""

    rounds: int = 5
    warm_up: int = 3
    seconds: int = 8
    sessions: int = 100_000


FULL = Pace()
SHORT = Pace(rounds=1, warm_up=1, seconds=1, sessions=1_000)


def in_turn(pace, contestants, request, tokens):
    """Every contestant once, and all over again: the figures of each, round by round.

    A contestant is a name and a function that starts its server, given WeChat's port. Each time both are new processes.
    """
    rounds = {name: [] for name in contestants}
    for number in range(1, pace.rounds + 1):
        for name, start in contestants.items():
            with servers.wechat() as wechat, start(wechat.port) as server:
                figures = measure(server.ready(), request, tokens, pace.warm_up, pace.seconds)
            rounds[name].append(figures)
            print(f"  round {number}, {name}: {figures['per_second']:.0f}/s, {figures['busy']:.0%} busy", flush=True)
    return rounds


def reply_of_ours(database, request, tokens):
    """The body of our reply to this request."""
    with servers.wechat() as wechat, servers.ours(database, wechat.port) as server:
        return probe(server.ready(), request, first_line(tokens))[0]


def limit(name, request, body):
    """A bare framework with a fixed reply."""
    return lambda _wechat: servers.limit(name, request.status, body)


def at_least(rounds, other, goal, ours=OURS):
    """How many times as many requests a second as another, and whether that is enough."""
    per_second = {name: median([figures["per_second"] for figures in rounds[name]]) for name in (ours, other)}
    ratio = per_second[ours] / per_second[other]
    return {"against": other, "reached": ratio, "goal": goal, "met": ratio >= goal}


def session_check(pace):
    """W1: `GET /session` with a live token, the access log on."""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    peers = databases.filled_peer(tokens)
    body = reply_of_ours(database, SESSIONS, tokens)
    rounds = in_turn(pace, {
        "express": partial(servers.peer, "express", peers),
        "fastify": partial(servers.peer, "fastify", peers),
        OURS: partial(servers.ours, database),
        "actix": limit("actix", SESSIONS, body),
        "axum": limit("axum", SESSIONS, body),
    }, SESSIONS, tokens)
    return {"requests": rounds, "goals": [at_least(rounds, *goal) for goal in [("express", 12), ("fastify", 4), ("actix", 0.7)]]}


def login(pace):
    """W2: `POST /login` with a new code each, exchanged at the simulator, durable before the token is answered."""
    _, tokens = databases.filled(pace.sessions, pace.sessions)
    rounds = in_turn(pace, {
        "express": lambda wechat: servers.peer("express", databases.empty("express"), wechat),
        "fastify": lambda wechat: servers.peer("fastify", databases.empty("fastify"), wechat),
        OURS: lambda wechat: servers.ours(databases.empty("ours"), wechat),
    }, LOGINS, tokens)
    return {"requests": rounds, "goals": [at_least(rounds, *goal) for goal in [("express", 5), ("fastify", 3)]]}


def refusal(pace, request):
    """W3: what must never reach the store."""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    body = reply_of_ours(database, request, tokens)
    rounds = in_turn(pace, {
        OURS: partial(servers.ours, database),
        "actix": limit("actix", request, body),
        "axum": limit("axum", request, body),
    }, request, tokens)
    return {"requests": rounds, "goals": [at_least(rounds, "actix", 0.85)]}


WORKS = {
    "W1": session_check,
    "W2": login,
    "W3a": partial(refusal, request=MALFORMED),
    "W3b": partial(refusal, request=GARBAGE),
}
