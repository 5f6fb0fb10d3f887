"""jars/pom.xml becomes a directory of jars: Kafka, Connect, Debezium and the registry."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OpsError
from ops.local import cache, java

POM = Path(__file__).parent / "jars" / "pom.xml"
LOGGING = POM.with_name("log4j2.xml")
# The certificates of the machine, where its Java package keeps them: behind a company's proxy
# the wheel's own list is not enough.
_CERTIFICATES = Path("/etc/ssl/certs/java/cacerts")


@dataclass(frozen=True, slots=True)
class Jars:
    """Where the jars are."""

    root: Path

    @property
    def classpath(self) -> str:
        """Kafka and Connect, for ``-cp``; their log settings are read from a property instead."""
        return str(self.root / "kafka" / "*")

    @property
    def plugins(self) -> Path:
        """Connect's plugin.path."""
        return self.root / "plugins"

    @property
    def registry(self) -> Path:
        """The registry's runnable jar."""
        return self.root / "registry" / "quarkus-run.jar"


def build(cache_root: Path, progress: Callable[[str], None]) -> Jars:
    """Fetch every jar once per content of the pom."""

    def fetch(draft: Path) -> None:
        progress("downloading jars with Maven")
        _run_maven(draft)
        progress("unpacking")
        for archive, target in (("debezium", "plugins"), ("registry", "registry")):
            path = draft / "archives" / f"{archive}.tar.gz"
            with tarfile.open(path) as tar:
                tar.extractall(draft / target, filter="data")
            path.unlink()
        _flatten(draft / "registry", "quarkus-run.jar")

    return Jars(cache.built(cache_root, "jars", cache.digest([POM.read_bytes()]), fetch))


def _run_maven(output: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise OpsError("Maven is not installed: `apt-get install maven`, or put mvn on the PATH.")
    # A copy, so that Maven leaves no `target` beside the pom of the repository.
    shutil.copy(POM, output / "pom.xml")
    done = subprocess.run(
        [mvn, "-q", "-B", "-f", str(output / "pom.xml"), "package", f"-Djars.output={output}"],
        env=_maven_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        wrong = [line for line in done.stdout.splitlines() if "[ERROR]" in line]
        reason = wrong[0] if wrong else (done.stdout + done.stderr)[-300:]
        raise OpsError(f"Maven could not fetch the jars of {POM.name}: {reason}")


def _maven_environment(environ: Mapping[str, str]) -> dict[str, str]:
    options = [environ.get("MAVEN_OPTS", ""), "--sun-misc-unsafe-memory-access=allow"]
    if _CERTIFICATES.is_file():
        options.append(f"-Djavax.net.ssl.trustStore={_CERTIFICATES}")
    return {**environ, "JAVA_HOME": str(java.home()), "MAVEN_OPTS": " ".join(options).strip()}


def _flatten(folder: Path, landmark: str) -> None:
    """Lift the folder that holds *landmark* to *folder*: archives differ in their top directory."""
    found = next(folder.rglob(landmark)).parent
    if found != folder:
        for entry in found.iterdir():
            entry.rename(folder / entry.name)
