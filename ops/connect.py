"""A connector's configuration goes to Connect, and what became of it comes back in a sentence."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ops.errors import OpsError


@dataclass(frozen=True, slots=True)
class Health:
    """A connector and its task: RUNNING, or why not."""

    name: str
    state: str
    cause: str = ""

    @property
    def is_running(self) -> bool:
        """Say whether rows flow."""
        return self.state == "RUNNING"


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect's REST interface; one that does not answer is given *patience_seconds* to."""

    client: httpx.Client
    patience_seconds: float = 0

    def register(self, name: str, config: Mapping[str, str]) -> bool:
        """Make the connector have *config*, and say whether that changed anything."""
        current = self._get(f"/connectors/{name}/config")
        if current is not None and current == {**config, "name": name}:
            return False
        response = self._ask("PUT", f"/connectors/{name}/config", json=dict(config))
        if response.status_code >= 400:
            raise OpsError(
                f"{name}: Connect refuses the configuration ({response.status_code}): "
                f"{_sentence(response)}"
            )
        return True

    def health(self, name: str) -> Health | None:
        """Look at a connector; None when Connect does not know it (yet)."""
        status = self._get(f"/connectors/{name}/status")
        if status is None:
            return None
        parts = [status["connector"], *status["tasks"]]
        for part in parts:
            if part["state"] == "FAILED":
                return Health(name, "FAILED", cause(part.get("trace", "")))
        waiting = [part["state"] for part in parts if part["state"] != "RUNNING"]
        if waiting or len(parts) < 2:
            return Health(name, waiting[0] if waiting else "STARTING")
        return Health(name, "RUNNING")

    def wait_running(self, name: str, deadline_seconds: float = 60) -> None:
        """Wait until rows flow; a failed task is started again once, then reported."""
        end = time.monotonic() + deadline_seconds
        restarted = False
        health = None
        while time.monotonic() < end:
            health = self.health(name)
            if health is not None and health.is_running:
                return
            if health is not None and health.state == "FAILED":
                if restarted:
                    break
                restarted = True
                self.restart(name)
                time.sleep(1)
            time.sleep(0.2)
        why = (health.cause or health.state) if health else "Connect does not know it"
        raise OpsError(
            f"Connector {name} does not run: {why} "
            "Mend that, then `syncline connectors apply`; `syncline logs connect` has the rest."
        )

    def restart(self, name: str) -> None:
        """Start a connector and its failed tasks again."""
        self._ask("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")

    def _get(self, path: str) -> Any:
        response = self._ask("GET", path)
        if response.status_code == 404:
            return None
        if response.status_code >= 400:
            raise OpsError(f"Connect answers {response.status_code}: {_sentence(response)}")
        return response.json()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Connect; while its group rebalances it says 409, which is a matter of seconds."""
        began = time.monotonic()
        end = began + 60
        while True:
            try:
                response = self.client.request(method, path, **more)
            except httpx.TransportError as error:
                if time.monotonic() < began + self.patience_seconds:
                    time.sleep(0.3)
                    continue
                raise OpsError(
                    f"Connect does not answer at {self.client.base_url}: {error}. "
                    "Is it up? `syncline status` tells."
                ) from error
            busy = response.status_code == 409 or (
                response.status_code == 500 and "timed out" in response.text.lower()
            )
            if not busy or time.monotonic() > end:
                return response
            time.sleep(0.3)


def cause(trace: str) -> str:
    """Give the innermost cause of a Java stack trace as one sentence."""
    heads = [line for line in trace.splitlines() if line and not line.startswith(("\t", " "))]
    causes = [line.removeprefix("Caused by: ") for line in heads]
    innermost = causes[-1] if causes else trace
    text = re.sub(r"^[\w.$]+(Exception|Error): ", "", innermost).strip()
    return text if text.endswith(".") else f"{text}."


def _sentence(response: httpx.Response) -> str:
    if "ConfigValueInfo.errors()" in response.text:
        # Debezium's complaint about a database it cannot reach trips Connect's own validation.
        return (
            "it cannot connect to the database. Is that up, and are the SYNCLINE_CAPTURE_… "
            "values in Connect's environment right? `syncline logs connect` has its words."
        )
    try:
        message = response.json().get("message", response.text)
    except ValueError:
        message = response.text
    return " ".join(str(message).split())[:600]
