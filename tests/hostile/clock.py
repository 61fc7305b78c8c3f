"""A clock that is a year ahead or behind, even for a second at the start, ends no session for good, and a session that was made
meanwhile does not live a year longer."""

import os
import tempfile
import time

from faults import DAY, Faults, database, statuses, trust_clock
from harness import Server, check, finish, wait_until

YEAR = 365 * DAY

with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    faults = Faults(folder)
    with Server(folder=folder, **faults.settings) as server:
        before = [server.login() for _ in range(10)]
        server.stop()
        trust_clock(server)

        meanwhile = []
        for name, seconds in (("a year ahead", YEAR), ("a year behind", -YEAR), ("in 1970", -int(time.time()))):
            faults.set(clock_seconds=seconds)
            server.start()
            wait_until(lambda: "because the clock" in server.log_text(), 10, "the wrong clock was not logged")
            os.truncate(server.log, 0)
            meanwhile.append(server.login())
            statuses(server, before)
            faults.set()
            check(f"sessions ended by a clock {name}", "0", statuses(server, before).count(401), lambda ended: ended == 0)
            server.stop()

        server.start()
        check("sessions after the restart with the right clock", "10", statuses(server, before).count(200), lambda live: live == 10)
        check("session of a login a year ahead", "200", statuses(server, meanwhile[:1])[0], lambda status: status == 200)

        def days_left():
            latest = database(server).execute("SELECT max(expires_at) FROM session").fetchone()[0]
            return (latest / 1000 - time.time()) / DAY

        wait_until(lambda: days_left() <= 7.01 or "sweep" in server.log_text(), 5, f"a session lives {days_left():.0f} days")
        check("longest life of a session, days", "<= 7", days_left(), lambda days: days <= 7.01)
finish()
