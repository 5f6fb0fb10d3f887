"""A wrong file is refused with its line and the mend."""

from decimal import Decimal
from pathlib import Path

import pytest

from runtime import settings
from runtime.errors import ConfigurationError


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "syncline.toml"
    monkeypatch.setenv("SYNCLINE_CONFIG", str(path))
    return path


def test_the_file_and_the_environment_make_one_tree(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment wins, and money stays decimal."""
    file.write_text('[orders]\nlargest_rounding = "0.02"\nwarehouse = "WH"\n')
    monkeypatch.setenv("SYNCLINE_ORDERS__WAREHOUSE", "LYON")

    loaded = settings.load()

    assert loaded.orders.largest_rounding == Decimal("0.02")
    assert loaded.orders.warehouse == "LYON"


def test_secrets_are_masked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings tree can be printed."""
    file.write_text("")
    monkeypatch.setenv("SYNCLINE_TRYTON__API_KEY", "very-secret")

    loaded = settings.load()

    assert "very-secret" not in repr(loaded)
    assert loaded.tryton.api_key.get_secret_value() == "very-secret"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[orders]\nwarehuose = "WH"\n', "syncline.toml:2: orders.warehuose: no such setting"),
        ('[stock]\n\nsafety = "a lot"\n', "syncline.toml:3: stock.safety: "),
        ("[sinks]\nkeys_in_flight = 0\n", "syncline.toml:2: sinks.keys_in_flight: "),
        ("[orders\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_names_the_line(file: Path, text: str, sentence: str) -> None:
    """What is wrong, where, and what would be right."""
    file.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        settings.load()

    assert sentence in str(caught.value)
