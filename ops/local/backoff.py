"""A count of restarts becomes the pause before the next one."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 15.0


def delay_before_restart(restarts: int) -> float:
    """Give the pause in seconds: it doubles, up to a limit."""
    return float(min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** max(0, restarts - 1)))
