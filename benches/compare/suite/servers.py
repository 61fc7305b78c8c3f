"""The servers that are compared, each a process of its own on core 0; and the simulated WeChat, on core 1.

Knows how each is started and stopped, and what it costs the machine. Never knows what it is asked.
"""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from .machine import BUILT, PEERS, WORK, Refused

SERVER_CORE, CLIENT_CORE = 0, 1
APP_ID, APP_SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
OURS = "weapp-login"
STARTS_WITHIN_SECONDS = 30


# Stands for the port in a command or an environment.
PORT = "{port}"


class Server:
    """A running process, its port, and the file that its standard output goes to."""

    def __init__(self, name, command, environment=None, core=SERVER_CORE):
        self.name, self.port, self.log = name, free_port(), WORK / f"{name}.log"
        command = ["taskset", "-c", core, *command]
        environment = {"PATH": os.environ["PATH"]} | (environment or {})
        with self.log.open("wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [str(word).replace(PORT, str(self.port)) for word in command], cwd=WORK, stdout=log, stderr=log,
                env={key: str(value).replace(PORT, str(self.port)) for key, value in environment.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.unlink(missing_ok=True)

    def ready(self, path="/livez", headers=None, pause=0.02):
        """Waits for the first 200."""
        while self.seconds_up() < STARTS_WITHIN_SECONDS and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.ask("GET", path, headers)[0] == 200:
                    return self
            time.sleep(pause)
        raise Refused(f"{self.name} does not start: {self.log.read_text(errors='replace')}")

    def seconds_up(self):
        """How long ago the process was started."""
        return time.monotonic() - self.started

    def ask(self, method, path, headers=None, body=None):
        """One request on a connection of its own: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def busy_seconds(self):
        """How long the process has been on a core."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self, which="VmRSS"):
        """The resident size now, or with VmHWM the highest that it was, in MB of a million bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wechat():
    """The simulator, behind all of them alike."""
    command = [BUILT / OURS, "simulate", "--port", PORT, "--app-id", APP_ID, "--app-secret", APP_SECRET]
    return Server("wechat", command, core=CLIENT_CORE).ready("/simulator")


def ours(database, wechat_port, **settings):
    """This project's server, in the production profile, with one worker, and with the log format that Express has."""
    environment = {
        "WEAPP_PROFILE": "production",
        "WEAPP_LOG__FORMAT": "dev",
        "WEAPP_SERVER__PORT": PORT,
        "WEAPP_SERVER__WORKERS": 1,
        "WEAPP_STORE__URL": f"sqlite://{database}",
        "WEAPP_WECHAT__BASE_URL": f"http://127.0.0.1:{wechat_port}",
        "WEAPP_APPS__MAIN__APP_ID": APP_ID,
        "WEAPP_APPS__MAIN__APP_SECRET": APP_SECRET,
    }
    return Server(OURS, [BUILT / OURS], environment=environment | settings)


def peer(name, database, wechat_port):
    """Express or Fastify."""
    environment = {
        "NODE_ENV": "production",
        "PORT": PORT,
        "DATABASE": database,
        "WECHAT": f"http://127.0.0.1:{wechat_port}",
        "APP_ID": APP_ID,
        "APP_SECRET": APP_SECRET,
    }
    return Server(name, ["node", PEERS / f"{name}.js"], environment=environment)


def limit(name, status, body):
    """A framework with nothing in it but this reply."""
    return Server(f"bare {name}", [BUILT / "limits", name, PORT, status, body])
