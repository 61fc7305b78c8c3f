"""The workloads and their goals."""

import json
import time
from contextlib import ExitStack
from functools import partial

from . import databases, many_nodes, servers
from .instructions import instructions
from .load import background, counted, first_line, measure
from .machine import BUILT, run
from .requests import GARBAGE, LOGIN, MALFORMED, SESSION, probe
from .results import Goal, Series, times
from .rounds import add, in_turn
from .servers import APP_ID, CLIENT_CORE, OURS


def limits(database, request, tokens):
    """Returns the bare frameworks, which send the same body as our server."""
    with servers.wechat() as wechat, servers.ours(database, wechat.port) as server:
        body, _ = probe(server.ready(), request, first_line(tokens))
    return {f"bare {name}": partial(bare, name, request.status, body) for name in ("actix", "axum")}


def bare(name, status, body, _wechat):
    """Starts a bare framework, which does not use WeChat."""
    return servers.limit(name, status, body)


def session_check(pace):
    """`GET /session` with one of 100 000 live tokens, access log on"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    peers = databases.filled_peer(tokens)
    series = in_turn(pace, {
        "Express": partial(servers.peer, "express", peers),
        "Fastify": partial(servers.peer, "fastify", peers),
        OURS: partial(servers.ours, database),
        **limits(database, SESSION, tokens),
    }, SESSION, tokens)
    goals = [("Express", 12), ("Fastify", 4), ("bare actix", 0.7)]
    return series.values(), [times("session check", series[OURS], series[other], goal) for other, goal in goals]


def login(pace):
    """`POST /login`, each with a new code that the simulator exchanges, durable before the response"""
    _, tokens = databases.filled(pace.sessions, pace.sessions)
    series = in_turn(pace, {
        "Express": lambda wechat: servers.peer("express", databases.empty("express"), wechat),
        "Fastify": lambda wechat: servers.peer("fastify", databases.empty("fastify"), wechat),
        OURS: lambda wechat: servers.ours(databases.empty("ours"), wechat),
    }, LOGIN, tokens)
    goals = [("Express", 5), ("Fastify", 3)]
    return series.values(), [times("login", series[OURS], series[other], goal) for other, goal in goals]


def rejection(pace):
    """`POST /login` with malformed JSON; `GET /session` with a garbage token"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    all_series, goals = [], []
    for request, name in [(MALFORMED, "malformed JSON"), (GARBAGE, "garbage token")]:
        series = in_turn(pace, {OURS: partial(servers.ours, database), **limits(database, request, tokens)}, request, tokens)
        goals.append(times(name, series[OURS], series["bare actix"], 0.85))
        all_series += [Series(f"{name}: {one.name}", one.unit, one.figures, one.busy) for one in series.values()]
    return all_series, goals


def access_log(pace):
    """W1 with the access log on and off"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    series = in_turn(pace, {
        "log on": partial(servers.ours, database),
        "log off": partial(servers.ours, database, WEAPP_LOG__SKIP="/session"),
    }, SESSION, tokens)
    cost = 1 - series["log on"].median() / series["log off"].median()
    return series.values(), [Goal("access log", "costs at most 10 %", f"{cost * 100:.1f} %", cost <= 0.1)]


def memory(pace):
    """Resident size: idle, at its peak under W1 with 64 connections, and its growth from 1 to 10 million requests"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    idle, peak, growth = (Series(name, "MB") for name in ("idle", "peak", "growth"))
    with servers.wechat() as wechat, servers.ours(database, wechat.port) as server:
        server.ready()
        time.sleep(1)
        add(1, idle, server.resident_megabytes())
        first = after(server, tokens, pace.requests // 10, pace.seconds)
        last = after(server, tokens, pace.requests * 9 // 10, pace.seconds)
        add(1, growth, last - first)
        add(1, peak, server.resident_megabytes("VmHWM"))
    all_series = [idle, peak, growth]
    for name in ("express", "fastify"):
        with servers.wechat() as wechat, servers.peer(name, databases.filled_peer(tokens), wechat.port) as server:
            measure(server.ready(), SESSION, tokens, pace, connections=64)
            all_series.append(Series(f"{name.capitalize()}, peak", "MB"))
            add(1, all_series[-1], server.resident_megabytes("VmHWM"))
    return all_series, [
        Goal("memory, idle", "12 MB", f"{idle.median():.1f} MB", idle.median() <= 12),
        Goal("memory, peak", "24 MB", f"{peak.median():.1f} MB", peak.median() <= 24),
        Goal("memory, growth", "less than 1 MB", f"{growth.median():.2f} MB", growth.median() < 1),
    ]


def after(server, tokens, requests, seconds):
    """Returns the resident size after this many more session checks over 64 connections."""
    while requests > 0:
        requests -= counted(server, SESSION, tokens, seconds, connections=64)["requests"]
    return server.resident_megabytes()


def start(pace):
    """From the start of the process to the first 200, with 1 million sessions in the database"""
    database, tokens = databases.filled(pace.sessions * 10, 1_000)
    token = {"Authorization": f"Bearer {first_line(tokens)}"}
    series = {path: Series(f"first 200 of {path}", "ms") for path in ("/livez", "/session")}
    with servers.wechat() as wechat:
        for number in range(1, pace.rounds * 2 + 1):
            for path, one in series.items():
                with servers.ours(database, wechat.port) as server:
                    add(number, one, server.ready(path, token, pause=0.0005).seconds_up() * 1000)
    slower = max(one.median() for one in series.values())
    return series.values(), [Goal("start", "50 ms", f"{slower:.0f} ms", slower <= 50)]


def growth(pace):
    """W1 with 10 million and with 1 000 sessions in the database"""
    small, tokens = databases.filled(1_000, 1_000)
    large, _ = databases.filled(pace.grown, 1_000)
    few, many = "1 000 sessions", f"{pace.grown:,} sessions".replace(",", " ")
    series = in_turn(pace, {few: partial(servers.ours, small), many: partial(servers.ours, large)}, SESSION, tokens)
    kept = series[many].median() / series[few].median()
    return series.values(), [Goal("10 million sessions", "keeps 0.8", f"{kept:.2f}", kept >= 0.8)]


def writes(pace):
    """The store alone, `synchronous=FULL`, 64 concurrent logins"""
    series = {way: Series(name, "logins/s") for way, name in [("store", "store"), ("raw", "raw SQLite, commits of 64")]}
    for number in range(1, pace.rounds + 1):
        for way, one in series.items():
            result = run("taskset", "-c", "0,1", BUILT / "tools", "writes", way, databases.empty(way), APP_ID, pace.writes)
            result = json.loads(result)
            add(number, one, result["logins"] / result["seconds"])
    store, raw = (one.median() for one in series.values())
    reached = f"{store:,.0f}/s".replace(",", " ") + f", {store / raw:.2f} of raw SQLite"
    met = store >= 15_000 or store / raw >= 0.8
    return series.values(), [Goal("writes", "15 000 logins/s, or 0.8 of raw SQLite", reached, met)]


def tail(pace):
    """p99 of W1 at half its capacity while W2 runs"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    all_series = [Series("pace", "requests/s"), Series("median", "µs"), Series("p99", "µs"), Series("p99 / median", "×")]
    for number in range(1, pace.rounds + 1):
        with servers.wechat() as wechat, servers.ours(database, wechat.port) as server:
            capacity, _ = measure(server.ready(), SESSION, tokens, pace)
            with background(server, LOGIN, tokens, pace.seconds + 2):
                time.sleep(1)
                pacer = ["taskset", "-c", CLIENT_CORE, BUILT / "pace", server.port, tokens, capacity / 2, pace.seconds]
                result = json.loads(run(*pacer))
        for series, figure in zip(all_series, [capacity / 2, result["p50"], result["p99"], result["p99"] / result["p50"]], strict=True):
            add(number, series, figure)
    ratio = all_series[-1].median()
    return all_series, [Goal("tail", "p99 at most 5 × the median", f"{ratio:.1f} ×", ratio <= 5)]


def slow_wechat(pace):
    """W1 while every exchange at WeChat takes 2 s and 1 000 logins wait"""
    database, tokens = databases.filled(pace.sessions, pace.sessions)
    delay = {"endpoint": "/sns/jscode2session", "fault": {"kind": "delay", "milliseconds": 2000}, "always": True}
    # Longer than the default of 3 s, because wrk and the simulator share a busy core.
    timeout = {"WEAPP_WECHAT__TIMEOUT_MILLISECONDS": 8_000}
    alone, waiting = Series("W1 alone", "requests/s"), Series("W1, 1 000 logins waiting", "requests/s")
    for number in range(1, pace.rounds + 1):
        for series in (alone, waiting):
            with servers.wechat() as wechat, servers.ours(database, wechat.port, **timeout) as server, ExitStack() as stack:
                server.ready()
                if series is waiting:
                    wechat.send("POST", "/simulator/faults", body=json.dumps(delay))
                    stack.enter_context(background(server, LOGIN, tokens, pace.warm_up + pace.seconds + 3, connections=1_000))
                    time.sleep(1)
                add(number, series, *measure(server, SESSION, tokens, pace))
    kept = waiting.median() / alone.median()
    return [alone, waiting], [Goal("slow WeChat", "keeps 0.9 of W1", f"{kept:.2f}", kept >= 0.9)]


WORKLOADS = {
    "W1": session_check,
    "W2": login,
    "W3": rejection,
    "W4": access_log,
    "W5": memory,
    "W6": start,
    "W7": growth,
    "W8": writes,
    "W9": tail,
    "W10": slow_wechat,
    "W11": many_nodes.session_check,
    "W12": many_nodes.two_nodes,
    "W13": many_nodes.login,
    "W14": many_nodes.revocation,
    "W15": many_nodes.failover,
    "W16": many_nodes.database_time,
    "W17": many_nodes.idle,
    "instructions": instructions,
}
