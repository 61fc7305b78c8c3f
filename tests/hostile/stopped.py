"""A server that stands still for several seconds (SIGSTOP, a paused virtual machine) in the middle of logins, and whose clock then
jumps: everything goes on, and no session is lost."""

import signal
import tempfile
import threading
import time

from faults import Faults, statuses
from harness import Server, check, finish, new_code, wait_until

STOPPED, CLIENTS = 7, 8

with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    faults = Faults(folder)
    with Server(folder=folder, **faults.settings) as server:
        before = [server.login() for _ in range(10)]
        confirmed, found, done = [], [], threading.Event()

        def log_in_and_check():
            while not done.is_set():
                status, _, text = server.request("POST", "/login", {"code": new_code()}, timeout=30)
                if status == 200:
                    confirmed.append(text.split('"token":"')[1].split('"')[0])
                found.append(statuses(server, before[:1])[0])

        clients = [threading.Thread(target=log_in_and_check) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED)
        # A paused machine sets its clock when it goes on.
        faults.set(clock_seconds=6 * 3600)
        server.process.send_signal(signal.SIGCONT)
        since = time.monotonic()
        wait_until(lambda: server.get("/readyz")[0] == 200, 5, "not ready after SIGCONT")
        check("ready after SIGCONT, s", "<= 2", time.monotonic() - since, lambda seconds: seconds <= 2)
        time.sleep(1)
        done.set()
        for client in clients:
            client.join()
        check("401 for a live session", "0", found.count(401), lambda count: count == 0)
        check("sessions of before", "all 200", set(statuses(server, before)), lambda found: found == {200})
        check("sessions of the logins around it", "all 200", set(statuses(server, confirmed[-100:])), lambda found: found == {200})
finish()
