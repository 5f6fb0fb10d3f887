"""
Schemas in, their numbers out: the schema registry, over its Confluent-compatible API.

Source: https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from runtime.errors import (
    ConfigurationError,
    IncompatibleSchemaError,
    PlatformError,
    UnavailableError,
)

COMPATIBILITY = "BACKWARD_TRANSITIVE"


@dataclass(slots=True)
class SchemaRegistry:
    """
    A registry at *url*, its answers remembered: a number never changes its schema.

    Raises UnavailableError while it does not answer, IncompatibleSchemaError when it refuses
    a schema: a reader of today must be able to read what was written under every older one.
    """

    url: str
    transport: httpx.BaseTransport | None = None
    _http: httpx.Client = field(init=False)
    _ids: dict[tuple[str, str], int] = field(default_factory=dict)
    _schemas: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.url, timeout=5, transport=self.transport)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Return the id of *schema* under *subject*, registering it if it is new."""
        text = json.dumps(schema, sort_keys=True)
        known = self._ids.get((subject, text))
        if known is not None:
            return known
        self._set_rule(subject)
        answer = self._call("POST", f"/subjects/{subject}/versions", {"schema": text})
        schema_id = int(answer["id"])
        self._ids[subject, text] = schema_id
        self._schemas[schema_id] = schema
        return schema_id

    def schema(self, schema_id: int) -> dict[str, Any]:
        """Return the schema that has this id."""
        if schema_id not in self._schemas:
            answer = self._call("GET", f"/schemas/ids/{schema_id}")
            self._schemas[schema_id] = json.loads(answer["schema"])
        return self._schemas[schema_id]

    def _set_rule(self, subject: str) -> None:
        """Set the rule before the schema comes, so that it already judges the second version."""
        try:
            self._call("PUT", f"/config/{subject}", {"compatibility": COMPATIBILITY})
        except IncompatibleSchemaError:
            # Apicurio's answer when another worker sets the same rule in the same moment.
            found = self._call("GET", f"/config/{subject}").get("compatibilityLevel")
            if found != COMPATIBILITY:
                raise

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        # Relative to the base URL, which has a path of its own (/apis/ccompat/v7).
        try:
            response = self._http.request(method, path.lstrip("/"), json=body)
        except httpx.TransportError as error:
            raise UnavailableError(
                f"the schema registry at {self.url} does not answer ({error}); is it up?"
            ) from error
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _meaning(f"{method} {path}", response)


def _meaning(call: str, response: httpx.Response) -> PlatformError:
    said = f"{call}: the schema registry answered {response.status_code}: {response.text[:300]}"
    match response.status_code:
        case 409:
            return IncompatibleSchemaError(
                f"{said}; {COMPATIBILITY} is the rule: give a new field a default,"
                " or make a new entity version"
            )
        case status if status >= 500:
            return UnavailableError(said)
    return ConfigurationError(said)
