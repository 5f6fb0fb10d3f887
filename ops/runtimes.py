"""A wish in, the runtime that carries it out: processes of this machine, or containers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from ops.containers import compose
from ops.containers import status as container_status
from ops.containers import up as container_stack
from ops.errors import OpsError
from ops.local import status as local_status
from ops.local.down import down as stop_local
from ops.local.progress import Reporter
from ops.local.settings import LocalSettings
from ops.local.status import Row
from ops.local.up import up as start_local


class Wish(StrEnum):
    """Where the stack may run."""

    LOCAL = "local"
    DOCKER = "docker"
    AUTO = "auto"


class Runtime(Protocol):
    """What both ways to run the stack can do; their answers have the same form."""

    def up(self, report: Reporter, *, with_systems: bool, with_workers: bool) -> None:
        """Bring everything up and return when it answers."""

    def down(self, *, wipe: bool) -> Iterable[str]:
        """Stop everything, and say what was done."""

    def rows(self) -> list[Row]:
        """Look at every process."""

    def as_json(self) -> Mapping[str, Any]:
        """Give processes, endpoints and credentials."""

    def logs(self, name: str, lines: int) -> str:
        """Give the end of one process's log."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Each part a supervised process of this machine."""

    here: LocalSettings

    def up(self, report: Reporter, *, with_systems: bool, with_workers: bool) -> None:
        """Bring everything up and return when it answers."""
        start_local(self.here, report, with_systems=with_systems, with_workers=with_workers)

    def down(self, *, wipe: bool) -> Iterable[str]:
        """Stop everything, and say what was done."""
        return stop_local(self.here, wipe=wipe)

    def rows(self) -> list[Row]:
        """Look at every process."""
        return local_status.rows(self.here)

    def as_json(self) -> Mapping[str, Any]:
        """Give processes, endpoints and credentials."""
        return local_status.as_json(self.here)

    def logs(self, name: str, lines: int) -> str:
        """Give the end of one process's log."""
        path = self.here.logs / f"{name}.log"
        if not path.is_file():
            known = ", ".join(sorted(log.stem for log in self.here.logs.glob("*.log")))
            raise OpsError(
                f"There is no log of {name!r}. There are logs of: {known or 'none yet'}."
            )
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True, slots=True)
class Containers:
    """Each part a container of docker-compose.yml."""

    here: LocalSettings

    def up(self, report: Reporter, *, with_systems: bool, with_workers: bool) -> None:
        """Bring everything up and return when it answers."""
        if not (with_systems and with_workers):
            raise OpsError(
                "In containers the stack runs whole. Leave --without-systems and "
                "--without-workers away, or use --runtime local."
            )
        container_stack.up(self.here, report)

    def down(self, *, wipe: bool) -> Iterable[str]:
        """Stop everything, and say what was done."""
        return container_stack.down(self.here, wipe=wipe)

    def rows(self) -> list[Row]:
        """Look at every container that stays."""
        return container_status.rows(compose.of(self.here), container_status.published(self.here))

    def as_json(self) -> Mapping[str, Any]:
        """Give processes, endpoints and credentials."""
        return container_status.as_json(self.here)

    def once(self, service: str) -> str:
        """Run a one-shot service again."""
        arguments = ("run", "--rm", "--no-deps", "-T", service)
        return compose.of(self.here).run(*arguments, doing=f"The service {service}")

    def logs(self, name: str, lines: int) -> str:
        """Give the end of one container's log."""
        arguments = ("logs", "--no-color", "--tail", str(lines), name)
        return compose.of(self.here).run(*arguments, doing=f"Reading the log of {name}")


def current(here: LocalSettings) -> Runtime:
    """Give the runtime that this state directory was last brought up with."""
    return Containers(here) if container_stack.mark(here).is_file() else Processes(here)


def choose(here: LocalSettings, wish: Wish) -> tuple[Runtime, str]:
    """
    Give the runtime to bring the stack up with, and say which and why.

    A stack that runs one way is not started the other way beside it: the ports are the same.
    """
    running = current(here)
    if isinstance(running, Containers):
        if wish is Wish.LOCAL:
            raise OpsError("The stack runs in containers: `syncline down` first.")
        return running, "In containers, as before."
    if any(row.state in {"running", "starting"} for row in running.rows()):
        if wish is Wish.DOCKER:
            raise OpsError("The stack runs as processes of this machine: `syncline down` first.")
        return running, "As processes of this machine, as before."
    if wish is Wish.LOCAL:
        return running, "As processes of this machine."
    reason = _why_not_containers() if wish is Wish.AUTO else ""
    if reason:
        return running, f"As processes of this machine: {reason}."
    return Containers(here), "In containers."


def _why_not_containers() -> str:
    """Give the reason against containers here; empty when nothing is in the way."""
    if not compose.engine_answers():
        return "no Docker engine answers"
    missing = [image for image in compose.pinned().values() if not compose.is_here(image)]
    if missing:
        return f"the image {missing[0]} is not here (`docker compose pull` gets it)"
    return ""
