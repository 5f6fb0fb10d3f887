"""One stack, two ways to run it, never both at once."""

from pathlib import Path

import pytest

from ops import runtimes
from ops.containers.up import mark
from ops.errors import OpsError
from ops.local.settings import LocalSettings, load
from ops.runtimes import Containers, Processes, Wish


@pytest.fixture
def here(tmp_path: Path) -> LocalSettings:
    """A state directory in which nothing was ever started."""
    return load({"SYNCLINE_HOME": str(tmp_path)})


def in_containers(here: LocalSettings) -> None:
    """Leave what `up` leaves when it starts containers."""
    mark(here).parent.mkdir(parents=True)
    mark(here).touch()


def test_local_processes_need_no_engine(here: LocalSettings) -> None:
    """Who asks for local processes gets them, whatever else is on the machine."""
    runtime, why = runtimes.choose(here, Wish.LOCAL)

    assert isinstance(runtime, Processes)
    assert why == "As processes of this machine."


def test_containers_are_started_when_they_are_asked_for(here: LocalSettings) -> None:
    """The wish is carried out; that no engine answers is said by the first command."""
    runtime, why = runtimes.choose(here, Wish.DOCKER)

    assert isinstance(runtime, Containers)
    assert why == "In containers."


@pytest.mark.parametrize("wish", [Wish.DOCKER, Wish.AUTO])
def test_a_stack_in_containers_goes_on_in_containers(here: LocalSettings, wish: Wish) -> None:
    """A second `up`, `status` and `down` speak of the stack that is there."""
    in_containers(here)

    runtime, why = runtimes.choose(here, wish)

    assert isinstance(runtime, Containers)
    assert why == "In containers, as before."
    assert isinstance(runtimes.current(here), Containers)


def test_a_stack_in_containers_is_not_started_beside_itself(here: LocalSettings) -> None:
    """The ports are the same: the sentence says what to do first."""
    in_containers(here)

    with pytest.raises(OpsError, match="`syncline down` first"):
        runtimes.choose(here, Wish.LOCAL)
