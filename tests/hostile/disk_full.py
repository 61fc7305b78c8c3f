"""A full disk: logins fail, /readyz says so, sessions go on, and nothing that was confirmed is lost."""

import os
import subprocess
import sys
import tempfile
import time

from faults import statuses
from harness import Server, check, finish, new_code, wait_until

folder = tempfile.mkdtemp(prefix="hostile-disk-")
mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder]
if subprocess.run(mount, capture_output=True).returncode != 0:
    os.rmdir(folder)
    print("full disk | SKIPPED: this user cannot mount a tmpfs; run it as root", flush=True)
    # CI sets it: there, nothing may be skipped.
    sys.exit(1 if os.environ.get("WEAPP_HOSTILE_ALL") else 0)

try:
    with Server(WEAPP_STORE__URL=f"sqlite://{folder}/weapp.db") as server:
        def log_in():
            status, _, text = server.request("POST", "/login", {"code": new_code()})
            return status, text.split('"token":"')[1].split('"')[0] if status == 200 else None

        def fill_until_rejected():
            for _ in range(1000):
                status, token = log_in()
                if status != 200:
                    return status
                confirmed.append(token)
            sys.exit("the disk is never full")

        confirmed = []
        check("login on a full disk", "503", fill_until_rejected(), lambda status: status == 503)
        check("logins before", "> 0", len(confirmed), lambda count: count > 0)
        mistaken = 0
        for _ in range(5):
            time.sleep(1.1)
            ready, (login, token) = server.get("/readyz")[0], log_in()
            if login == 200:
                confirmed.append(token)
            mistaken += ready == 200 and login == 503
        check("/readyz is 200 while the next login is 503", "0 of 5", mistaken, lambda count: count == 0)
        check("sessions meanwhile", "all 200", set(statuses(server, confirmed)), lambda found: found == {200})

        subprocess.run(["mount", "-o", "remount,size=8m", folder], check=True)
        wait_until(lambda: log_in()[0] == 200, 5, "no login after there was room again")
        wait_until(lambda: server.get("/readyz")[0] == 200, 5, "not ready after there was room again")
        server.stop(how=9)
        server.start()
        check("sessions after the restart", "all 200", set(statuses(server, confirmed)), lambda found: found == {200})
finally:
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)
finish()
