"""
An ignored directory in, the secrets that docker-compose.yml mounts out.

By hand: `python -m ops.containers.secrets`.

A secret that exists is kept. The directory is closed to others; the files in it are readable,
because each container reads them as its own user.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.local.settings import load

CAPTURE_DATABASES: Mapping[str, str] = {"tryton": "erp", "vendure": "shop"}
_GENERATED = ("postgres", "erp_db", "shop_db", "shop_owner", "shop_cookie")
_CAPTURE = tuple(f"capture_{system}" for system in CAPTURE_DATABASES)


def ensure(place: Path) -> None:
    """Generate what is missing under *place*."""
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    for name in (*_GENERATED, *_CAPTURE):
        if not (place / name).is_file():
            _write(place / name, secrets.token_urlsafe(24))
    # What Connect's ${env:…} references stand for, in the form its shell reads.
    lines = [
        f"SYNCLINE_{name.upper()}_PASSWORD={(place / name).read_text().strip()}"
        for name in _CAPTURE
    ]
    _write(place / "connect", "\n".join(lines))


def directory(home: Path) -> Path:
    """Give the place of the secrets under the state directory."""
    return home / "containers" / "secrets"


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text + "\n":
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text + "\n")
    draft.chmod(0o444)
    draft.replace(path)


if __name__ == "__main__":
    where = directory(load().home)
    ensure(where)
    sys.stdout.write(f"The secrets for the containers are in {where}.\n")
