"""Settings become a running stack: side by side what can be; a second run changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Event
from typing import TypeVar

import httpx

from ops import connectors, topics
from ops.connect import Connect
from ops.local import control, endpoints, kafka, maven, postgres, secrets, systems, workers
from ops.local.cache import locked
from ops.local.progress import Reporter, Say
from ops.local.settings import LocalSettings
from runtime.admin import Admin
from runtime.kafka import Cluster
from schemas.topics import topics as wanted_topics

T = TypeVar("T")

_PASSWORDS = ("postgres", "capture_tryton", "capture_vendure")
_SYSTEM_PORTS = {"erp", "shop"}


def up(
    settings: LocalSettings,
    report: Reporter,
    *,
    with_systems: bool = True,
    with_workers: bool = True,
) -> None:
    """
    Bring everything up, and return when it answers.

    Without the systems there is nothing to capture and to write to: Kafka, Connect, the registry
    and PostgreSQL run, nothing else.
    """
    settings.run.mkdir(parents=True, exist_ok=True)
    with locked(settings.run / ".up.lock"), ThreadPoolExecutor(16) as pool:
        ports = asdict(settings.ports)
        unused = {"queries"} | (set() if with_systems else _SYSTEM_PORTS)
        control.check_ports(
            settings, {name: port for name, port in ports.items() if name not in unused}
        )
        passwords = secrets.ensure(settings.run / "secrets.json", _PASSWORDS)
        bring = _BringUp(settings, report, pool, passwords)
        with bring.whole():
            core = bring.core()
            if with_systems:
                bring.both_systems(core, with_workers=with_workers and settings.workers)
            else:
                endpoints.write(settings, endpoints.of_kafka(settings))


@dataclass(frozen=True, slots=True)
class _Core:
    """The parts of the core that other steps wait for."""

    server: "Future[postgres.Server]"
    topics: "Future[None]"
    registry: "Future[None]"
    connect: "Future[None]"


class _BringUp:
    """One `up`: steps that run side by side, each waiting only for what it needs."""

    def __init__(
        self,
        settings: LocalSettings,
        report: Reporter,
        pool: ThreadPoolExecutor,
        passwords: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._report = report
        self._pool = pool
        self._secrets = passwords
        self._steps: list[Future[object]] = []
        self._failed = Event()
        self._first: BaseException | None = None

    def core(self) -> _Core:
        """Start Kafka, Connect, the registry and PostgreSQL."""
        jars = self._step("jars", "jars", lambda say: maven.build(self._settings.cache, say))
        server = self._step("postgres", "PostgreSQL", self._postgres)
        found = jars.result()
        environment = systems.connect_environment(self._settings, self._secrets)
        specs = (
            kafka.broker(self._settings, found),
            kafka.registry(self._settings, found),
            kafka.connect(self._settings, found, environment),
        )
        control.add(self._settings, *specs)
        return _Core(
            server=server,
            topics=self._step("kafka", "Kafka and its topics", self._topics),
            registry=self._step("registry", "schema registry", partial(self._wait, "registry")),
            connect=self._step("connect", "Kafka Connect", partial(self._wait, "connect")),
        )

    def both_systems(self, core: _Core, *, with_workers: bool) -> None:
        """Start both systems, capture them, and start the workers between them."""
        erp = self._step("erp", "ERP (Tryton)", lambda say: self._prepare("tryton", core, say))
        shop = self._step("shop", "shop (Vendure)", lambda say: self._prepare("vendure", core, say))
        both = (erp.result(), shop.result())
        # A new slot waits for every open transaction of the server, and a system that is being
        # seeded has long ones: capture begins when both are there.
        for name in ("tryton", "vendure"):
            self._step("capture", f"rows of {name}", partial(self._capture, name, core))
        for system in both:
            name = system.spec.name
            self._step(name, f"{name} at port {system.spec.port}", partial(self._wait, name))
        found = replace(
            endpoints.of_kafka(self._settings), erp=both[0].endpoint, shop=both[1].endpoint
        )
        endpoints.write(self._settings, found)
        if with_workers:
            self._step("workers", "workers", partial(self._workers, core, found))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Wait for every step that the body began; what failed first is raised."""
        try:
            yield
        except BaseException:
            self._failed.set()
            if self._first is not None:
                raise self._first from None
            raise
        wait(self._steps)
        if self._first is not None:
            raise self._first

    def _postgres(self, say: Say) -> postgres.Server:
        server = postgres.prepare(self._settings, self._secrets["postgres"], say)
        control.add(self._settings, server.spec)
        self._wait("postgres", say)
        say("PostgreSQL")
        return server

    def _topics(self, say: Say) -> None:
        self._wait("kafka", say)
        admin = Admin.connect(Cluster(endpoints.of_kafka(self._settings).kafka))
        goal = wanted_topics()
        topics.apply(topics.plan(goal, admin.describe([topic.name for topic in goal])), admin)

    def _prepare(self, name: str, core: _Core, say: Say) -> systems.System:
        prepare = {"tryton": systems.erp, "vendure": systems.shop}[name]
        system = prepare(self._settings, core.server, self._secrets, say)
        systems.prepare_capture(self._settings, name, self._secrets)
        control.add(self._settings, system.spec)
        say(f"{system.spec.name} is seeded")
        return system

    def _capture(self, name: str, core: _Core, _: Say) -> None:
        """Register the connector when its topics exist: Connect would make them otherwise."""
        core.topics.result()
        core.connect.result()
        url = endpoints.of_kafka(self._settings).connect
        with httpx.Client(base_url=url, timeout=60) as client:
            # It may have died since it was seen to run: `up` heals what is killed meanwhile.
            connect = Connect(client, patience_seconds=120)
            connect.register(name, connectors.expand(connectors.read(name)))
            connect.wait_running(name, deadline_seconds=120)

    def _workers(self, core: _Core, found: endpoints.Endpoints, _: Say) -> None:
        core.topics.result()
        core.registry.result()
        specs = workers.workers(self._settings, found)
        control.add(self._settings, *specs)
        control.wait_ready(
            self._settings, [spec.name for spec in specs], abandoned=self._failed.is_set
        )

    def _wait(self, name: str, _: Say) -> None:
        control.wait_ready(self._settings, [name], abandoned=self._failed.is_set)

    def _step(self, name: str, doing: str, work: Callable[[Say], T]) -> "Future[T]":
        def run() -> T:
            try:
                with self._report.step(name, doing) as say:
                    return work(say)
            except BaseException as error:
                # The other steps need not go on; what is shown is what failed first.
                if not self._failed.is_set():
                    self._first = error
                    self._failed.set()
                raise

        step = self._pool.submit(run)
        self._steps.append(step)  # type: ignore[arg-type]
        return step
