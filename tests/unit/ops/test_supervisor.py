"""Small real processes under a real supervisor: started in order, restarted, never left over."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ops.errors import OpsError
from ops.local import control, state
from ops.local.backoff import delay_before_restart
from ops.local.settings import LocalSettings
from ops.local.spec import ProcessSpec, Ready, from_json

_SAY_AND_WAIT = "import sys, time; print(sys.argv[1], flush=True); time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LocalSettings]:
    """A stack of small Python programs."""
    settings = LocalSettings(home=tmp_path, cache=tmp_path / "cache", config=tmp_path / "none")
    yield settings
    control.stop(settings)


def _process(name: str, *, depends: tuple[str, ...] = (), code: str = _SAY_AND_WAIT) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-c", code, f"{name} is here"),
        ready=Ready("log", f"{name} is here"),
        depends=depends,
        stop_seconds=5,
    )


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute in vain"
        time.sleep(0.02)


def _pid(home: LocalSettings, name: str) -> int:
    pid = control.seen(home)[name].pid
    assert pid is not None
    return pid


def test_a_process_starts_after_what_it_depends_on(home: LocalSettings) -> None:
    """The order of the list does not matter; the dependencies do."""
    control.add(home, _process("second", depends=("first",)), _process("first"))
    control.wait_ready(home, ["first", "second"])
    first, second = (control.seen(home)[name].created for name in ("first", "second"))

    assert first is not None
    assert second is not None
    assert first < second


def test_a_killed_process_is_started_again(home: LocalSettings) -> None:
    """A process that was shot heals by itself."""
    control.add(home, _process("one"))
    control.wait_ready(home, ["one"])
    killed = _pid(home, "one")
    os.kill(killed, signal.SIGKILL)
    _until(lambda: control.seen(home)["one"].restarts == 1)
    control.wait_ready(home, ["one"])

    assert _pid(home, "one") != killed


def test_the_same_specs_again_change_nothing(home: LocalSettings) -> None:
    """A second `up` is a no-op."""
    control.add(home, _process("one"))
    control.wait_ready(home, ["one"])
    before = (_pid(home, "one"), control.supervisor(home))
    control.add(home, _process("one"))
    control.wait_ready(home, ["one"])

    assert (_pid(home, "one"), control.supervisor(home)) == before


def test_a_changed_spec_restarts_only_its_process(home: LocalSettings) -> None:
    """`up` after a change of configuration carries it out."""
    control.add(home, _process("one"), _process("two"))
    control.wait_ready(home, ["one", "two"])
    one, two = _pid(home, "one"), _pid(home, "two")
    control.add(home, replace(_process("one"), env={"CHANGED": "1"}))
    _until(lambda: control.seen(home)["one"].pid not in (None, one))
    control.wait_ready(home, ["one", "two"])

    assert _pid(home, "two") == two


def test_down_stops_dependents_first_and_leaves_nothing(home: LocalSettings) -> None:
    """Invariant 10: a worker drains while what it writes to still answers."""
    farewell = (
        "import signal, sys, time\n"
        "def bye(*_):\n    print('ended', time.time_ns(), flush=True)\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, bye)\nprint(sys.argv[1], flush=True)\ntime.sleep(600)\n"
    )
    control.add(
        home,
        _process("broker", code=farewell),
        _process("worker", depends=("broker",), code=farewell),
    )
    control.wait_ready(home, ["broker", "worker"])
    pids = [_pid(home, "broker"), _pid(home, "worker")]
    assert control.stop(home)
    ended = {
        name: int((home.logs / f"{name}.log").read_text().split()[-1])
        for name in ("broker", "worker")
    }

    assert ended["worker"] < ended["broker"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_killed_supervisor_takes_its_processes_along(home: LocalSettings) -> None:
    """No process is left that nobody watches, and `up` starts afresh."""
    control.add(home, _process("one"))
    control.wait_ready(home, ["one"])
    orphan = control.seen(home)["one"]
    supervisor = control.supervisor(home)
    assert supervisor is not None
    assert supervisor.pid is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    _until(lambda: not state.is_alive(orphan))
    control.add(home, _process("one"))
    control.wait_ready(home, ["one"])

    assert _pid(home, "one") != orphan.pid


def test_a_process_that_does_not_stay_up_is_reported_with_its_last_words(
    home: LocalSettings,
) -> None:
    """The sentence names the process, its exit code and its log."""
    control.add(home, _process("broken", code="import sys; sys.exit('no such key')"))
    with pytest.raises(OpsError, match=r"broken does not stay up .*exit code 1.*no such key"):
        control.wait_ready(home, ["broken"])


def test_a_taken_port_is_refused_with_the_setting_that_changes_it(home: LocalSettings) -> None:
    """A person reads which program holds it and what to write where."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OpsError, match=rf"Port {port}, which kafka needs.*`kafka` under"):
            control.check_ports(home, {"kafka": port})


def test_a_spec_survives_being_written_down(tmp_path: Path) -> None:
    """The supervisor is another process: it reads what was written."""
    spec = replace(_process("one", depends=("two",)), cwd=tmp_path, port=5, user="postgres")

    assert from_json(spec.as_json()) == spec


def test_the_pause_before_a_restart_doubles_up_to_a_limit() -> None:
    """A process that cannot start does not keep the machine busy."""
    assert [delay_before_restart(count) for count in (1, 2, 3, 10)] == [0.5, 1.0, 2.0, 15.0]
