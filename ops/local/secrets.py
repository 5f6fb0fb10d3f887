"""A set of names becomes generated passwords, kept in run/secrets.json (mode 600)."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write *text* atomically to a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def ensure(path: Path, names: Iterable[str]) -> Mapping[str, str]:
    """Read the passwords kept at *path* and generate those of *names* that are missing."""
    kept: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    missing = [name for name in names if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(path, json.dumps(kept, indent=2) + "\n")
    return kept
