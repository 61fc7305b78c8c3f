"""What the comparison stands on: folders, tools that are installed and built, versions.

Knows how to get what is missing. Never knows what is measured.
"""

import json
import os
import platform
import resource
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMPARE = ROOT / "benches" / "compare"
PEERS = COMPARE / "peers"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BUILT = TARGET / "release"
WORK = TARGET / "compare"


class Refused(Exception):
    """Why there is nothing to report."""


def run(*command, **options):
    """Runs a command to its end; its output, if it went well."""
    options = {"check": True, "text": True, "capture_output": True} | options
    try:
        return subprocess.run([str(word) for word in command], **options).stdout
    except subprocess.CalledProcessError as error:
        raise Refused(f"{error}\n{error.stdout or ''}{error.stderr or ''}") from error


def prepare(build):
    """Installs what is missing, and builds."""
    WORK.mkdir(parents=True, exist_ok=True)
    for tool, package in [("wrk", "wrk"), ("taskset", "util-linux"), ("node", "nodejs"), ("npm", "npm"), ("make", "build-essential")]:
        if not shutil.which(tool):
            install(package)
    if build:
        environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
        for folder, options in [(ROOT, []), (COMPARE, profile())]:
            run("cargo", "build", "--release", "--quiet", *options, cwd=folder, env=environment, capture_output=False)
    install_peers()
    # As many connections as the machine allows, for the servers too; and whoever measures stays off the servers' core.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {1})


def profile():
    """The product's release profile, as options of cargo: so the limits are built as it is, and share its dependencies."""
    return [f"--config=profile.release.{line}" for line in lines(tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"])]


def lines(table):
    """A table of TOML as one line for each value."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from (f"{key}.{line}" for line in lines(value))
        else:
            yield f"{key}={json.dumps(value)}"


def install(package):
    """Installs a package of Debian's."""
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", package, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


def install_peers():
    """`npm ci`, if the lock file is newer than what was installed by it.

    better-sqlite3 is compiled, against the headers that came with this machine's Node: neither a finished build nor
    headers have to be fetched.
    """
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    environment = os.environ | {"npm_config_build_from_source": "true"}
    if Path("/usr/include/node/node.h").exists():
        environment["npm_config_nodedir"] = "/usr"
    run("npm", "ci", "--no-audit", "--no-fund", cwd=PEERS, env=environment)


def versions():
    """What was measured, and on what."""
    peers = ["express", "body-parser", "morgan", "fastify", "better-sqlite3", "undici"]
    modules = PEERS / "node_modules"
    lock = (COMPARE / "Cargo.lock").read_text()
    found = {
        "weapp-login": run("git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12").strip(),
        "rustc": run("rustc", "--version").split()[1],
        "actix-web": locked(lock, "actix-web"),
        "axum": locked(lock, "axum"),
        "node": run("node", "--version").strip().removeprefix("v"),
    }
    for peer in peers:
        found[peer] = json.loads((modules / peer / "package.json").read_text())["version"]
    found["wrk"] = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split()[1]
    found["kernel"] = platform.release()
    found["processor"] = processor()
    return found


def locked(lock, package):
    """A package's version in a lock file of cargo's."""
    return lock.split(f'name = "{package}"\nversion = "')[1].split('"')[0]


def processor():
    """The processor's name, and how many cores there are."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':')[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"
