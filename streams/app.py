"""Settings in, the parts that every Faust app is made of out."""

from runtime.dead_letters import DeadLetterLimit
from runtime.producer import confirming
from runtime.settings import Settings
from schemas import topics
from streams.batch import BatchApp, Reading
from streams.dead_letter import DeadLetters


def batch_app(settings: Settings, group: str) -> BatchApp:
    """Make an app of the consumer group *group*, reading and writing as the settings say."""
    kafka, streams = settings.kafka, settings.streams
    streams.data_dir.mkdir(parents=True, exist_ok=True)
    reading = Reading(
        brokers=kafka.bootstrap,
        datadir=streams.data_dir / group,
        security=kafka.security,
        partitions=topics.PARTITIONS,
        replication_factor=kafka.replication_factor,
        commit_interval=streams.commit_interval_seconds,
        session_timeout=streams.session_timeout_seconds,
        stuck_after=streams.stuck_after_seconds,
        instance=streams.instance,
    )
    return BatchApp(group, reading, producer=confirming(kafka.bootstrap, kafka.security))


def dead_letters(settings: Settings, group: str) -> DeadLetters:
    """Make the way out for records that *group* cannot use."""
    limit = DeadLetterLimit(settings.sinks.dead_letter_limit, settings.sinks.dead_letter_window)
    return DeadLetters(group, limit)
