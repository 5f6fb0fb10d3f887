"""Installed versions in, nothing or a sentence out: the private parts we lean on are there."""

from importlib.metadata import version
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.consumer.consumer import AIOKafkaConsumer
from faust.app import base
from faust.tables import manager, recovery
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver
from mode import threads

from runtime.errors import FatalError

PINNED = {"faust-streaming": "0.15.", "aiokafka": "0.14."}

LEANED_ON: dict[Any, tuple[str, ...]] = {
    fetcher.Fetcher: ("_create_fetch_waiter", "_notify"),
    fetcher.FetchResult: ("check_assignment", "has_more", "_update_position"),
    fetcher.PartitionRecords: ("_consume_aborted_up_to", "_contains_abort_marker"),
    AIOKafkaConsumer: ("topics", "partitions_for_topic", "seek_to_committed"),
    driver.AIOKafkaConsumerThread: ("_create_worker_consumer", "_fetch_records"),
    consumer.Consumer: (
        "_wait_next_records",
        "_new_offset",
        "_filter_tps_with_pending_acks",
        "_add_gap",
        "perform_seek",
        "on_buffer_full",
    ),
    threads.ServiceThread: ("_thread",),
    recovery.Recovery: ("_slurp_changelogs", "_seek_offsets", "need_recovery", "flush_buffers"),
    manager.TableManager: ("recovery", "changelog_queue", "_update_channels"),
    base.App: ("_new_transport", "_new_producer_transport", "on_rebalance_end"),
}


def check_pins() -> None:
    """
    Refuse to read with libraries whose insides are not the ones this was tested with.

    Raises:
        FatalError: Another version is installed, or a private attribute is gone.
    """
    for package, wanted in PINNED.items():
        found = version(package)
        if not found.startswith(wanted):
            raise FatalError(
                f"{package}: {found} is installed and streams/batch was tested with {wanted}*;"
                " install the locked versions, or test again and raise the pin"
            )
    for owner, names in LEANED_ON.items():
        missing = [name for name in names if not hasattr(owner, name)]
        if missing:
            raise FatalError(
                f"{owner.__module__}.{owner.__qualname__}: {', '.join(missing)} is gone;"
                " streams/batch leans on it: install the locked versions"
            )
