"""Floods of codes that WeChat rejects. They must not reach WeChat in numbers, stop the logins of others, or fill the store.

Before there were limits, 12,971 garbage codes, 3,750 phone number codes of one session and 3,878 ledger rows came through in 5 s.
"""

import json
import multiprocessing
import random
import sqlite3
import string
import time
from http.client import HTTPConnection

from harness import Server, check, finish, new_code

SECONDS = 5
SENDERS = 6
# The defaults of `[limits]`: what an address, a mini program and a user may do at once, and what is added during a run.
ADDRESS, APP, USER, ADDED = 300, 3_000, 30, 25


def text(alphabet, length):
    return "".join(random.choices(alphabet, k=length))


def garbage_code():
    """A code that it rejects."""
    return text(string.ascii_letters + string.digits, 31)


def forwarded_for():
    """The header of a proxy with a client of its own for each request."""
    return {"X-Forwarded-For": "6.6.6.6, 198." + ".".join(str(random.randrange(250)) for _ in range(3))}


def garbage_login(headers=lambda: {}):
    return lambda: ("/login", {"code": garbage_code()}, headers())


def flood(server, request, seconds=SECONDS, senders=SENDERS, source="127.0.0.1"):
    """Sends requests as fast as the server answers. Returns the number of replies by status."""
    queue = multiprocessing.Queue()
    arguments = (queue, server.port, request, seconds, source)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_send, args=arguments, daemon=True) for _ in range(senders)]
    for process in processes:
        process.start()
    statuses = {}
    for _ in processes:
        for status, count in queue.get(timeout=seconds + 30).items():
            statuses[status] = statuses.get(status, 0) + count
    return statuses


def _send(queue, port, request, seconds, source):
    random.seed()
    connection = HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    statuses, end = {}, time.monotonic() + seconds
    while time.monotonic() < end:
        path, body, headers = request()
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        response.read()
        statuses[response.status] = statuses.get(response.status, 0) + 1
    queue.put(statuses)


def reached_wechat(server, endpoint, outcome="rejected"):
    """Returns the number of calls with this outcome."""
    total = 0
    for line in server.get("/metrics")[2].splitlines():
        if line.startswith("weapp_platform_call_duration_seconds_count") and f'endpoint="{endpoint}"' in line:
            total += int(line.split()[-1]) if f'outcome="{outcome}"' in line else 0
    return total


def log_in(port, headers, source):
    """Logs a new user in and returns the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    connection.request("POST", "/login", json.dumps({"code": new_code()}), {"Content-Type": "application/json", **headers})
    return connection.getresponse().status


def one_client():
    """One address sends garbage codes, with and without Idempotency-Key, and with forged addresses, while others log in."""
    keyed = garbage_login(lambda: {"Idempotency-Key": garbage_code()})
    forged = garbage_login(forwarded_for)
    for name, request in (("garbage codes", garbage_login()), ("keyed garbage codes", keyed), ("forged addresses", forged)):
        with Server() as server:
            others = multiprocessing.get_context("fork").Pool(1)
            succeeded = others.apply_async(_others, (server.port,))
            statuses = flood(server, request)
            reached, sent = reached_wechat(server, "/sns/jscode2session"), sum(statuses.values())
            check(f"{name} of {sent} that reach WeChat", f"<= {ADDRESS + ADDED}", reached, lambda n: 0 < n <= ADDRESS + ADDED)
            check(f"{name}: replies that are neither 401 nor 429", "0", sent - statuses.get(401, 0) - statuses.get(429, 0), lambda n: n == 0)
            logins = succeeded.get(timeout=60)
            check(f"{name}: others' logins that succeed", "all", f"{logins.count(200)} of {len(logins)}", lambda _: set(logins) == {200})
            check(f"{name}: rows in the ledger", "0", ledger_rows(server), lambda rows: rows == 0)
            others.terminate()


def _others(port):
    """Logs in ten times per second from another address."""
    random.seed()
    statuses = []
    for _ in range(10 * (SECONDS - 1)):
        statuses.append(log_in(port, {}, "127.0.0.2"))
        time.sleep(0.1)
    return statuses


def ledger_rows(server):
    with sqlite3.connect(f"file:{server.folder}/data/weapp.db?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM ledger").fetchone()[0]


def many_clients():
    """Each request comes from an address of its own, through a trusted proxy. Users with a session can still log in."""
    limits = {"WEAPP_SERVER__TRUSTED_PROXIES": "127.0.0.1", "WEAPP_LIMITS__APP_REJECTIONS_PER_MINUTE": APP // 100}
    burst = APP // 10
    with Server(**limits) as server:
        token = server.login()
        statuses = flood(server, garbage_login(forwarded_for))
        reached, sent = reached_wechat(server, "/sns/jscode2session"), sum(statuses.values())
        check(f"garbage codes of {sent} clients that reach WeChat", f"<= {burst + ADDED}", reached, lambda n: 0 < n <= burst + ADDED)
        check("login of a user with a live session", "200", log_in(server.port, {"Authorization": f"Bearer {token}"}, "127.0.0.1"),
              lambda status: status == 200)


def one_session():
    """One session sends phone number codes that WeChat rejects."""
    with Server() as server:
        bearer = {"Authorization": f"Bearer {server.login()}"}
        statuses = flood(server, lambda: ("/user/phone", {"code": text("0123456789abcdef", 63)}, bearer))
        reached = reached_wechat(server, "/wxa/business/getuserphonenumber")
        sent = sum(statuses.values())
        check(f"phone number codes of {sent} of one session that reach WeChat", f"<= {USER + 5}", reached, lambda n: 0 < n <= USER + 5)
        # The access token.
        check("rows in the ledger", "<= 1", ledger_rows(server), lambda rows: rows <= 1)
        status, _, _ = server.request("GET", "/session", headers=bearer)
        check("session check of the same user", "200", status, lambda status: status == 200)


if __name__ == "__main__":
    one_client()
    many_clients()
    one_session()
    finish()
