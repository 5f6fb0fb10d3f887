"""A record and the button to press in, the record in its next state out."""

from collections.abc import Sequence

from runtime.errors import RejectedError
from sinks.tryton.client import Record, TrytonClient


async def press(
    erp: TrytonClient, model: str, record: Record, button: str, fields: Sequence[str]
) -> Record:
    """
    Press *button* of *record*, whose state was just read.

    Refused because the record has moved on meanwhile (by a first try that we took for lost, or
    by a person) is as good as done: the record comes back as it is now (Invariant 4).
    """
    try:
        return await erp.press(model, record["id"], button, fields)
    except RejectedError:
        now = await erp.get(model, record["id"], fields)
        if now["state"] == record["state"]:
            raise
        return now
