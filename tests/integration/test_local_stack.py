"""The whole local stack with the real systems: its status, a second `up`, and kill -9."""

import os
import signal
import stat
from collections.abc import Mapping
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from rich.console import Console

from ops.local import control, status
from ops.local.progress import Reporter
from ops.local.settings import LocalSettings
from ops.local.up import up
from runtime.admin import Admin
from runtime.kafka import Cluster
from schemas.topics import topics

pytestmark = pytest.mark.stack

_ALL = {
    *("kafka", "connect", "registry", "postgres", "erp", "shop"),
    *("streams-orders", "streams-stock", "sink-tryton", "sink-vendure"),
}


def test_status_tells_every_process(stack: Mapping[str, Any]) -> None:
    """Other programs read exactly this form."""
    processes = stack["processes"]

    assert {entry["name"] for entry in processes} == _ALL
    assert {entry["state"] for entry in processes} == {"running"}
    for entry in processes:
        assert set(entry) == {"name", "state", "pid", "port", "rss_bytes", "uptime_s"}
        assert entry["rss_bytes"] > 0


def test_status_tells_every_endpoint_and_credential(stack: Mapping[str, Any]) -> None:
    """Any program can be pointed at the stack with nothing but this."""
    found = stack["endpoints"]
    shop = found["shop"]
    with httpx.Client(timeout=30) as client:
        assert client.get(f"{found['registry']}/subjects").status_code == 200
        assert {"tryton", "vendure"} <= set(client.get(f"{found['connect']}/connectors").json())
        login = client.post(
            shop["admin_api"],
            json={
                "query": "mutation($u: String!, $p: String!) {"
                " login(username: $u, password: $p) { __typename } }",
                "variables": {"u": shop["username"], "p": shop["password"]},
            },
        )
        parties = client.get(
            f"{found['erp']['url']}/{found['erp']['database']}/rest/model/party.party",
            headers={"Authorization": f"Bearer {found['erp']['api_key']}"},
        )
    with psycopg.connect(found["erp"]["dsn"]) as erp, psycopg.connect(shop["dsn"]) as database:
        assert erp.execute("SELECT 1").fetchone() == (1,)
        assert database.execute("SELECT 1").fetchone() == (1,)

    assert login.json()["data"]["login"]["__typename"] == "CurrentUser"
    assert parties.status_code == 200
    assert set(Admin.connect(Cluster(found["kafka"])).topics()) >= {t.name for t in topics()}


def test_everything_listens_on_the_loopback_interface_only(stack: Mapping[str, Any]) -> None:
    """A demo must not open the machine to its network."""
    family = {
        member.pid
        for entry in stack["processes"]
        for member in [
            psutil.Process(entry["pid"]),
            *psutil.Process(entry["pid"]).children(recursive=True),
        ]
    }
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.laddr and connection.status == psutil.CONN_LISTEN and connection.pid in family
    }

    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_files_with_secrets_are_their_owners_only(stack_home: LocalSettings) -> None:
    """Passwords, endpoints with credentials, and the processes' environments."""
    for name in ("secrets.json", "endpoints.json", "specs.json"):
        assert stat.S_IMODE((stack_home.run / name).stat().st_mode) == 0o600


def test_a_second_up_changes_nothing(stack_home: LocalSettings) -> None:
    """Every process is the same as before."""
    before = _pids(stack_home)
    _up(stack_home)

    assert _pids(stack_home) == before


def test_up_heals_after_kill_9_of_anything(stack_home: LocalSettings) -> None:
    """The broker and Connect are killed, then the supervisor with all that it watched."""
    for name in ("kafka", "connect"):
        pid = control.seen(stack_home)[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    _up(stack_home)
    healed = _pids(stack_home)
    supervisor = control.supervisor(stack_home)
    assert supervisor is not None
    assert supervisor.pid is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    _up(stack_home)
    now = _pids(stack_home)

    assert set(now) == _ALL
    assert not set(now.values()) & set(healed.values())
    assert {row.state for row in status.rows(stack_home)} == {"running"}


def _up(settings: LocalSettings) -> None:
    with Reporter(Console(stderr=True)) as report:
        up(settings, report)


def _pids(settings: LocalSettings) -> dict[str, int | None]:
    return {row.name: row.pid for row in status.rows(settings)}
