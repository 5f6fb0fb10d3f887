"""Secrets for the containers are made once, and their directory is closed."""

import re
from pathlib import Path

from ops.containers import secrets
from ops.local.settings import ROOT


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """The databases were made with the first passwords: new ones would lock everybody out."""
    secrets.ensure(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    secrets.ensure(tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    """The files are readable, for containers run as their own users; the way to them is closed."""
    place = tmp_path / "secrets"
    secrets.ensure(place)

    assert place.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o444}


def test_every_secret_of_the_compose_file_is_made(tmp_path: Path) -> None:
    """The compose file names files; each of them must be there."""
    secrets.ensure(tmp_path)
    text = (ROOT / "docker-compose.yml").read_text()
    named = set(re.findall(r"/containers/secrets\}/(\w+)", text))

    assert named
    assert named == {path.name for path in tmp_path.iterdir()}


def test_connect_reads_its_passwords_as_shell_variables(tmp_path: Path) -> None:
    """The connectors' references and the capturing roles mean the same passwords."""
    secrets.ensure(tmp_path)
    password = (tmp_path / "capture_tryton").read_text().strip()

    lines = (tmp_path / "connect").read_text().splitlines()

    assert f"SYNCLINE_CAPTURE_TRYTON_PASSWORD={password}" in lines
