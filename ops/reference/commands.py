"""A command line becomes its effect, or a sentence with the last lines that it printed."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.errors import OpsError


def run(
    argv: Sequence[str | Path],
    *,
    doing: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a command to its end and give what it printed; *doing* names it in the error."""
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env=os.environ | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise OpsError(f"{doing} failed with exit code {done.returncode}. It said last:\n{tail}")
    return done.stdout
