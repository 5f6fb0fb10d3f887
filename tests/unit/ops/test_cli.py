"""Command lines in; sentences, tables and exit codes out."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops import cli
from ops.local import endpoints, state
from ops.local.settings import load


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state directory."""
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path))
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["syncline", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["connectors", "render", "shopify"], "Known are tryton, vendure."),
        (["connectors", "apply"], "run `syncline up` first"),
        (["logs", "kafka"], "There is no log of 'kafka'."),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    """A person reads what to do next, not where in Python it surfaced."""
    assert _run(monkeypatch, *arguments) == 1
    said = capsys.readouterr().err

    assert sentence in said
    assert "Traceback" not in said


def test_a_wrong_port_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """The sentence names the file and the setting."""
    (home / "local.toml").write_text("[ports]\nkafka = 0\n")

    assert _run(monkeypatch, "status") == 1
    assert "local.toml: [local.ports] kafka = 0" in capsys.readouterr().err


def test_every_command_shows_an_example() -> None:
    """Help answers with something that can be copied."""
    for command in (["up"], ["down"], ["status"], ["logs"], ["topics", "plan"], ["demo"]):
        shown = CliRunner().invoke(cli.app, [*command, "--help"])

        assert shown.exit_code == 0
        assert f"syncline {' '.join(command)}" in shown.output


def test_status_of_a_stopped_stack_names_its_processes_as_stopped(home: Path) -> None:
    """Without a supervisor nobody keeps a process up, whatever the last state file says."""
    settings = load({"SYNCLINE_HOME": str(home)})
    settings.run.mkdir()
    gone = state.Seen("supervisor", "running", pid=2**22 + 1, created=1.0)
    kafka = state.Seen("kafka", "running", 20092, pid=2**22 + 2, created=1.0)
    state.write(settings.run / "state.json", state.StackState(gone, (kafka,)))
    endpoints.write(settings, endpoints.of_kafka(settings))
    shown = CliRunner().invoke(cli.app, ["status", "--json"])
    answer = json.loads(shown.output)

    assert answer["processes"] == [
        {
            "name": "kafka",
            "state": "stopped",
            "pid": None,
            "port": 20092,
            "rss_bytes": 0,
            "uptime_s": 0,
        }
    ]
    assert answer["endpoints"]["kafka"] == "127.0.0.1:20092"


def test_down_when_nothing_runs_says_so() -> None:
    """It is no mistake to stop what is stopped."""
    shown = CliRunner().invoke(cli.app, ["down"])

    assert (shown.exit_code, shown.output) == (0, "Nothing was running.\n")


def test_render_prints_what_connect_gets() -> None:
    """The short form and the flat one can be compared by eye."""
    shown = CliRunner().invoke(cli.app, ["connectors", "render", "vendure"])

    assert json.loads(shown.output)["topic.prefix"] == "cdc.vendure"
