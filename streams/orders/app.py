"""Settings in, the running app of orders and references out: the composition root."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import orjson

from runtime.avro import AvroCodec
from runtime.kafka import Follower
from runtime.registry import SchemaRegistry
from runtime.settings import Settings
from runtime.tail import Tail
from schemas import topics
from streams.app import batch_app, dead_letters
from streams.batch import BatchApp, run
from streams.orders.gather import Desk, gather
from streams.orders.references import FollowedReferences
from streams.orders.release import SOURCE, TARGET, Reached, Release
from streams.references import REFERENCES, publish
from streams.watermark import Watermark

GROUP = "streams.orders"
SWEEP_SECONDS = 0.03


def now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Followed:
    """What the app knows from topics that it reads aside."""

    references: FollowedReferences
    reached: Reached


def build(settings: Settings, known: Followed) -> BatchApp:
    """Wire the agents; nothing runs yet."""
    app = batch_app(settings, GROUP)
    buried = dead_letters(settings, GROUP)
    codec = AvroCodec(SchemaRegistry(settings.registry.url), TARGET, "order")
    codec.register()  # a registry that is down stops the start, not an order on its way
    desk = Desk(app.batch_table("orders"), app.batch_table("marks"))
    said = app.batch_table("references")
    for reference in REFERENCES:
        app.batch_agent(reference.source, tables=[said], name=reference.topic)(
            partial(publish, reference=reference, table=said, dead_letters=buried)
        )
    app.batch_agent(SOURCE, tables=[desk.orders, desk.marks], name="orders")(
        partial(gather, desk=desk, dead_letters=buried, clock=now)
    )
    app.sweep(every=SWEEP_SECONDS, tables=[desk.orders, desk.marks])(
        Release(
            desk=desk,
            references=known.references,
            codec=codec,
            reached=known.reached,
            dead_letters=buried,
            wait_seconds=settings.orders.wait_seconds,
            clock=now,
        )
    )
    return app


@contextmanager
def following(settings: Settings) -> Iterator[Followed]:
    """Follow what orders refer to, and the shop's commits, for as long as the block lasts."""
    cluster = settings.kafka.cluster
    variants, customers = (
        Follower(
            cluster,
            topics.reference("vendure", what),
            decode=orjson.loads,
            client_id=f"{GROUP}.{what}",
        )
        for what in ("variant", "customer")
    )
    watermark = Watermark(SOURCE)
    tail = Tail(
        cluster,
        topics.transaction("vendure"),
        take=watermark.take,
        pause=watermark.pause,
        client_id=f"{GROUP}.commits",
    )

    def reached(partition: int, next_offset: int) -> int:
        tail.check()  # a thread that died must not look like a quiet shop
        return watermark.reached(partition, next_offset)

    with ExitStack() as stack:
        for reader in (variants, customers, tail):
            reader.start()
            stack.callback(reader.stop)
        for reader in (variants, customers, tail):
            reader.wait_until_caught_up()
        yield Followed(FollowedReferences(variants, customers), reached)


def main(settings: Settings) -> int:
    """Run until told to stop; the exit code says whether it ended well."""
    with following(settings) as known:
        return run(build(settings, known))
