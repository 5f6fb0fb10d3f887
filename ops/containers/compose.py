"""Settings in, `docker compose` run on docker-compose.yml out, or the last words when it fails."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ops.containers.secrets import directory
from ops.errors import OpsError
from ops.local.settings import ROOT, LocalSettings

FILE = ROOT / "docker-compose.yml"


@dataclass(frozen=True, slots=True)
class Compose:
    """One project: its name, what the file's variables stand for, and the program that reads it."""

    project: str
    environment: Mapping[str, str]
    program: tuple[str, ...]

    def run(self, *arguments: str, doing: str) -> str:
        """Run one command to its end and give its output; *doing* names it in the error."""
        done = subprocess.run(
            [*self.program, "--file", str(FILE), "--project-name", self.project, *arguments],
            cwd=ROOT,
            env=os.environ | dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = "\n".join(_spoken(done.stdout + done.stderr)[-8:])
            raise OpsError(f"{doing} failed. Compose said last:\n{said}")
        return done.stdout

    def containers(self) -> list[Mapping[str, Any]]:
        """Give what the engine knows of every container of this project."""
        label = f"label=com.docker.compose.project={self.project}"
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        return list(json.loads(docker("inspect", *ids))) if ids else []


def of(settings: LocalSettings) -> Compose:
    """Give the compose project of one state directory; two directories are two projects."""
    ports = settings.ports
    return Compose(
        project=project(settings),
        environment={
            "SYNCLINE_SECRETS": str(directory(settings.home)),
            "SYNCLINE_PORT_KAFKA": str(ports.kafka),
            "SYNCLINE_PORT_REGISTRY": str(ports.registry),
            "SYNCLINE_PORT_ERP": str(ports.erp),
            "SYNCLINE_PORT_SHOP": str(ports.shop),
        },
        program=_program(),
    )


def project(settings: LocalSettings) -> str:
    """Name the project: plain for the repository's own state directory."""
    if settings.home == ROOT / ".syncline":
        return "syncline"
    return f"syncline-{sha256(str(settings.home).encode()).hexdigest()[:8]}"


def service(container: Mapping[str, Any]) -> str:
    """Give the name that a container has in the compose file."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def engine_answers() -> bool:
    """Say whether a Docker engine answers here."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


def pinned() -> dict[str, str]:
    """Give the images that the compose file pins, by the short name they have there."""
    block = FILE.read_text().split("x-images:", 1)[1].split("\n\n", 1)[0]
    return dict(re.findall(r"^  ([\w-]+): &[\w-]+ (\S+)$", block, re.MULTILINE))


def is_here(image: str) -> bool:
    """Say whether the engine has *image*."""
    command = ["docker", "image", "inspect", image]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def docker(*arguments: str) -> str:
    """Run one command of the engine's client."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(_spoken(done.stderr)[-2:])
        raise OpsError(f"`docker {arguments[0]}` failed: {said}")
    return done.stdout


def _program() -> tuple[str, ...]:
    """Find Compose: the client's plugin, or the program of its own that came before it."""
    if not engine_answers():
        raise OpsError(
            "No Docker engine answers: start one, or use `syncline up --runtime local`, "
            "which needs none."
        )
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise OpsError(
        "Docker is here and Compose is not: install the package `docker-compose-plugin` "
        "(Debian: `docker-compose`), or use `syncline up --runtime local`."
    )


def _spoken(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
