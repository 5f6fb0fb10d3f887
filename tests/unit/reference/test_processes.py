"""What the runtime is told about the two reference systems: facts, and no secret in the open."""

from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.reference import tryton, vendure
from ops.reference.commands import run
from ops.reference.database import address

SECRET = "not-for-everyone"  # noqa: S105 - no real one
ADMIN = "postgresql://postgres:other@127.0.0.1:5432/postgres"
SHOP = vendure.ShopSeed(
    database="shop",
    dsn=f"postgresql://shop:{SECRET}@127.0.0.1:5432/shop",
    username="syncline@localhost.invalid",
    password=SECRET,
    api_key=SECRET,
    superadmin_username="owner",
    superadmin_password=SECRET,
    cookie_secret=SECRET,
)


def test_a_systems_address_is_on_the_superusers_server_under_its_own_role() -> None:
    """The systems log in as themselves, never as superuser."""
    assert address(ADMIN, user="erp", password=SECRET, database="erp") == (
        f"postgresql://erp:{SECRET}@127.0.0.1:5432/erp"
    )


def test_the_erps_secrets_are_neither_in_its_arguments_nor_in_its_files(tmp_path: Path) -> None:
    """Arguments can be read by everyone on the machine; the environment cannot."""
    dsn = address(ADMIN, user="erp", password=SECRET, database="erp")
    spec = tryton.serve(tmp_path / "venv", tmp_path / "work", dsn, "erp", 8000)

    assert SECRET not in " ".join(spec.argv)
    assert SECRET not in (tmp_path / "work" / "trytond.conf").read_text()
    assert spec.env["TRYTOND_DATABASE__URI"] == f"postgresql://erp:{SECRET}@127.0.0.1:5432/"


def test_the_erp_listens_on_loopback_at_the_port_it_is_given(tmp_path: Path) -> None:
    """Nothing of the local stack is open to the network."""
    spec = tryton.serve(tmp_path / "venv", tmp_path / "work", ADMIN, "erp", 8000)

    assert "listen = 127.0.0.1:8000" in (tmp_path / "work" / "trytond.conf").read_text()
    assert (spec.port, spec.ready.target.startswith("http://127.0.0.1:8000/")) == (8000, True)


def test_the_shop_has_its_secrets_by_environment_and_its_clock_in_utc(tmp_path: Path) -> None:
    """The shop's columns carry no time zone: what its process thinks is what is stored."""
    spec = vendure.serve(tmp_path / "app", tmp_path / "work", SHOP, 3000)

    assert SECRET not in " ".join(spec.argv)
    assert (spec.env["TZ"], spec.env["SHOP_DB_NAME"]) == ("UTC", "shop")


def test_secrets_are_not_shown_when_a_seed_is_printed() -> None:
    """A seed may end up in a log."""
    assert SECRET not in repr(SHOP)


def test_a_command_that_fails_says_what_it_was_for_and_what_it_said() -> None:
    """A person sees the command's own last words, not a traceback."""
    with pytest.raises(OpsError, match=r"Counting failed with exit code 3[\s\S]*no numbers left"):
        run(["sh", "-c", "echo no numbers left; exit 3"], doing="Counting")
