"""The log on a full disk, and on a non-blocking pipe that is read late."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import Server, check, finish, wait_until

# All lines of these requests fit into the server's queue of 1 MiB.
FEW = 2_000
# The lines of these do not.
MANY = 20_000
WHOLE = re.compile(r"GET /n/\d{5} 404 \d+ - \d+\.\d{3} ms|\S+Z (INFO|WARN) .*|weapp-login .*")
DROPPED = re.compile(r"WARN .* (\d+) log lines were dropped")


def flood(server, numbers):
    """Requests a path of its own for each number, on one connection."""
    with server.connect() as connection:
        replies = connection.makefile("rb")
        for start in range(numbers.start, numbers.stop, 50):
            batch = range(start, min(start + 50, numbers.stop))
            connection.sendall(b"".join(b"GET /n/%05d HTTP/1.1\r\nhost: a\r\n\r\n" % number for number in batch))
            for _ in batch:
                length = 0
                while (line := replies.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                replies.read(length)


def examine(server, numbers):
    """Returns the numbers of lines that are not whole, that are missing, and that were reported as dropped."""
    lines = server.log_text().splitlines()
    broken = sum(WHOLE.fullmatch(line) is None for line in lines)
    # Each request has a line of the access log, and one with the reason of its rejection.
    there = sum(line.startswith("GET /n/") or " 404 not_found " in line for line in lines)
    dropped = sum(int(found[1]) for line in lines if (found := DROPPED.search(line)))
    return broken, 2 * len(numbers) - there, dropped


def settle(server):
    """Waits until the log has not grown for a second."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < 1:
        if (now := server.log.stat().st_size) != size:
            size, since = now, time.monotonic()
        time.sleep(0.05)


def fill(folder):
    """Fills the disk of a folder."""
    with open(folder / "filler", "wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass


def full_disk(folder, requests, name):
    """Fills the log's disk, sends requests, and frees it."""
    server = Server(WEAPP_LOG__FORMAT="tiny")
    server.log = folder / "log.txt"
    with server:
        flood(server, range(100))
        fill(folder)
        flood(server, range(100, requests))
        time.sleep(0.5)
        (folder / "filler").unlink()
        settle(server)
        broken, missing, dropped = examine(server, range(requests))
        check(f"{name}: lines cut or joined", "0", broken, lambda lines: lines == 0)
        if requests == FEW:
            check(f"{name}: lines lost of {2 * requests}", "0", missing, lambda lines: lines == 0)
        else:
            check(f"{name}: lines lost of {2 * requests}", f"= reported ({dropped})", missing, lambda lines: lines == dropped > 0)
    server.log.unlink()


def late_reader():
    """Reads a non-blocking pipe only after all requests."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    is_reading = threading.Event()
    is_reading.set()
    server = Server(WEAPP_LOG__FORMAT="tiny", stdout=writing)

    def copy():
        with open(server.log, "ab", buffering=0) as log:
            while chunk := os.read(reading, 1000):
                log.write(chunk)
                is_reading.wait()

    threading.Thread(target=copy, daemon=True).start()
    with server:
        os.close(writing)
        is_reading.clear()
        flood(server, range(FEW))
        is_reading.set()
        settle(server)
        broken, missing, _ = examine(server, range(FEW))
        check("non-blocking pipe: lines cut or joined", "0", broken, lambda lines: lines == 0)
        check(f"non-blocking pipe: lines lost of {2 * FEW}", "0", missing, lambda lines: lines == 0)


def small_disk():
    """Runs with the log on a disk of 8 MB, if this user may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="hostile-disk-"))
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True)
    if mount.returncode != 0:
        print("full disk | | not measured: mounting a tmpfs needs root | ok")
        folder.rmdir()
        return
    try:
        full_disk(folder, FEW, "full disk")
        full_disk(folder, MANY, "full disk for long")
    finally:
        subprocess.run(["umount", folder], check=True)
        shutil.rmtree(folder)


small_disk()
late_reader()
finish()
