"""Inputs in, a directory that is built once out."""

from pathlib import Path

import pytest

from ops.local import cache, secrets


def test_a_thing_is_built_once(tmp_path: Path) -> None:
    """The second time it is found."""
    builds: list[Path] = []

    def build(draft: Path) -> None:
        builds.append(draft)
        (draft / "file").write_text("x")

    places = {cache.built(tmp_path, "thing", "1", build) for _ in range(2)}

    assert len(builds) == 1
    assert (places.pop() / "file").read_text() == "x"


def test_a_broken_build_leaves_nothing_that_looks_like_a_result(tmp_path: Path) -> None:
    """The next attempt starts from an empty draft."""

    def broken(draft: Path) -> None:
        (draft / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.built(tmp_path, "thing", "1", broken)
    place = cache.built(tmp_path, "thing", "1", lambda draft: (draft / "whole").touch())

    assert [entry.name for entry in place.iterdir()] == ["whole"]


def test_different_inputs_have_different_names() -> None:
    """Where one part ends and the next begins counts too."""
    assert cache.digest([b"ab", b"c"]) != cache.digest([b"a", b"bc"])
    assert cache.digest([b"a"]) == cache.digest([b"a"])


def test_secrets_are_generated_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    """A later start adds what is new and keeps what is there."""
    path = tmp_path / "secrets.json"
    first = secrets.ensure(path, ["a"])
    second = secrets.ensure(path, ["a", "b"])

    assert second["a"] == first["a"]
    assert second["b"] != second["a"]
    assert path.stat().st_mode & 0o777 == 0o600
