"""Specs go to the supervisor, its state comes back: files and signals, nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import psutil

from ops.errors import OpsError
from ops.local import probe, state
from ops.local.cache import locked
from ops.local.secrets import write_private
from ops.local.settings import ROOT, LocalSettings
from ops.local.spec import ProcessSpec, from_json

_POLL_SECONDS = 0.1


def supervisor(settings: LocalSettings) -> state.Seen | None:
    """Give the live supervisor of this stack, if there is one."""
    known = state.read(settings.run / "state.json")
    if known is not None and state.is_alive(known.supervisor):
        return known.supervisor
    return None


def seen(settings: LocalSettings) -> dict[str, state.Seen]:
    """Give what the supervisor last saw of each process."""
    known = state.read(settings.run / "state.json")
    return {entry.name: entry for entry in known.processes} if known else {}


def add(settings: LocalSettings, *specs: ProcessSpec) -> None:
    """Make *specs* run too, beside what runs already."""
    with locked(settings.run / ".specs.lock"):
        path = settings.run / "specs.json"
        alive = supervisor(settings) is not None and path.is_file()
        kept = (
            {spec.name: spec for spec in map(from_json, json.loads(path.read_text()))}
            if alive
            else {}
        )
        run(settings, [*(kept | {spec.name: spec for spec in specs}).values()])


def run(settings: LocalSettings, specs: Sequence[ProcessSpec]) -> None:
    """Make exactly *specs* run: tell the supervisor, and start one if there is none."""
    settings.logs.mkdir(parents=True, exist_ok=True)
    text = json.dumps([spec.as_json() for spec in specs], indent=1) + "\n"
    path = settings.run / "specs.json"
    same = path.is_file() and path.read_text() == text
    write_private(path, text)
    current = supervisor(settings)
    if current is None:
        clear_strays(settings)
        (settings.run / "state.json").unlink(missing_ok=True)
        _start_supervisor(settings)
    elif not same and current.pid is not None:
        os.kill(current.pid, signal.SIGHUP)


def wait_ready(
    settings: LocalSettings,
    names: Iterable[str],
    deadline_seconds: float = 300,
    abandoned: Callable[[], bool] = lambda: False,
) -> None:
    """Wait until every process of *names* is running, or say which is not and where its log is."""
    end = time.monotonic() + deadline_seconds
    missing = list(names)
    while missing:
        if abandoned():
            raise OpsError(f"{missing[0]} was not waited for: another step failed.")
        now = seen(settings)
        missing = [name for name in missing if not _is_running(now.get(name))]
        for name in missing:
            _give_up_on_failure(settings, now.get(name))
        if missing and time.monotonic() > end:
            raise OpsError(
                f"{missing[0]} is not ready after {deadline_seconds:.0f} s: "
                f"see `syncline logs {missing[0]}`.{_last_line(settings, missing[0])}"
            )
        if supervisor(settings) is None and time.monotonic() > end - deadline_seconds + 5:
            raise OpsError("The supervisor ended: see `syncline logs supervisor`.")
        time.sleep(_POLL_SECONDS)


def _is_running(entry: state.Seen | None) -> bool:
    """Say whether it runs now: the supervisor's word may be older than a kill."""
    return entry is not None and entry.state == "running" and state.is_alive(entry)


def stop(settings: LocalSettings, deadline_seconds: float = 60) -> bool:
    """Stop everything, and say whether anything ran."""
    current = supervisor(settings)
    if current is not None and current.pid is not None:
        os.kill(current.pid, signal.SIGTERM)
        end = time.monotonic() + deadline_seconds
        while state.is_alive(current) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        if state.is_alive(current):
            os.kill(current.pid, signal.SIGKILL)
    return clear_strays(settings) or current is not None


def clear_strays(settings: LocalSettings) -> bool:
    """End processes that a killed supervisor left; the kernel has told most of them already."""
    strays = [entry for entry in seen(settings).values() if state.is_alive(entry)]
    end = time.monotonic() + 10
    while any(map(state.is_alive, strays)) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    for entry in filter(state.is_alive, strays):
        if entry.pid is not None:
            os.killpg(entry.pid, signal.SIGKILL)
    return bool(strays)


def check_ports(settings: LocalSettings, wanted: dict[str, int]) -> None:
    """Refuse a port that another program holds, with the setting that changes it."""
    end = time.monotonic() + 5
    while foreign := _taken_by_others(settings, wanted):
        # A process that was just killed may hold its port for another moment.
        if time.monotonic() < end and None in foreign.values():
            time.sleep(_POLL_SECONDS)
            continue
        setting, pid = next(iter(foreign.items()))
        by = f" by {psutil.Process(pid).name()} (pid {pid})" if pid else ""
        raise OpsError(
            f"Port {wanted[setting]}, which {setting} needs, is taken{by}. "
            f"Stop that program, or set `{setting}` under [local.ports] in syncline.toml."
        )


def _taken_by_others(settings: LocalSettings, wanted: dict[str, int]) -> dict[str, int | None]:
    """Give the settings whose port is not free and not ours, with the process that holds it."""
    taken = {name: port for name, port in wanted.items() if not probe.port_is_free(port)}
    if not taken:
        return {}
    holders = _holders()
    ours = {entry.pid for entry in seen(settings).values() if entry.pid is not None}
    return {
        name: holders.get(port) for name, port in taken.items() if holders.get(port) not in ours
    }


def _holders() -> dict[int, int]:
    """Say which process listens on which port, as far as this user may know."""
    return {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.laddr and connection.status == psutil.CONN_LISTEN and connection.pid
    }


def _start_supervisor(settings: LocalSettings) -> None:
    with (settings.logs / "supervisor.log").open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "ops.local.supervisor", str(settings.run)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=os.environ | {"SYNCLINE_HOME": str(settings.home)},
            check=True,
        )
    end = time.monotonic() + 20
    while supervisor(settings) is None:
        if time.monotonic() > end:
            raise OpsError("The supervisor did not start: see `syncline logs supervisor`.")
        time.sleep(_POLL_SECONDS)


def _give_up_on_failure(settings: LocalSettings, entry: state.Seen | None) -> None:
    if entry is not None and entry.state == "failed" and entry.restarts >= 4:
        raise OpsError(
            f"{entry.name} does not stay up ({entry.note}): see `syncline logs {entry.name}`."
            f"{_last_line(settings, entry.name)}"
        )


def _last_line(settings: LocalSettings, name: str) -> str:
    path = settings.logs / f"{name}.log"
    lines = path.read_text(errors="replace").splitlines()[-40:] if path.is_file() else []
    spoken = [line.strip() for line in lines if line.strip() and not line.startswith("\tat ")]
    return f" Its last words: {spoken[-1][:300]}" if spoken else ""
