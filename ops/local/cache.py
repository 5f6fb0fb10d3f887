"""Inputs become a directory under .syncline/cache: built once per content, never half built."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def digest(parts: Iterable[bytes]) -> str:
    """Name a set of inputs."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold *path* against other processes; it is let go even by kill -9."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built(cache: Path, thing: str, key: str, build: Callable[[Path], None]) -> Path:
    """
    Give the directory of *thing* made from the inputs named *key*, building it if it is not there.

    A build happens in a draft that is renamed when it is complete: an interrupted one leaves
    nothing that could be mistaken for a result.
    """
    place = cache / f"{thing}-{key}"
    if place.is_dir():
        return place
    with locked(cache / f".{thing}.lock"):
        if place.is_dir():
            return place
        draft = cache / f".{thing}-{key}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        build(draft)
        draft.rename(place)
    return place
