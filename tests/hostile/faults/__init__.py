"""Injects faults into a server: `Faults(folder).settings` are settings of a `Server`, `set` changes the faults while it runs.

    faults = Faults(folder)
    with Server(folder=folder, **faults.settings) as server:
        faults.set(sync_errno=errno.EIO)

`faults.c` is compiled with `cc`.
"""

import mmap
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
SECTOR = 512
DAY = 24 * 3600


class Faults:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.data, self.durable = self.folder / "data", self.folder / "durable"
        self.durable.mkdir()
        library, control = self.folder / "faults.so", self.folder / "faults"
        subprocess.run(["cc", "-O1", "-Wall", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        with open(control, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.settings = {"LD_PRELOAD": library, "FAULTS_CONTROL": control, "FAULTS_DURABLE": self.durable}

    def set(self, clock_seconds=0, read_errno=0, write_errno=0, sync_errno=0, ignores_sync=0):
        """Sets the faults from now on. What is not named works."""
        self.control[:24] = struct.pack("qiiii", clock_seconds, read_errno, write_errno, sync_errno, ignores_sync)

    def cut_power(self, server, rng=random):
        """Kills the server and leaves on the disk what would survive a power failure: what was synced, and of each other sector
        either the old or the new content."""
        server.stop(how=9)
        for file in self.data.iterdir():
            if file.name.endswith("-shm"):
                file.unlink()
                continue
            kept, now = self.durable / file.name, file.read_bytes()
            old = kept.read_bytes() if kept.exists() else b""
            length = rng.choice([len(old), len(now)])
            sectors = [(now if rng.random() < 0.5 else old)[start:start + SECTOR] for start in range(0, length, SECTOR)]
            torn = b"".join(sector.ljust(SECTOR, b"\0") for sector in sectors)
            file.write_bytes(torn[:length])
            shutil.copy(file, kept)


def database(server):
    """Opens the database of a server."""
    return sqlite3.connect(server.folder / "data/weapp.db", timeout=20)


def trust_clock(server):
    """Lets the database of a server that is stopped have had a plausible clock for three days."""
    now = int(time.time() * 1000)
    with database(server) as connection:
        changed = connection.execute("UPDATE clock SET since = ?, latest = ?", (now - 3 * DAY * 1000, now)).rowcount
    assert changed == 1


def statuses(server, tokens):
    """Returns the status of `GET /session` for each token."""
    return [server.get("/session", headers={"Authorization": f"Bearer {token}"})[0] for token in tokens]
