"""A disk that fails: 503 and never 401, no confirmed login is lost, and the server recovers when the disk does."""

import errno
import tempfile
import time

from faults import Faults, statuses
from harness import Server, check, finish, new_code, wait_until

with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    faults = Faults(folder)
    with Server(folder=folder, **faults.settings) as server:
        confirmed = [server.login() for _ in range(20)]
        for name, fault in (
            ("EIO of fsync", {"sync_errno": errno.EIO}),
            ("EIO of write", {"write_errno": errno.EIO}),
            ("ENOSPC of write", {"write_errno": errno.ENOSPC}),
            ("EIO of read and write", {"read_errno": errno.EIO, "write_errno": errno.EIO}),
        ):
            time.sleep(1.1)
            faults.set(**fault)
            found = []
            for _ in range(10):
                status, _, text = server.request("POST", "/login", {"code": new_code()})
                found.append(status)
                if status == 200:
                    confirmed.append(text.split('"token":"')[1].split('"')[0])
            check(f"logins with {name}", "503", set(found), lambda found: found == {503})
            check("/readyz", "503", server.get("/readyz")[0], lambda status: status == 503)
            checks = set(statuses(server, confirmed))
            check("sessions meanwhile", "200 or 503", checks, lambda found: found <= {200, 503})
            faults.set()
            wait_until(lambda: server.get("/readyz")[0] == 200, 5, "not ready after the disk recovered")
            confirmed.append(server.login())
            check("sessions afterwards", "all 200", set(statuses(server, confirmed)), lambda found: found == {200})
        server.stop(how=9)
        server.start()
        check("sessions after the restart", "all 200", set(statuses(server, confirmed)), lambda found: found == {200})
finish()
