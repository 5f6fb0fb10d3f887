"""
A worker's consumer group in, exit code 0 or 1 out: `python -m ops.containers.health`.

A container is healthy while its group has a member and either nothing waits or something moved
lately. A process that runs but does not work is told apart from one that has nothing to do.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime import settings
from runtime.errors import PlatformError
from runtime.lag import Standing, standing

PATIENCE_SECONDS = 120.0
GROUP = "SYNCLINE_HEALTH_GROUP"
_MEMORY = Path("/tmp/syncline-health.json")  # noqa: S108 the container's own


@dataclass(frozen=True, slots=True)
class Seen:
    """What an earlier look saw, and when that last changed."""

    committed: int
    moved_at: float


def judge(before: Seen | None, now: Standing, at: float) -> tuple[Seen, str]:
    """Give what to remember and what is wrong, which is empty when nothing is."""
    moved = before is None or now.committed != before.committed or now.records == 0
    seen = Seen(now.committed, at if moved or before is None else before.moved_at)
    if now.members == 0:
        return seen, "nobody is in the consumer group"
    still = at - seen.moved_at
    if still > PATIENCE_SECONDS:
        return seen, f"{now.records} records wait, and none was acknowledged for {still:.0f} s"
    return seen, ""


def main() -> int:
    """Look once; Docker keeps what is printed."""
    group = os.environ[GROUP]
    try:
        now = standing(settings.load().kafka.cluster, group)
    except PlatformError as error:
        sys.stdout.write(f"{group}: {error}\n")
        return 1
    before = Seen(**json.loads(_MEMORY.read_text())) if _MEMORY.is_file() else None
    seen, wrong = judge(before, now, time.time())
    _MEMORY.write_text(json.dumps(asdict(seen)))
    sys.stdout.write(f"{group}: {wrong or f'{now.records} records wait'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
