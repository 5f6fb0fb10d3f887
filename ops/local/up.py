"""Settings become a running stack: what can be done side by side is, and a second run does nothing."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ops.local import control, kafka, maven, postgres, secrets
from ops.local.cache import locked
from ops.local.progress import Reporter, Say
from ops.local.settings import LocalSettings
from ops.local.spec import ProcessSpec

T = TypeVar("T")

_PASSWORDS = ("postgres", "capture_tryton", "capture_vendure")


def up(settings: LocalSettings, report: Reporter, *, with_systems: bool = True) -> None:
    """Bring everything up, and return when it answers."""
    settings.run.mkdir(parents=True, exist_ok=True)
    passwords = secrets.ensure(settings.run / "secrets.json", _PASSWORDS)
    with locked(settings.run / ".up.lock"), ThreadPoolExecutor(12) as pool:
        _BringUp(settings, report, pool, passwords).everything(with_systems=with_systems)


@dataclass(slots=True)
class _BringUp:
    """One `up`: the steps that run side by side, each waiting only for what it needs."""

    settings: LocalSettings
    report: Reporter
    pool: ThreadPoolExecutor
    secrets: Mapping[str, str]

    def everything(self, *, with_systems: bool) -> None:
        jars = self.step("jars", "jars", lambda say: maven.build(self.settings.cache, say))
        server = self.step("postgres", "PostgreSQL", self.postgres)
        found = jars.result()
        control.add(
            self.settings,
            kafka.broker(self.settings, found),
            kafka.registry(self.settings, found),
            kafka.connect(self.settings, found, {}),
        )
        waits = [
            self.step(name, name, partial(self.wait, name))
            for name in ("kafka", "registry", "connect")
        ]
        for wait in waits:
            wait.result()
        server.result()

    def postgres(self, say: Say) -> postgres.Server:
        server = postgres.prepare(self.settings, self.secrets["postgres"], say)
        control.add(self.settings, server.spec)
        say("starting")
        self.wait("postgres", say)
        return server

    def wait(self, name: str, _: Say) -> None:
        control.wait_ready(self.settings, [name])

    def step(self, name: str, doing: str, work: Callable[[Say], T]) -> "Future[T]":
        def run() -> T:
            with self.report.step(name, doing) as say:
                return work(say)

        return self.pool.submit(run)
