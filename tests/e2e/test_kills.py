"""SIGKILL to our own processes and to Connect while orders flow: every order once afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from ops.demo import run
from ops.demo.run import Demo, Options
from ops.local import control
from ops.local.settings import LocalSettings

pytestmark = pytest.mark.stack

VICTIMS = ("streams-orders", "sink-tryton", "connect", "streams-stock", "sink-vendure")


async def kill(settings: LocalSettings, name: str) -> None:
    """Kill the process *name* once it has been up, and wait until another one stands there."""
    before = control.seen(settings)[name].pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while control.seen(settings)[name].pid in (before, None):
        assert time.monotonic() < deadline, f"{name} was not started again"
        await asyncio.sleep(0.1)


async def test_no_kill_loses_or_doubles_an_order(
    stack: Mapping[str, Any], stack_home: LocalSettings
) -> None:
    """Each process dies while buyers buy; the ERP has every order exactly once."""
    async with httpx.AsyncClient(timeout=60) as http:
        demo = Demo(stack, Options(orders=30, buyers=3, receipts=2, seed=99), print, http)
        buying = asyncio.create_task(demo.buy())
        for number, victim in enumerate(VICTIMS, start=1):
            while len(demo.placed) < number * 4 and not buying.done():
                await asyncio.sleep(0.05)
            await kill(stack_home, victim)
        await buying
        await demo.receive()

        orders = await run.agreed(demo.orders_agree, 120)
        stock = await run.agreed(demo.stock_agrees, 120)

    assert orders.doubled == ()
    assert orders.different == ()
    assert set(demo.placed).isdisjoint(orders.lost)
    assert stock.different == ()
