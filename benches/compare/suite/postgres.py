"""PostgreSQL servers on core 1, whose commits wait for the disk."""

import glob
import os
import pwd
import shutil
import tempfile
import time
from pathlib import Path

from .databases import filled
from .machine import BUILT, PEERS, WORK, Failed, run
from .servers import CLIENT_CORE, OURS, free_port

# PostgreSQL does not run as root, so root becomes the user postgres.
IS_ROOT = os.geteuid() == 0
SETTINGS = ["shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=1h", "max_connections=200", "wal_level=replica"]


def program(name, *arguments):
    """Runs one of PostgreSQL's programs and returns its output."""
    folder = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    owner = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []} if IS_ROOT else {}
    return run("taskset", "-c", CLIENT_CORE, f"{folder}/{name}", *arguments, cwd="/", **owner).strip()


class Cluster:
    """A private server. With a `primary`, its synchronous standby."""

    def __init__(self, primary=None):
        self.primary, self.port = primary, free_port()
        # Not in target/, which the user postgres may not be able to read.
        self.folder = Path(tempfile.mkdtemp(prefix="compare-", dir="/var/tmp"))
        self.data, self.log = self.folder / "data", self.folder / "log"

    def __enter__(self):
        if IS_ROOT:
            shutil.chown(self.folder, "postgres")
        try:
            if self.primary:
                self.follow()
            else:
                program("initdb", "--no-sync", f"--pgdata={self.data}", "--username=weapp", "--auth=trust", "--encoding=UTF8", "--locale=C")
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.data / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        settings = [*SETTINGS, "listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}"]
        settings = " ".join(f"-c {setting}" for setting in settings)
        program("pg_ctl", "start", "--silent", "--wait", f"--pgdata={self.data}", f"--log={self.log}", f"--options={settings}")

    def kill(self):
        """Ends the server as a crash does."""
        program("pg_ctl", "stop", "--silent", "--mode=immediate", f"--pgdata={self.data}")

    def url(self, name, *others):
        """Returns the URL of a database on this server and on others."""
        hosts = ",".join(f"127.0.0.1:{cluster.port}" for cluster in (self, *others))
        return f"postgres://weapp@{hosts}/{name}"

    def ask(self, sql, name="postgres"):
        return program("psql", "-XAtq", "--dbname", self.url(name), "-c", sql)

    def create(self, name):
        """Creates an empty database, in place of one of that name. Returns its URL."""
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def filled(self, sessions):
        """Copies our SQLite database with that many sessions. Returns the URL, and the file with their tokens."""
        database, tokens = filled(sessions, sessions)
        url = self.create("filled")
        run(BUILT / OURS, "store", "copy", "--from", f"sqlite://{database}", "--to", url, cwd=WORK, env={"PATH": os.environ["PATH"]})
        self.ask("VACUUM ANALYZE", "filled")
        return url, tokens

    def filled_peer(self, peer, sessions):
        """Returns the URL of a database of a peer with that many sessions, and the file with their tokens or cookies."""
        name = peer.replace("-", "_")
        url, tokens = self.create(name), WORK / f"{peer}-{sessions}.txt"
        run("node", PEERS / f"seed-{peer}.js", url, tokens, sessions)
        self.ask("VACUUM ANALYZE", name)
        return url, tokens

    def busy_seconds(self):
        """Returns the processor time of the server with all its processes, in seconds."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(stat.parent.name) == postmaster:
                # With the processes that have ended.
                ticks += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == postmaster:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def follow(self):
        """Copies the primary, follows it, and confirms its commits."""
        program("pg_basebackup", f"--dbname={self.primary.url('postgres')}", f"--pgdata={self.data}", "--checkpoint=fast", "--no-sync",
                "--write-recovery-conf", "--wal-method=stream")
        self.start()
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.ask("SELECT pg_reload_conf()")
        end = time.monotonic() + 20
        while self.primary.ask("SELECT sync_state FROM pg_stat_replication") != "sync":
            if time.monotonic() > end:
                raise Failed(f"no synchronous standby: {self.log.read_text()}")
            time.sleep(0.1)

    def promote(self):
        """Makes the standby a primary without a standby. Returns when it accepts writes."""
        # The copy has the primary's settings.
        self.ask("ALTER SYSTEM RESET synchronous_standby_names")
        self.ask("SELECT pg_reload_conf()")
        program("pg_ctl", "promote", "--wait", "--silent", f"--pgdata={self.data}")
