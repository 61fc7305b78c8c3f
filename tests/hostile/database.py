"""Faults of a PostgreSQL database: it stands still, crashes, loses the reply to a commit, has no connections and no room left, and its
clock differs. None makes a node reject a live session or lose a confirmed login, and the log has the cause."""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from cluster import Database, Proxy, free_port
from faults import Faults, statuses
from harness import Server, check, finish, new_code, wait_until

ROUNDS, CLIENTS, SEED = 20, 4, 20261127


def log_in(code=None, **headers):
    """Logs a user in and returns the status and the token."""
    status, _, text = node.request("POST", "/login", {"code": code or new_code()}, headers)
    return status, json.loads(text)["data"]["token"] if status == 200 else None


def recover(message):
    """Waits until all connections are there again, and returns the seconds."""
    def is_answering():
        status, token = log_in()
        return status == 200 and statuses(node, [token])[0] == 200 and node.get("/readyz")[0] == 200

    return wait_until(is_answering, 10, message)


def check_log(text):
    wait_until(lambda: text in node.log_text(), 2, f"`{text}` is not in the log")
    check("the cause in the log", text, text, bool)


def stand_still():
    token = log_in()[1]
    database.signal(signal.SIGSTOP)
    found, slowest, stopped = set(), 0, time.monotonic()
    while time.monotonic() - stopped < 4:
        start = time.monotonic()
        found |= {statuses(node, [token])[0], node.get("/readyz")[0]}
        slowest = max(slowest, time.monotonic() - start)
    login = log_in()[0]
    database.signal(signal.SIGCONT)
    took = recover("no login after SIGCONT")
    check("sessions and /readyz while the database stands still", "503", found, lambda found: found == {503})
    check("login while the database stands still", "503", login, lambda status: status == 503)
    check("slowest reply meanwhile, s", "<= 4", slowest, lambda seconds: seconds <= 4)
    check("login and /readyz after SIGCONT, s", "<= 2", took, lambda seconds: seconds <= 2)
    check("session afterwards", "200", statuses(node, [token])[0], lambda status: status == 200)


def crash():
    """Kills all processes of the database while users log in."""
    rng, confirmed, found, done = random.Random(SEED), [], [], threading.Event()

    def log_in_and_check():
        while not done.is_set():
            status, token = log_in()
            if token:
                confirmed.append(token)
            if confirmed:
                found.append(statuses(node, [rng.choice(confirmed)])[0])

    clients = [threading.Thread(target=log_in_and_check) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(ROUNDS):
        done.wait(rng.uniform(0.1, 0.4))
        database.kill()
        database.start()
        recover("no login after a crash of the database")
    done.set()
    for client in clients:
        client.join()
    check(f"logins around {ROUNDS} crashes", "> 100", len(confirmed), lambda count: count > 100)
    check("checks meanwhile", "200 or 503", set(found), lambda found: found == {200, 503})
    lost = sum(status != 200 for status in statuses(node, confirmed))
    check("confirmed logins that were lost", "0", lost, lambda count: count == 0)


def doubt():
    """Loses the reply to the commit of a login. The same login again finds its session."""
    for round in range(5):
        code, key = new_code(), {"Idempotency-Key": secrets.token_hex(8)}
        sessions = int(database.ask("SELECT count(*) FROM session"))
        proxy.lost.clear()
        proxy.loses_commits = True
        replies = []
        login = threading.Thread(target=lambda: replies.append(log_in(code, **key)))
        login.start()
        assert proxy.lost.wait(5), "no login was sent"
        wait_until(lambda: int(database.ask("SELECT count(*) FROM session")) == sessions + 1, 5, "it was not committed")
        proxy.loses_commits = False
        proxy.cut()
        login.join()
        found.append(replies[0][0])
        status, token = log_in(code, **key)
        again.append(status)
        lives.append(statuses(node, [token])[0] if token else None)
        created.append(int(database.ask("SELECT count(*) FROM session")) - sessions)
    check("login whose reply was lost", "503", set(found), lambda found: found == {503})
    check("the same login again", "200", set(again), lambda again: again == {200})
    check("its session", "200", set(lives), lambda lives: lives == {200})
    check("sessions that it has created", "1", set(created), lambda created: created == {1})


found, again, lives, created = [], [], [], []


def use_all_connections():
    token = log_in()[1]
    port, proxy.target = proxy.target, free_port()
    proxy.cut()
    others = [subprocess.Popen(database.command("SELECT pg_sleep(60)"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
              for _ in range(2 * CONNECTIONS)]
    try:
        is_full = lambda: "too many clients" in subprocess.run(database.command("SELECT 1"), capture_output=True, text=True).stderr
        wait_until(is_full, 10, "there are connections left")
        proxy.target = port
        time.sleep(1.5)
        status, _, _ = node.request("GET", "/session", headers={"Authorization": f"Bearer {token}"})
        ready, login = node.get("/readyz")[0], log_in()[0]
    finally:
        for other in others:
            other.kill()
            other.wait()
    check("session, /readyz and login without a free connection", "503", {status, ready, login}, lambda it: it == {503})
    check_log("too many clients")
    check("login afterwards, s", "<= 2", recover("no login after that"), lambda seconds: seconds <= 2)
    check("session afterwards", "200", statuses(node, [token])[0], lambda status: status == 200)


CONNECTIONS = 12


def fill_disk(folder):
    """Fills the disk that has the tables."""
    confirmed, filler = [log_in()[1]], Path(folder, "filler")
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(8192)):
                pass
        except OSError:
            pass
    status = 200
    for _ in range(2000):
        status, token = log_in()
        if status != 200:
            break
        confirmed.append(token)
    check("login on a full disk", "503", status, lambda status: status == 503)
    check("sessions meanwhile", "all 200", set(statuses(node, confirmed[-300:])), lambda found: found == {200})
    check_log("No space left on device")
    filler.unlink()
    check("login after there was room again, s", "<= 2", recover("no login"), lambda seconds: seconds <= 2)
    check("sessions afterwards", "all 200", set(statuses(node, confirmed)), lambda found: found == {200})


with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    database = Database(folder, "data")
    database.create()
    try:
        database.start(f"max_connections={CONNECTIONS}", "client_connection_check_interval=100")
        proxy = Proxy(database.port)
        url = database.url.replace(f":{database.port}/", f":{proxy.port}/")
        (Path(folder) / "node").mkdir()
        faults = Faults(Path(folder) / "node")
        with Server(WEAPP_STORE__URL=url, **faults.settings) as node:
            stand_still()
            doubt()
            use_all_connections()
            crash()
            faults.set(clock_seconds=7)
            wait_until(lambda: node.get("/readyz")[0] == 503, 5, "the node is ready with a wrong clock")
            check_log("s ahead of the database's")
            faults.set()
            wait_until(lambda: node.get("/readyz")[0] == 200, 5, "the node is not ready with the right clock")
    finally:
        if database.is_running():
            database.kill()

folder = tempfile.mkdtemp(prefix="hostile-disk-")
mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", folder]
if subprocess.run(mount, capture_output=True).returncode != 0:
    os.rmdir(folder)
    print("full disk | SKIPPED: this user cannot mount a tmpfs; run it as root", flush=True)
    # CI sets it: there, nothing may be skipped.
    sys.exit(1 if os.environ.get("WEAPP_HOSTILE_ALL") else 0)
try:
    # The log of transactions is elsewhere, because PostgreSQL stops if it has no room for that.
    with tempfile.TemporaryDirectory(prefix="hostile-") as other:
        database = Database(other, "unused")
        database.data = Path(folder) / "data"
        subprocess.run(["chmod", "777", folder], check=True)
        database.create(f"--waldir={other}/wal")
        try:
            database.start()
            with Server(WEAPP_STORE__URL=database.url) as node:
                fill_disk(folder)
        finally:
            if database.is_running():
                database.kill()
finally:
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)
finish()
