"""`syncline demo`: options in, a table and demo-report.json out; stops what it started."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ops.demo import report, run
from ops.demo.report import Flow
from ops.local import control, settings, status
from ops.local.down import down
from ops.local.progress import Reporter
from ops.local.up import up

REPORT = Path("demo-report.json")


def demo(  # noqa: PLR0913 - each is an option of the command
    *,
    orders: Annotated[int, typer.Option(help="How many orders to place.")] = 40,
    buyers: Annotated[int, typer.Option(help="How many buyers at the same time.")] = 4,
    receipts: Annotated[int, typer.Option(help="How many deliveries the warehouse takes in.")] = 5,
    seed: Annotated[int, typer.Option(help="Which plan: the same seed buys the same.")] = 20261124,
    pause: Annotated[
        float, typer.Option(help="Seconds between two orders of a buyer, on average; 0 is a rush.")
    ] = 3.0,
    keep: Annotated[bool, typer.Option(help="Leave the stack running afterwards.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """
    Let buyers buy and the warehouse receive on the real systems, and compare both afterwards.

    Exit code 1 when an order is lost, doubled or a cent off, or the shop offers another quantity
    than the ERP can promise.

    Example: `syncline demo --orders 200 --buyers 8 --pause 0 --keep`
    """
    here = settings.load()
    began = time.monotonic()
    console = Console(stderr=as_json)
    was_up = control.supervisor(here) is not None
    with Reporter(console) as reporter:
        up(here, reporter)
        with reporter.step("demo", "buyers and warehouse") as say:
            options = run.Options(
                orders=orders, buyers=buyers, receipts=receipts, seed=seed, pause_seconds=pause
            )
            found = asyncio.run(run.play(status.as_json(here), options, say))
    found["seconds_with_start"] = round(time.monotonic() - began, 1)
    REPORT.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _show(found, as_json=as_json)
    if not was_up and not keep:
        for sentence in down(here, wipe=False):
            console.print(sentence)
    if not found["ok"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(report.table(Flow(**row) for row in found["flows"]))
    for problem in found["problems"]:
        console.print(f"[red]{problem}[/]")
    if found["ok"]:
        console.print(
            f"Nothing lost, nothing doubled, not a cent off. {REPORT} has the figures; "
            f"{found['seconds_with_start']:.0f} s in all."
        )
