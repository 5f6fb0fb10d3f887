"""
Canonical records in, a target system made to agree, offsets committed last.

One kind of worker for every entity and target. Each key is a *lane*: its records are handled one
at a time, in log order (Invariant 3), while the lanes go side by side. A record leaves the worker
in one of two ways, the target took it and the ledger says so, or the dead letters have it; only
then does its offset count as finished, and only the contiguous prefix is committed (Invariant 1).
"""

from sinks.worker.batching import Batched
from sinks.worker.breaker import Breaker
from sinks.worker.route import Limits, Route, direct
from sinks.worker.run import Worker

__all__ = ["Batched", "Breaker", "Limits", "Route", "Worker", "direct"]
