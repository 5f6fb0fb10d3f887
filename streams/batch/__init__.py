"""
Topics in, durable outputs and tables out: the one way this repo reads a stream.

Agents read batches, one fetched run of one partition each; what they send and set is
confirmed by the broker before the batch is acknowledged.
"""

from streams.batch.app import BatchApp
from streams.batch.outbox import Outbox
from streams.batch.reading import Reading
from streams.batch.records import Batch, Headers, Outgoing, Record
from streams.batch.run import run
from streams.batch.table import JSON, RAW, Codec, Table, View

__all__ = [
    "JSON",
    "RAW",
    "Batch",
    "BatchApp",
    "Codec",
    "Headers",
    "Outbox",
    "Outgoing",
    "Reading",
    "Record",
    "Table",
    "View",
    "run",
]
