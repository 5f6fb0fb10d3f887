"""The main job in containers: orders to the ERP, stock to the shop, each container killed once."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from ops.containers import compose, status
from ops.containers.compose import Compose
from ops.demo import run
from ops.demo.run import Demo, Options
from ops.errors import OpsError
from ops.local.settings import LocalSettings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

VICTIMS = (
    "streams-orders",
    "sink-tryton",
    "connect",
    "streams-stock",
    "sink-vendure",
    "kafka",
    "registry",
    "erp",
    "shop",
    "postgres",
)
_HEALTHY_SECONDS = 240.0


def one(project: Compose, name: str) -> Mapping[str, Any]:
    """Give what the engine knows of one service's container."""
    return next(found for found in project.containers() if compose.service(found) == name)


async def healthy(project: Compose, names: tuple[str, ...]) -> None:
    """Wait until every one of *names* is healthy."""
    end = time.monotonic() + _HEALTHY_SECONDS
    while True:
        found = await asyncio.to_thread(project.containers)
        states = {compose.service(each): status.health(each["State"]) for each in found}
        sick = [name for name in names if states[name] != "running"]
        if not sick:
            return
        assert time.monotonic() < end, f"{sick[0]} is {states[sick[0]]}"
        await asyncio.sleep(0.5)


async def test_orders_reach_the_erp_and_stock_reaches_the_shop(stack: Mapping[str, Any]) -> None:
    """Twenty orders by three buyers and three deliveries: once, and to the cent."""
    options = Options(orders=20, buyers=3, receipts=3, patience_seconds=240)

    report = await run.play(stack, options, print)

    assert report["problems"] == []
    orders, stock = report["flows"]
    assert orders["applied"] >= orders["sent"] > 0
    assert orders["duplicates"] == 0
    assert stock["applied"] > 0


async def test_no_killed_container_loses_or_doubles_an_order(
    stack: Mapping[str, Any], containers: LocalSettings
) -> None:
    """Orders are on their way whenever a container dies; afterwards each is in the ERP once."""
    project = compose.of(containers)
    async with httpx.AsyncClient(timeout=60) as http:
        demo = Demo(stack, Options(orders=3, buyers=3, receipts=1, seed=99), print, http)
        for victim in VICTIMS:
            await demo.buy()
            name = one(project, victim)["Name"].lstrip("/")
            await asyncio.to_thread(compose.docker, "kill", name)
            await asyncio.to_thread(compose.docker, "start", name)
            await healthy(project, ("shop", "postgres"))  # the next buyers need them
        await healthy(project, VICTIMS)
        await demo.receive()

        orders = await run.agreed(demo.orders_agree, 240)
        stock = await run.agreed(demo.stock_agrees, 240)

    assert len(demo.placed) > len(VICTIMS)
    assert orders.doubled == ()
    assert orders.different == ()
    assert set(demo.placed).isdisjoint(orders.lost)
    assert stock.different == ()


def test_the_databases_and_connect_are_reachable_only_from_where_they_must_be(
    containers: LocalSettings,
) -> None:
    """A worker finds neither PostgreSQL nor Connect's REST interface, and only its own system."""
    project = compose.of(containers)

    assert not reaches(project, "streams-orders", "postgres", 5432)
    assert not reaches(project, "streams-orders", "connect", 8083)
    assert not reaches(project, "sink-vendure", "erp", 8000)
    assert not reaches(project, "sink-tryton", "postgres", 5432)
    assert reaches(project, "streams-orders", "kafka", 19092)
    assert reaches(project, "sink-tryton", "erp", 8000)


def test_no_secret_stands_in_what_the_engine_shows(containers: LocalSettings) -> None:
    """Neither the environment nor the command line of a container holds a password."""
    folder = containers.home / "containers" / "secrets"
    passwords = [path.read_text().strip() for path in folder.iterdir() if path.name != "connect"]

    for found in compose.of(containers).containers():
        shown = " ".join([*found["Config"]["Env"], *(found["Config"]["Cmd"] or [])])
        assert not any(password in shown for password in passwords), compose.service(found)


def test_status_has_the_form_of_the_local_runtime(containers: LocalSettings) -> None:
    """Another program that reads `status --json` need not know how the stack runs."""
    answer = status.as_json(containers)

    assert {process["name"] for process in answer["processes"]} == set(VICTIMS)
    for process in answer["processes"]:
        assert set(process) == {"name", "state", "pid", "port", "rss_bytes", "uptime_s"}
        assert process["rss_bytes"] > 0
    assert set(answer["endpoints"]) == {"kafka", "registry", "connect", "erp", "shop"}


def reaches(project: Compose, service: str, host: str, port: int) -> bool:
    """Try a connection from inside one service's container."""
    attempt = f"import socket; socket.create_connection(('{host}', {port}), 3)"
    name = one(project, service)["Name"].lstrip("/")
    try:
        compose.docker("exec", name, "python3", "-c", attempt)
    except OpsError:
        return False
    return True
