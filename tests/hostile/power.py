"""The power fails while users log in: every login that was answered is there afterwards. A disk that ignores fsync shows that the
run would notice a loss."""

import random
import tempfile
import threading

from faults import Faults, database, statuses
from harness import Server, check, finish

ROUNDS, CLIENTS, SEED = 6, 4, 20261127


def fail_while_logging_in(server, faults, seconds, rng):
    """Logs users in, cuts the power, and returns the tokens that were answered."""
    confirmed, done = [], threading.Event()

    def log_in():
        while not done.is_set():
            try:
                confirmed.append(server.login())
            except (OSError, AssertionError):
                return

    clients = [threading.Thread(target=log_in) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    done.wait(seconds)
    faults.cut_power(server, rng)
    done.set()
    for client in clients:
        client.join()
    return confirmed


rng = random.Random(SEED)
with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    faults = Faults(folder)
    with Server(folder=folder, **faults.settings) as server:
        confirmed, lost = [], 0
        for number in range(ROUNDS):
            confirmed += fail_while_logging_in(server, faults, rng.uniform(0.2, 0.8), rng)
            server.start()
            lost += sum(status != 200 for status in statuses(server, confirmed[-300:]))
        check(f"logins before {ROUNDS} power failures", "> 50", len(confirmed), lambda count: count > 50)
        check("confirmed logins that were lost", "0", lost, lambda count: count == 0)
        intact = database(server).execute("PRAGMA integrity_check").fetchone()[0]
        check("integrity of the database", "ok", intact, lambda it: it == "ok")

        faults.set(ignores_sync=1)
        confirmed = fail_while_logging_in(server, faults, 0.5, random.Random(SEED))
        try:
            server.start()
            lost = sum(status != 200 for status in statuses(server, confirmed[-300:]))
        except SystemExit:
            # The database cannot even be opened.
            lost = len(confirmed)
        check("lost if the disk ignores fsync (control)", "> 0", lost, lambda count: count > 0)
finish()
