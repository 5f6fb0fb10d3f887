"""Files and environment in, the local stack's settings out."""

from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.local.settings import Ports, load


def _load(root: Path, config: str = "", local: str = "") -> object:
    (root / "syncline.toml").write_text(config)
    (root / "home").mkdir(exist_ok=True)
    (root / "home" / "local.toml").write_text(local)
    return load({"SYNCLINE_HOME": str(root / "home")}, root)


def test_ports_have_defaults_and_the_file_changes_one(tmp_path: Path) -> None:
    """What is not named keeps its default."""
    (tmp_path / "syncline.toml").write_text("[local.ports]\nkafka = 31000\n")
    settings = load({}, tmp_path)

    assert settings.ports.kafka == 31000
    assert settings.ports.connect == Ports().connect
    assert settings.home == tmp_path / ".syncline"


def test_the_state_directorys_own_file_wins(tmp_path: Path) -> None:
    """A second stack on the machine is a directory with its own local.toml."""
    (tmp_path / "syncline.toml").write_text("[local.ports]\nkafka = 31000\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "local.toml").write_text("fsync = false\n[ports]\nkafka = 31001\n")
    settings = load({"SYNCLINE_HOME": str(tmp_path / "home")}, tmp_path)

    assert settings.ports.kafka == 31001
    assert settings.fsync is False


@pytest.mark.parametrize(
    ("config", "local", "sentence"),
    [
        ("[local.ports]\nkafak = 1\n", "", "syncline.toml: .* no port 'kafak'"),
        ("[local.ports]\nkafka = 70000\n", "", "kafka = 70000 is not a port number"),
        ("[local.ports]\nkafka = 5\nconnect = 5\n", "", "gives two listeners the same port"),
        ("", "fsink = false\n", "local.toml: .* no setting 'fsink'"),
        ("[local\n", "", "syncline.toml is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(
    tmp_path: Path, config: str, local: str, sentence: str
) -> None:
    """The sentence names the file and the setting."""
    with pytest.raises(OpsError, match=sentence):
        _load(tmp_path, config, local)
