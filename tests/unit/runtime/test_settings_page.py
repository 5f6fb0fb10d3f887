"""The page about settings names every setting."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from runtime.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("section", sorted(Settings.model_fields))
def test_every_setting_is_on_the_page(section: str) -> None:
    """Settings are documentation: one that is not explained does not exist."""
    page = PAGE.read_text(encoding="utf-8")
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)

    missing = [
        name
        for name in model.model_fields
        if f"`{name}`" not in page and f"`{section}.{name}`" not in page
    ]

    assert missing == []
