"""A running stack becomes a stopped one, and with `wipe` as if it had never run."""

import shutil

from ops.local import control, postgres
from ops.local.cache import locked
from ops.local.settings import LocalSettings


def down(settings: LocalSettings, *, wipe: bool = False) -> list[str]:
    """Stop everything, and say what was done."""
    said = []
    if settings.run.is_dir():
        with locked(settings.run / ".up.lock"):
            if control.stop(settings):
                said.append("Stopped.")
    if wipe:
        postgres.remove(settings)
        shutil.rmtree(settings.run, ignore_errors=True)
        said.append(f"Deleted {settings.run.name}/; caches stay.")
    return said or ["Nothing was running."]
