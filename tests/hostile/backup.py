"""A backup of a large database while users log in. SQLite's `.backup` starts again at each commit, so it may never end."""

import sqlite3
import threading
import time

from harness import Server, check, finish

SESSIONS = 300_000


def fill(file):
    """Adds sessions to the database of a server that is not running."""
    database = sqlite3.connect(file)
    database.executescript(f"""
        PRAGMA synchronous = OFF;
        BEGIN;
        INSERT INTO user (id, subject, openid, created_at)
            VALUES (zeroblob(16), zeroblob(32), zeroblob(60), 1800000000000);
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {SESSIONS})
        INSERT INTO session (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
            SELECT randomblob(32), randomblob(16), zeroblob(16), 'wx0123456789abcdef', 1800000000000, 1800604800000,
                   1800000000000, 'iPhone · WeChat 8.0.50 · iOS 17.1', randomblob(96) FROM number;
        COMMIT;
    """)
    database.close()
    return file.stat().st_size


with Server() as server:
    before = server.login()
    server.stop()
    size = fill(server.folder / "data/weapp.db")
    server.start()

    slowest, done = [0.0], threading.Event()

    def log_in():
        while not done.wait(0.2):
            start = time.monotonic()
            server.login()
            slowest[0] = max(slowest[0], time.monotonic() - start)

    logins = threading.Thread(target=log_in)
    logins.start()
    start = time.monotonic()
    status = server.run("store", "backup", "copy.db").returncode
    took = time.monotonic() - start
    done.set()
    logins.join()

    check("exit code of the backup", "0", status, lambda code: code == 0)
    check(f"backup of {size // 1_000_000} MB while five users log in per second, s", "< 30", took, lambda it: it < 30)
    check("slowest login meanwhile, s", "< 2", slowest[0], lambda it: it < 2)
    server.stop()
    copy = sqlite3.connect(server.folder / "copy.db")
    intact = copy.execute("PRAGMA integrity_check").fetchone()[0]
    check("integrity of the copy", "ok", intact, lambda it: it == "ok")
    count = copy.execute("SELECT count(*) FROM session").fetchone()[0]
    check("sessions in the copy", f"> {SESSIONS}", count, lambda it: it > SESSIONS)
    copy.close()
    for file in (server.folder / "data").iterdir():
        file.unlink()
    (server.folder / "copy.db").rename(server.folder / "data/weapp.db")
    server.start()
    status = server.get("/session", headers={"authorization": f"Bearer {before}"})[0]
    check("a session of before, after the restore", "200", status, lambda it: it == 200)
finish()
