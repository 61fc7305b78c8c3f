"""Databases with so many live sessions, kept between runs.

Knows how they are filled and kept fresh. Never knows what is asked of them.
"""

import sqlite3
import time

from .machine import BUILT, PEERS, WORK, run
from .servers import APP_ID

# Sessions end after three idle days, and a use is noted if the last is an hour old: neither may happen under a measurement.
DAY = 24 * 3600
LIFETIME = 7 * DAY


def filled(sessions, known):
    """Our database with so many sessions, and the file with the tokens of `known` of them."""
    tokens = WORK / f"tokens-{known}.txt"
    database = made(f"weapp-{sessions}-{known}.db", lambda part: run(BUILT / "tools", "seed", part, APP_ID, sessions, tokens, known))
    # Those of the tokens are the first rows, and nobody asks for the others.
    refresh(database, f"WHERE rowid <= {known}")
    return database, tokens


def filled_peer(tokens):
    """A peer's database with a session for each of these tokens."""
    database = made(f"peer-{tokens.stem}.db", lambda part: run("node", PEERS / "seed.js", part, tokens))
    refresh(database, "")
    return database


def empty(name):
    """A file for a new database."""
    return remove(WORK / f"empty-{name}.db")


def made(name, fill):
    """The database of this name; filled anew if there is none, or an old one."""
    database = WORK / name
    if not database.exists() or age(database) > DAY:
        part = remove(database.with_suffix(".part"))
        fill(part)
        part.rename(remove(database))
    return database


def age(database):
    """How many seconds ago it was filled."""
    connection = sqlite3.connect(database)
    created_at = connection.execute("SELECT created_at FROM user LIMIT 1").fetchone()[0]
    connection.close()
    return time.time() - created_at / 1000


def remove(database):
    """Removes a database with its side files, if there is one."""
    for end in ["", "-wal", "-shm"]:
        database.with_name(database.name + end).unlink(missing_ok=True)
    return database


def refresh(database, which):
    """Lets the sessions have been used just now."""
    now = int(time.time() * 1000)
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(f"UPDATE session SET last_seen = ?, expires_at = ? {which}", (now, now + LIFETIME * 1000))
    connection.close()
