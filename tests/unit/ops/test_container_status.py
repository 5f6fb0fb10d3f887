"""The engine's words become the words of `syncline status`."""

from typing import Any

import pytest

from ops.containers.status import health


def state(status: str, judged: str | None = None, code: int = 0) -> dict[str, Any]:
    """Describe a container as the engine does."""
    found: dict[str, Any] = {"Status": status, "ExitCode": code}
    return found | ({"Health": {"Status": judged}} if judged else {})


@pytest.mark.parametrize(
    ("container", "word"),
    [
        (state("running", "healthy"), "running"),
        (state("running"), "running"),
        (state("running", "starting"), "starting"),
        (state("running", "unhealthy"), "failed"),
        (state("restarting", "starting"), "starting"),
        (state("created", "starting"), "starting"),
        (state("exited"), "stopped"),
        (state("exited", "unhealthy"), "stopped"),
        (state("exited", code=137), "failed"),
    ],
)
def test_a_container_is_told_in_one_word(container: dict[str, Any], word: str) -> None:
    """Running means healthy where there is a check; an exit that is no error means stopped."""
    assert health(container) == word
