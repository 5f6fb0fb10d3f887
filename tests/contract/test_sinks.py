"""What every sink must do, whatever its target: write once, map outcomes, survive lost answers."""

import httpx
import pytest

from runtime.errors import (
    FatalError,
    RateLimitedError,
    RecordError,
    TransientError,
    UnavailableError,
)
from tests.contract.cases import CASES, Case, Wire

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

READ_TIMEOUT = httpx.ReadTimeout("no answer")


async def clean(case: Case) -> Wire:
    """A target to which the record was written without trouble."""
    wire = Wire(case.target())
    await case.write(wire)()
    return wire


async def test_a_record_is_written(case: Case) -> None:
    """And the answer names what the target made of it."""
    wire = Wire(case.target())
    empty = wire.target.state()
    applied = await case.write(wire)()

    assert applied.outcome in {"created", "updated"}
    assert applied.target_id
    assert wire.target.state() != empty


async def test_a_replay_changes_nothing(case: Case) -> None:
    """Invariant 4: by the same process, or by one that has just started."""
    wire = Wire(case.target())
    write = case.write(wire)
    first = await write()
    state = wire.target.state()

    again = await write()
    anew = await case.write(wire)()

    assert (again.outcome, again.target_id) == ("unchanged", first.target_id)
    assert anew == again
    assert wire.target.state() == state


async def test_a_lost_answer_at_any_call_is_transient_and_harmless(case: Case) -> None:
    """Timed out after the target had done it: look up, go on, end in the same place."""
    expected = await clean(case)
    for call in range(1, expected.sent + 1):
        wire = Wire(case.target(), after={call: READ_TIMEOUT})
        with pytest.raises(TransientError):
            await case.write(wire)()
        await case.write(wire)()  # a new process: nothing remembered
        assert wire.target.state() == expected.target.state(), f"answer {call} was lost"


async def test_a_failure_at_any_call_is_harmless(case: Case) -> None:
    """The target was down at some call: the same process tries again and ends in the same place."""
    expected = await clean(case)
    for call in range(1, expected.sent + 1):
        wire = Wire(case.target(), before={call: lambda _request: httpx.Response(503)})
        write = case.write(wire)
        with pytest.raises(TransientError):
            await write()
        await write()
        assert wire.target.state() == expected.target.state(), f"call {call} failed"


async def test_a_call_that_reaches_the_target_twice_is_harmless(case: Case) -> None:
    """A first try taken for lost was only slow: the second is refused, or changes nothing."""
    expected = await clean(case)
    for call in range(1, expected.sent + 1):
        wire = Wire(case.target())

        def twice(request: httpx.Request, wire: Wire = wire) -> httpx.Response:
            wire.target(request)
            return wire.target(request)

        wire.before[call] = twice
        await case.write(wire)()
        assert wire.target.state() == expected.target.state(), f"call {call} came twice"


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_target_that_is_down_is_transient(case: Case, status: int) -> None:
    """Wait, then the same record again."""
    wire = Wire(case.target(), before={1: lambda _request: httpx.Response(status, text="<p>x</p>")})
    with pytest.raises(TransientError):
        await case.write(wire)()


async def test_a_target_that_cannot_be_reached_is_unavailable(case: Case) -> None:
    """Nothing was sent, so there is nothing to look up."""

    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(UnavailableError, match="does not answer"):
        await case.write(Wire(case.target(), before={1: refuse}))()


async def test_a_request_for_fewer_calls_says_for_how_long(case: Case) -> None:
    """Retry-After reaches the worker."""
    answer = httpx.Response(429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimitedError) as caught:
        await case.write(Wire(case.target(), before={1: lambda _request: answer}))()

    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_stop_the_worker(case: Case, status: int) -> None:
    """No record can be written until a person acts."""
    always = dict.fromkeys(range(1, 9), lambda _request: httpx.Response(status))
    with pytest.raises(FatalError):
        await case.write(Wire(case.target(), before=always))()


async def test_a_refused_record_is_its_own_problem(case: Case) -> None:
    """The last write of the record is refused: dead letter, the worker goes on."""
    expected = await clean(case)
    refuse = {n: lambda _request: case.refusal for n in range(3, expected.sent + 9)}
    with pytest.raises(RecordError, match="A value is"):
        await case.write(Wire(case.target(), before=refuse))()


async def test_what_the_target_does_not_know_is_named(case: Case) -> None:
    """The sentence says what to create, or which setting to add."""
    wire = Wire(case.target())
    empty = wire.target.state()
    with pytest.raises(RecordError, match=case.unknown):
        await case.write_unknown(wire)()

    assert wire.target.state() == empty
