"""
A machine in, a Docker engine that answers out, or the reason why there is none.

An engine that runs already is used as it is. Without one, root may start Debian's own `dockerd`
here; what was started here is stopped here, by its pid.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = ("docker.io", "docker-compose", "debootstrap", "iptables")
_START_SECONDS = 60
_STOP_SECONDS = 40


class NoEngineError(Exception):
    """There is no engine, and this sentence says why."""


def answers() -> bool:
    """Say whether an engine answers."""
    return shutil.which("docker") is not None and (
        subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
    )


@contextmanager
def running(logs: Path) -> Iterator[None]:
    """Have an engine for a while; raise NoEngineError with the reason when that cannot be."""
    if answers():
        yield
        return
    if os.environ.get("DOCKER_HOST"):
        raise NoEngineError(f"no engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and only root can start one")
    _install()
    process = _start(logs)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _install() -> None:
    """Get Debian's engine and its companions, unless they are here."""
    wanted = ("dockerd", "docker-compose", "debootstrap", "iptables")
    if all(shutil.which(program, path=_path()) for program in wanted):
        return
    if shutil.which("apt-get") is None:
        raise NoEngineError("no Docker engine is installed, and there is no apt-get to get one")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoEngineError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}")


def _start(logs: Path) -> subprocess.Popen[bytes]:
    """Start the engine and wait until it answers."""
    logs.mkdir(parents=True, exist_ok=True)
    stale = Path("/var/run/docker.pid")  # of an engine that was killed: it would refuse to start
    if stale.is_file() and not Path(f"/proc/{stale.read_text().strip()}").exists():
        stale.unlink()
    log = logs / "dockerd.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["dockerd", "--mtu", str(_mtu())],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, "PATH": _path()},
            start_new_session=True,
        )
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if answers():
            return process
        time.sleep(0.2)
    process.kill()
    process.wait()
    lines = log.read_text(errors="replace").strip().splitlines()
    raise NoEngineError(f"dockerd does not start here: {lines[-1] if lines else 'it said nothing'}")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _mtu() -> int:
    """Give the narrowest way out: wider packets of a container would be lost on it."""
    sizes = [
        int(path.read_text())
        for path in Path("/sys/class/net").glob("*/mtu")
        if path.parent.name.startswith(("e", "w"))
    ]
    return min([1500, *sizes])
