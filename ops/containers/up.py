"""Settings become the same stack in containers: secrets, images, services in order; and its end."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ops.containers import compose, secrets, status
from ops.containers.compose import Compose
from ops.errors import OpsError
from ops.local.progress import Reporter, Say
from ops.local.settings import LocalSettings

_READY_SECONDS = 900.0  # the first time, the ERP's modules are activated


def mark(settings: LocalSettings) -> Path:
    """Name the file that is there from the first moment of `up` to the last of `down`."""
    return settings.home / "containers" / "started"


def up(settings: LocalSettings, report: Reporter) -> None:
    """Bring everything up, and return when every service is healthy."""
    project = compose.of(settings)
    secrets.ensure(secrets.directory(settings.home))
    mark(settings).touch()
    with report.step("images", "images of our own"):
        project.run("build", "--quiet", doing="Building the images")
    with report.step("services", "services") as say:
        say("starting the services (the first time, some minutes for the systems' data)")
        project.run("up", "--detach", "--no-build", doing="Starting the services")
        _wait(project, say)
    with report.step("keys", "keys of both systems"):
        status.remember(settings, project)


def down(settings: LocalSettings, *, wipe: bool) -> Iterator[str]:
    """Stop everything; with *wipe* the volumes and secrets go too. Say what was done."""
    project = compose.of(settings)
    volumes = ("--volumes",) if wipe else ()
    project.run("down", "--remove-orphans", *volumes, doing="Stopping the services")
    for left in (status.file(settings), mark(settings)):
        left.unlink(missing_ok=True)
    yield "Stopped every container."
    if wipe:
        # The databases were made with these secrets: they go together or not at all.
        shutil.rmtree(secrets.directory(settings.home), ignore_errors=True)
        yield "Deleted the volumes and the secrets."


def _wait(project: Compose, say: Say) -> None:
    """Wait until every long-running container is healthy, or say which is not and why."""
    end = time.monotonic() + _READY_SECONDS
    while True:
        states = {compose.service(one): status.health(one["State"]) for one in project.containers()}
        for name in status.ONCE & states.keys():
            if states[name] == "failed":
                raise OpsError(f"{name} failed: `docker compose logs {name}` says why.")
        waiting = sorted(
            name
            for name, state in states.items()
            if (state != "running" and name not in status.ONCE)
            or (state != "stopped" and name in status.ONCE)
        )
        if states and not waiting:
            return
        if time.monotonic() > end:
            raise OpsError(
                f"{waiting[0]} is not healthy after {_READY_SECONDS:.0f} s: "
                f"`docker compose logs {waiting[0]}` says why."
            )
        say(f"waiting for {', '.join(waiting)}")
        time.sleep(1)
