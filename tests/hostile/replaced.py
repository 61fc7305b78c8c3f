"""The database of a running server is replaced and deleted while users log in: no session counts as ended, and no login that was
confirmed is lost."""

import os
import tempfile
import threading
from pathlib import Path

from faults import statuses
from harness import Server, check, finish, new_code

ROUNDS = 8

with tempfile.TemporaryDirectory(prefix="hostile-") as folder, Server(folder=folder) as server:
    data = Path(folder) / "data"
    first = server.login()
    assert server.run("store", "backup", "backup.db").returncode == 0
    confirmed, answers, lock = [first], [], threading.Lock()
    done = threading.Event()

    def log_in_and_check():
        while not done.is_set():
            with lock:
                known = confirmed[-1]
            status, _, text = server.request("POST", "/login", {"code": new_code()})
            if status == 200:
                with lock:
                    confirmed.append(text.split('"token":"')[1].split('"')[0])
            answers.append(("login", status))
            answers.append(("check", statuses(server, [known])[0]))

    clients = [threading.Thread(target=log_in_and_check) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(ROUNDS):
        done.wait(0.3)
        os.link(data / "weapp.db", data / "kept")
        if number % 2:
            (data / "weapp.db").unlink()
        else:
            os.link(Path(folder) / "backup.db", data / "other")
            os.replace(data / "other", data / "weapp.db")
        done.wait(0.3)
        os.replace(data / "kept", data / "weapp.db")
    done.wait(0.5)
    done.set()
    for client in clients:
        client.join()
    check("checks while the file was away", "> 100", sum(kind == "check" for kind, _ in answers), lambda count: count > 100)
    check("503 meanwhile", "> 10", sum(status == 503 for _, status in answers), lambda count: count > 10)
    check("401 meanwhile", "0", sum(status == 401 for _, status in answers), lambda count: count == 0)

    os.replace(Path(folder) / "backup.db", data / "weapp.db")
    status = server.request("POST", "/login", {"code": new_code()})[0]
    check("login after the file was replaced", "503", status, lambda status: status == 503)
    wait = threading.Event()
    wait.wait(1.1)
    check("/readyz", "503", server.get("/readyz")[0], lambda status: status == 503)
    check("/session", "503", statuses(server, [first])[0], lambda status: status == 503)
    check("log lines about it", "9", server.log_text().count("while the server runs, so all requests"), lambda it: it == ROUNDS + 1)
    server.stop()
    server.start()
    check("session of the backup after the restart", "200", statuses(server, [first])[0], lambda status: status == 200)
finish()
