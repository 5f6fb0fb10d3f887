"""
Every error the platform raises on purpose, grouped by what to do about it.

* PlatformError
  x FatalError          stop the worker, commit nothing; a person must act
    + ConfigurationError
    + IncompatibleSchemaError
  x TransientError      wait, then try the same record again
    + UnavailableError
    + RateLimitedError
    + UnknownOutcomeError
  x RecordError         send the record to the dead-letter topic, carry on
    + MappingError
    + RejectedError

Catch one of the three middle classes, never a leaf and never ``Exception``.
"""


class PlatformError(Exception):
    """Root of the tree."""


class FatalError(PlatformError):
    """No record can be handled until a person acts."""


class ConfigurationError(FatalError):
    """A setting is missing or wrong, credentials included."""


class IncompatibleSchemaError(FatalError):
    """The registry holds a schema that ours may not follow."""


class TransientError(PlatformError):
    """
    The same call may succeed later.

    Attributes:
        retry_after: Seconds the other side asked us to wait, if it said.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(TransientError):
    """The other side did not answer, or answered that it is down."""


class RateLimitedError(TransientError):
    """The other side asked for fewer calls."""


class UnknownOutcomeError(TransientError):
    """The call was sent and no answer came: look up what happened before trying again."""


class RecordError(PlatformError):
    """The record will never succeed as it is; its neighbours may."""


class MappingError(RecordError):
    """A source row does not fit the canonical schema."""


class RejectedError(RecordError):
    """The target understood the record and refused it."""
