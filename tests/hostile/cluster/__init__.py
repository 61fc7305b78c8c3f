"""PostgreSQL servers of a run's own, and a TCP proxy in front of them that fails on demand.

Their role has a random name, so a server of another run that takes the port of one that was killed rejects the nodes."""

import glob
import os
import pwd
import random
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from harness import wait_until

PROGRAMS = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None, key=lambda path: float(path.split("/")[4]))
if PROGRAMS is None:
    sys.exit("PostgreSQL is not installed")
IS_ROOT = os.geteuid() == 0
# PostgreSQL does not run as root, so root becomes the user postgres.
OWNER = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []} if IS_ROOT else {}
ROLE = f"weapp_{secrets.token_hex(8)}"


def free_port():
    """Returns a free port that no outgoing connection takes, because it is below the range of those."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(20000, 32000)))
                return probe.getsockname()[1]
            except OSError:
                continue


class Database:
    """A PostgreSQL server with its data in `folder/name`."""

    def __init__(self, folder, name, port=None):
        self.folder, self.data, self.port = Path(folder), Path(folder) / name, port or free_port()
        if IS_ROOT:
            shutil.chown(folder, "postgres")

    def _run(self, name, *arguments):
        done = subprocess.run([f"{PROGRAMS}/{name}", *map(str, arguments)], capture_output=True, text=True, cwd=self.folder,
                              timeout=60, **OWNER)
        if done.returncode:
            log = Path(f"{self.data}.log")
            sys.exit(f"{name} {arguments}: {done.stdout} {done.stderr} {log.read_text()[-2000:] if log.exists() else ''}")
        return done.stdout.strip()

    @property
    def url(self):
        return f"postgres://{ROLE}@127.0.0.1:{self.port}/postgres"

    @property
    def _address(self):
        return "--host=127.0.0.1", f"--port={self.port}", f"--username={ROLE}"

    def create(self, *options):
        self._run("initdb", "--no-sync", f"--pgdata={self.data}", f"--username={ROLE}", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", *options)

    def start(self, *options):
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off",
                    "hot_standby=on", "max_connections=100", *options]
        settings = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "start", "--silent", "--wait", f"--pgdata={self.data}", f"--log={self.data}.log",
                  f"--options={settings}")

    def command(self, sql):
        """Returns the command that runs the statement."""
        return [f"{PROGRAMS}/psql", "-X", "-A", "-t", *self._address, "--dbname=postgres", "-c", sql]

    def ask(self, sql):
        return self._run("psql", *self.command(sql)[1:])

    def become_standby_of(self, primary):
        """Copies the primary, follows it, and confirms its commits."""
        shutil.rmtree(self.data, ignore_errors=True)
        self._run("pg_basebackup", "--host=127.0.0.1", f"--port={primary.port}", f"--username={ROLE}", f"--pgdata={self.data}",
                  "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--wal-method=stream")
        self.start()
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("SELECT pg_reload_conf()")
        wait_until(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == "sync", 20, "no synchronous standby")

    def promote(self):
        # The copy has the primary's settings. It is alone now.
        self.ask("ALTER SYSTEM RESET synchronous_standby_names")
        self.ask("SELECT pg_reload_conf()")
        self._run("pg_ctl", "promote", "--wait", "--silent", f"--pgdata={self.data}")

    def is_running(self):
        return (self.data / "postmaster.pid").exists()

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "stop", "--silent", f"--mode={mode}", f"--pgdata={self.data}")

    def signal(self, number):
        """Sends a signal to all processes of the server."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in [postmaster, *map(int, children)]:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        return postmaster, children

    def kill(self):
        """Kills all processes of the server at once, as a crash of the machine does."""
        postmaster, children = self.signal(signal.SIGKILL)
        alive = lambda process: Path(f"/proc/{process}/stat").exists() and ") Z " not in Path(f"/proc/{process}/stat").read_text()
        wait_until(lambda: not any(map(alive, [postmaster, *children])), 10, "PostgreSQL does not end")
        (self.data / "postmaster.pid").unlink()


class Proxy:
    """A TCP proxy on a free port. Runs in a thread; each connection goes to the `target` of the time when it was made.

    While `loses_commits` is set, the replies of a connection that has sent a COMMIT are lost."""

    def __init__(self, target):
        self.target, self.loses_commits, self.lost = target, False, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.peers, self.silent, self.cuts = {}, set(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def cut(self):
        """Closes all connections."""
        self.cuts.set()
        wait_until(lambda: not self.cuts.is_set(), 5, "the proxy does not respond")

    def _run(self):
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select(0.02):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj in self.peers:
                    self._forward(key.fileobj)
            if self.cuts.is_set():
                while self.peers:
                    self._close(next(iter(self.peers)))
                self.cuts.clear()

    def _accept(self):
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 2)
        except OSError:
            client.close()
            return
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers[one] = other
            self.selector.register(one, selectors.EVENT_READ, one is client)

    def _forward(self, source):
        target, is_client = self.peers[source], self.selector.get_key(source).data
        try:
            data = source.recv(65536)
            if not data:
                raise ConnectionError
            if is_client and self.loses_commits and b"COMMIT\0" in data:
                self.silent.add(target)
                self.lost.set()
            if source not in self.silent:
                target.sendall(data)
        except OSError:
            self._close(source)

    def _close(self, connection):
        for one in (connection, self.peers[connection]):
            del self.peers[one]
            self.silent.discard(one)
            self.selector.unregister(one)
            one.close()
