"""A `ProcessSpec` becomes an operating-system process that cannot outlive its supervisor."""

import asyncio
import ctypes
import os
import pwd
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ops.local.spec import ProcessSpec

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_KEEP = 8 * 1024 * 1024


def open_log(path: Path) -> BinaryIO:
    """Open a process's log to append; one that grew large is set aside as `<name>.log.1` first."""
    if path.is_file() and path.stat().st_size > _KEEP:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


async def spawn(spec: ProcessSpec, log: BinaryIO) -> asyncio.subprocess.Process:
    """
    Start *spec* in a session of its own, with its output in *log*.

    Invariant 10: when the supervisor is killed, the kernel kills the child too, so that no
    process is left that nobody watches. The kernel forgets the order when the user changes:
    it is given after that, just before the program is loaded.
    """
    account = pwd.getpwnam(spec.user) if spec.user and os.geteuid() == 0 else None
    parent = os.getpid()
    # PostgreSQL's own children must go as well: QUIT makes it take them along.
    last_word = signal.SIGQUIT if spec.stop_signal == "INT" else signal.SIGKILL

    def tie_to_supervisor() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, last_word)
        if os.getppid() != parent:
            os._exit(1)

    return await asyncio.create_subprocess_exec(
        *spec.argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=spec.cwd,
        env=_environment(spec.env),
        start_new_session=True,
        preexec_fn=tie_to_supervisor,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a child and what it started; one that is gone already is fine."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **extra}
