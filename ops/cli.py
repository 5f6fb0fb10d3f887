"""The `syncline` command: arguments in, a sentence or a table out; what it does lives elsewhere."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from ops import connectors, runtimes, topics
from ops.connect import Connect
from ops.demo.command import demo
from ops.errors import OpsError
from ops.local import endpoints, settings, status
from ops.local.progress import Reporter
from ops.local.systems import prepare_capture
from ops.runtimes import Containers, Runtime, Wish
from runtime.admin import Admin
from runtime.errors import PlatformError
from runtime.kafka import Cluster
from schemas.topics import topics as wanted_topics

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keep an ERP and a web shop in step by reading both databases' logs.",
)
connectors_app = typer.Typer(no_args_is_help=True, help="The captured systems.")
topics_app = typer.Typer(no_args_is_help=True, help="Topics as schemas/topics.py says.")
app.add_typer(connectors_app, name="connectors")
app.add_typer(topics_app, name="topics")

JSON = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


@app.command("up")
def up(
    *,
    without_systems: Annotated[
        bool, typer.Option(help="Only Kafka, Connect, the registry and PostgreSQL.")
    ] = False,
    without_workers: Annotated[
        bool, typer.Option(help="Start no Faust and no sink worker.")
    ] = False,
    runtime: Annotated[
        Wish,
        typer.Option(
            envvar="SYNCLINE_RUNTIME",
            help="As processes of this machine, in containers, or in containers where that can be.",
        ),
    ] = Wish.LOCAL,
    as_json: JSON = False,
) -> None:
    """
    Start the stack and wait until it answers. A second `up` changes nothing.

    Example: `syncline up`, or `syncline up --runtime docker`
    """
    here = settings.load()
    # Progress is for people: with --json the answer alone goes to standard output.
    console = Console(stderr=as_json)
    chosen, why = runtimes.choose(here, runtime)
    console.print(why)
    with Reporter(console) as report:
        chosen.up(report, with_systems=not without_systems, with_workers=not without_workers)
    _show_status(chosen, as_json=as_json)


@app.command("down")
def down(
    *,
    wipe: Annotated[
        bool, typer.Option(help="Delete databases, topics and logs too; caches stay.")
    ] = False,
) -> None:
    """
    Stop everything that `up` started.

    Example: `syncline down --wipe`
    """
    for sentence in runtimes.current(settings.load()).down(wipe=wipe):
        typer.echo(sentence)


@app.command("status")
def show_status(*, as_json: JSON = False) -> None:
    """
    Show each process, or with --json also every endpoint and credential of the stack.

    Example: `syncline status --json | jq .endpoints.kafka`
    """
    _show_status(runtimes.current(settings.load()), as_json=as_json)


@app.command("logs")
def logs(
    name: Annotated[str, typer.Argument(help="A process that `syncline status` names.")],
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last.")] = 50,
) -> None:
    """
    Show the end of a process's log.

    Example: `syncline logs connect -n 200`
    """
    typer.echo(runtimes.current(settings.load()).logs(name, lines))


@connectors_app.command("render")
def render(
    system: Annotated[str, typer.Argument(help="A file in connect-configs/, without .json.")],
) -> None:
    """
    Print the flat configuration that Connect gets for a system.

    Example: `syncline connectors render vendure`
    """
    typer.echo(json.dumps(connectors.expand(connectors.read(system)), indent=2))


@connectors_app.command("apply")
def apply_connectors() -> None:
    """
    Prepare the databases, register every connector, and wait until its rows flow.

    Example: `syncline connectors apply`
    """
    here = settings.load()
    runtime = runtimes.current(here)
    if isinstance(runtime, Containers):  # Connect and the databases answer inside only
        typer.echo(runtime.once("capture") + runtime.once("connectors"), nl=False)
        return
    secrets = json.loads(_state(here.run / "secrets.json"))
    with httpx.Client(base_url=endpoints.of_kafka(here).connect, timeout=60) as client:
        connect = Connect(client)
        for system in connectors.systems():
            prepare_capture(here, system, secrets)
            changed = connect.register(system, connectors.expand(connectors.read(system)))
            connect.wait_running(system)
            typer.echo(f"{system}: running ({'changed' if changed else 'as it was'})")


@topics_app.command("plan")
def plan_topics() -> None:
    """
    Show what `apply` would do.

    Example: `syncline topics plan`
    """
    _, plan = _topics()
    typer.echo("\n".join(topics.lines(plan)) or "Every topic is as schemas/topics.py says.")


@topics_app.command("apply")
def apply_topics() -> None:
    """
    Create missing topics and set what differs; partitions of a topic are never changed.

    Example: `syncline topics apply`
    """
    admin, plan = _topics()
    topics.apply(plan, admin)
    typer.echo("\n".join(topics.lines(plan)) or "Every topic is as schemas/topics.py says.")
    if plan.stuck:
        raise typer.Exit(1)


app.command("demo")(demo)


def main() -> None:
    """Run the command; what a person must mend is one sentence on standard error."""
    with _sentences():
        app()


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (OpsError, PlatformError) as error:
        typer.secho(str(error), err=True, fg="red" if sys.stderr.isatty() else None)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was started still runs: `syncline down` stops it.", err=True)
        sys.exit(130)


def _show_status(runtime: Runtime, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(runtime.as_json(), indent=2))
        return
    rows = runtime.rows()
    if not rows:
        typer.echo("Nothing was started here yet: `syncline up` does.")
        return
    Console().print(status.table(rows))


def _topics() -> tuple[Admin, topics.Plan]:
    admin = Admin.connect(Cluster(endpoints.of_kafka(settings.load()).kafka))
    goal = wanted_topics()
    return admin, topics.plan(goal, admin.describe([topic.name for topic in goal]))


def _state(path: Path) -> str:
    if not path.is_file():
        raise OpsError("The local stack was never started: run `syncline up` first.")
    return path.read_text()


if __name__ == "__main__":
    main()
