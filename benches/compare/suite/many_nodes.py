"""The workloads with PostgreSQL: one node, two nodes, and a failover."""

import contextlib
import json
import socket
import threading
import time
from functools import partial

from . import databases, servers
from .load import CONNECTIONS, counted, start_wrk, wait_for, warm_up
from .machine import BUILT, Failed, run
from .postgres import Cluster
from .requests import LOGIN, SESSION, is_complete
from .results import Goal, Series, times
from .rounds import add, in_turn

SQLITE, EXACT, BOUNDED = "SQLite", "stale 0", "stale 1000"
PEERS = ["express-session", "better-auth"]


def ours(url, wechat, stale=0):
    """Starts a node whose checks may rely on a poll of that many milliseconds ago."""
    return servers.ours(url, wechat, WEAPP_STORE__STALE_MILLISECONDS=stale)


def session_check(pace):
    """W1 on SQLite and on PostgreSQL; express-session with connect-pg-simple, and Better Auth"""
    with Cluster() as cluster:
        database, tokens = databases.filled(pace.sessions, pace.sessions)
        url, _ = cluster.filled(pace.sessions)
        peers = {name: partial(servers.postgres_peer, name, *cluster.filled_peer(name, pace.sessions)) for name in PEERS}
        series = in_turn(pace, {
            SQLITE: partial(servers.ours, database),
            EXACT: partial(ours, url),
            BOUNDED: partial(ours, url, stale=1000),
            **peers,
        }, SESSION, tokens)
    goals = [(EXACT, SQLITE, 0.5), (BOUNDED, SQLITE, 0.9)]
    return series.values(), [times(f"session check, {one}", series[one], series[other], goal) for one, other, goal in goals]


def two_nodes(pace):
    """One node against two on the same core: requests, and processor time of the nodes and of PostgreSQL per request"""
    all_series, goals = [], []
    with Cluster() as cluster:
        url, tokens = cluster.filled(pace.sessions)
        for request, name in [(SESSION, "check"), (LOGIN, "login")]:
            cost = {}
            for count in (1, 2):
                nodes = f"{count} node{'s' if count > 1 else ''}"
                rate, node, database = (Series(f"{name}, {nodes}{of}", unit) for of, unit in [
                    ("", "requests/s"), (": nodes", "µs"), (": PostgreSQL", "µs")])
                for number in range(1, pace.rounds + 1):
                    figures = shared_load(pace, cluster, url, count, request, tokens)
                    for series, figure in zip([rate, node, database], figures, strict=True):
                        add(number, series, figure)
                all_series += [rate, node, database]
                cost[count] = node.median() + database.median()
            ratio = cost[2] / cost[1]
            goals.append(Goal(f"{name} on two nodes", "costs at most 1.2 × the processor time", f"{ratio:.2f} ×", ratio <= 1.2))
    return all_series, goals


def shared_load(pace, cluster, url, count, request, tokens):
    """Returns the requests per second of all nodes, and the microseconds per request of the nodes and of PostgreSQL."""
    with contextlib.ExitStack() as stack:
        wechat = stack.enter_context(servers.wechat())
        nodes = [stack.enter_context(ours(url, wechat.port)).ready() for _ in range(count)]
        for node in nodes:
            warm_up(node, request, tokens, pace.warm_up, CONNECTIONS)
        busy = [sum(node.busy_seconds() for node in nodes), cluster.busy_seconds()]
        running = [start_wrk(node, request, tokens, pace.seconds, CONNECTIONS) for node in nodes]
        done = [wait_for(wrk) for wrk in running]
        if any(one["broken"] or one["rejected"] or not one["requests"] for one in done):
            raise Failed(f"{count} nodes, {request.name}: {done}")
        requests = sum(one["requests"] for one in done)
        spent = [sum(node.busy_seconds() for node in nodes) - busy[0], cluster.busy_seconds() - busy[1]]
        return sum(one["requests"] / one["microseconds"] * 1e6 for one in done), *(seconds / requests * 1e6 for seconds in spent)


def login(pace):
    """W2 on SQLite and on PostgreSQL, with the latency; express-session with connect-pg-simple, and Better Auth"""
    _, tokens = databases.filled(pace.sessions, pace.sessions)
    ratio = Series("PostgreSQL, p99 / median", "×")
    with Cluster() as cluster:
        contestants = {
            SQLITE: lambda wechat: servers.ours(databases.empty("ours"), wechat),
            "PostgreSQL": lambda wechat: ours(cluster.create("logins"), wechat),
        }
        for name in PEERS:
            contestants[name] = partial(empty_peer, cluster, name)
        series = {name: Series(name, "requests/s") for name in contestants}
        for number in range(1, pace.rounds + 1):
            for name, start in contestants.items():
                with servers.wechat() as wechat, start(wechat.port) as server:
                    warm_up(server.ready(), LOGIN, tokens, pace.warm_up, CONNECTIONS)
                    busy = server.busy_seconds()
                    done = counted(server, LOGIN, tokens, pace.seconds)
                    seconds = done["microseconds"] / 1e6
                    add(number, series[name], done["requests"] / seconds, (server.busy_seconds() - busy) / seconds)
                    if name == "PostgreSQL":
                        add(number, ratio, done["p99"] / done["p50"])
    reached = ratio.median()
    return [*series.values(), ratio], [
        times("login", series["PostgreSQL"], series[SQLITE], 0.5),
        Goal("login", "p99 at most 10 × the median", f"{reached:.1f} ×", reached <= 10),
    ]


def empty_peer(cluster, name, wechat):
    """Starts a peer on a new database."""
    return servers.postgres_peer(name, cluster.filled_peer(name, 1)[0], None, wechat)


class Client:
    """A connection that is kept open."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)

    def status(self, method, token):
        """Sends a request to `/session` and returns the status."""
        self.socket.sendall(f"{method} /session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        response = b""
        while not is_complete(response):
            part = self.socket.recv(65536)
            if not part:
                raise Failed(f"the connection was closed: {response!r}")
            response += part
        return int(response[9:12])


def for_each(tokens, a, b, check):
    """Runs `check` with each token and with connections to both nodes, on as many threads as wrk has connections."""
    results, failures, waiting = [], [], iter(tokens)

    def thread():
        try:
            clients = Client(a), Client(b)
            # A list's iterator is thread-safe: each token is used once.
            for token in waiting:
                results.append(check(token, *clients))
        except (OSError, Failed) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=thread) for _ in range(CONNECTIONS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if failures or len(results) != len(tokens):
        raise Failed(f"{len(results)} of {len(tokens)} tokens were checked: {failures[:1]}")
    return results


def late_acceptance(token, a, b):
    """Logs out on `a`. Returns the seconds after the response at which the last check was sent that `b` accepted, or -1."""
    if (b.status("GET", token), a.status("DELETE", token)) != (200, 200):
        raise Failed("a session is missing before its logout")
    ended, latest = time.monotonic(), -1
    while latest <= 5:
        sent = time.monotonic()
        status = b.status("GET", token)
        if status != 200:
            break
        latest = sent - ended
        time.sleep(0.001)
    if status not in (200, 401):
        raise Failed(f"a check after the logout: {status}")
    return latest


def revocation(pace):
    """A session is used on `b` and logged out on `a`, and then checked on `b`"""
    all_series, goals = [], []
    with Cluster() as cluster:
        url, file = cluster.filled(pace.sessions)
        tokens = file.read_text().split()
        bounded = tokens[:max(CONNECTIONS, pace.sessions // 300)]
        for stale, share in [(1000, bounded), (0, tokens[len(bounded):])]:
            with servers.wechat() as wechat, ours(url, wechat.port, stale) as a, ours(url, wechat.port, stale) as b:
                latest = for_each(share, a.ready(), b.ready(), late_acceptance)
            accepted, name = sum(late >= 0 for late in latest), f"stale {stale}, {len(share):,} logouts".replace(",", " ")
            if stale:
                series = Series(f"{name}: latest 200", "ms after the logout")
                add(1, series, max(0, *latest) * 1000)
                goals.append(Goal("latest 200 after a logout, stale 1000", "1 s", f"{series.median():.0f} ms", series.median() <= 1000))
            else:
                series = Series(f"{name}: 200 after the logout", "checks")
                add(1, series, accepted)
                goals.append(Goal("200 after a logout, stale 0", "none", f"{accepted}", accepted == 0))
            all_series.append(series)
    return all_series, goals


def failover(pace):
    """From a new primary that accepts writes to the first login and the first session check, with a synchronous standby"""
    series = {name: Series(f"first {name}", "ms") for name in ("login", "check")}
    for number in range(1, pace.failovers + 1):
        with Cluster() as first, Cluster(first) as second, servers.wechat() as wechat:
            with ours(first.url("postgres", second), wechat.port) as node:
                token = json.loads(send_login(node.ready())[1])["data"]["token"]
                first.kill()
                second.promote()
                writes = time.monotonic()
                attempts = {
                    "check": lambda: node.send("GET", "/session", {"Authorization": f"Bearer {token}"}),
                    "login": lambda: send_login(node),
                }
                for name, attempt in attempts.items():
                    while (reply := attempt())[0] != 200:
                        if reply[0] != 503 or time.monotonic() - writes > 20:
                            raise Failed(f"{name} after the failover: {reply}")
                        time.sleep(0.005)
                    add(number, series[name], (time.monotonic() - writes) * 1000)
    slowest = max(max(one.figures) for one in series.values())
    return series.values(), [Goal("failover", "first 200 within 2 s", f"{slowest:.0f} ms at most", slowest <= 2000)]


def send_login(node):
    """Sends a login with a new code."""
    code = f"{time.monotonic_ns():032d}"
    return node.send("POST", "/login", {"Content-Type": "application/json"}, json.dumps({"code": code}))


def database_time(pace):
    """PostgreSQL's processor time per session check with 64 connections, and per SELECT of a session's status with 64 callers"""
    check, select = Series("per check", "µs"), Series("per SELECT", "µs")
    with Cluster() as cluster:
        url, tokens = cluster.filled(pace.sessions)
        for number in range(1, pace.rounds + 1):
            with servers.wechat() as wechat, ours(url, wechat.port) as server:
                warm_up(server.ready(), SESSION, tokens, pace.warm_up, 64)
                busy = cluster.busy_seconds()
                checks = counted(server, SESSION, tokens, pace.seconds, 64)["requests"]
                add(number, check, (cluster.busy_seconds() - busy) / checks * 1e6)
            busy = cluster.busy_seconds()
            reads = json.loads(run("taskset", "-c", servers.SERVER_CORE, BUILT / "tools", "statuses", url, tokens, pace.seconds))["reads"]
            add(number, select, (cluster.busy_seconds() - busy) / reads * 1e6)
    ratio = check.median() / select.median()
    return [check, select], [Goal("PostgreSQL's time per check", "a quarter of a SELECT's", f"{ratio:.2f}", ratio <= 0.25)]


def idle(pace):
    """A node on PostgreSQL without requests: resident size, and polls"""
    size, polls = Series("idle", "MB"), Series("polls", "per second")
    with Cluster() as cluster:
        url = cluster.create("idle")
        cluster.ask("ALTER DATABASE idle SET log_min_duration_statement = 0")
        with servers.wechat() as wechat, ours(url, wechat.port) as node:
            node.ready()
            time.sleep(1)
            before, seconds = polled(cluster), 2 * pace.seconds
            time.sleep(seconds)
            add(1, polls, (polled(cluster) - before) / seconds)
            add(1, size, node.resident_megabytes())
    return [size, polls], [
        Goal("memory of an idle node", "16 MB", f"{size.median():.1f} MB", size.median() <= 16),
        Goal("polls of an idle node", "one a second", f"{polls.median():.1f}", polls.median() <= 1),
    ]


def polled(cluster):
    """Returns the number of polls in the server's log."""
    return cluster.log.read_text().count("pg_current_snapshot()")
