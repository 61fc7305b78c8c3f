"""Databases with live sessions, kept between runs."""

import sqlite3
import time

from .machine import BUILT, PEERS, WORK, run
from .servers import APP_ID

# A session expires after three idle days, and its last use is written once an hour. Neither may happen during a measurement.
DAY = 24 * 3600
LIFETIME = 7 * DAY


def filled(sessions, known):
    """Returns our database with that many sessions, and the file with the tokens of `known` of them."""
    tokens = WORK / f"tokens-{known}.txt"
    database = cached(f"weapp-{sessions}-{known}.db", lambda part: run(BUILT / "tools", "seed", part, APP_ID, sessions, tokens, known))
    # The sessions with a token are the first rows. No request uses the others.
    refresh(database, f"WHERE rowid <= {known}")
    return database, tokens


def filled_peer(tokens):
    """Returns a peer's database with one session per token."""
    database = cached(f"peer-{tokens.stem}.db", lambda part: run("node", PEERS / "seed.js", part, tokens))
    refresh(database, "")
    return database


def empty(name):
    """Returns the path of a new database."""
    return remove(WORK / f"empty-{name}.db")


def cached(name, fill):
    """Returns the database of this name. Fills it if it is missing or older than a day."""
    database = WORK / name
    if not database.exists() or age(database) > DAY:
        part = remove(database.with_suffix(".part"))
        fill(part)
        part.rename(remove(database))
    return database


def age(database):
    """Returns the seconds since the database was filled."""
    connection = sqlite3.connect(database)
    created_at = connection.execute("SELECT created_at FROM user LIMIT 1").fetchone()[0]
    connection.close()
    return time.time() - created_at / 1000


def remove(database):
    """Removes a database and its side files, if they exist."""
    for suffix in ["", "-wal", "-shm"]:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return database


def refresh(database, condition):
    """Sets the last use of the sessions to now."""
    now = int(time.time() * 1000)
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(f"UPDATE session SET last_seen = ?, expires_at = ? {condition}", (now, now + LIFETIME * 1000))
    connection.close()
