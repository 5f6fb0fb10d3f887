"""How to read, as Faust and the broker are told."""

from pathlib import Path

import pytest

from runtime.errors import ConfigurationError, FatalError
from streams.batch import Batch, BatchApp, Outbox, Reading, pins
from streams.batch.reading import credentials, faust_settings
from tests.unit.batch.test_delivery import FakeProducer

READING = Reading(brokers="a:1, b:2", datadir=Path("data"), session_timeout=6)


def app() -> BatchApp:
    """An app that never starts; its topics have as many partitions as their name has letters."""
    return BatchApp("test", READING, producer=FakeProducer())


def test_unsafe_defaults_are_replaced() -> None:
    """No web server, no standby copies, no waiting for ever, all brokers."""
    settings = faust_settings(READING)

    assert settings["web_enabled"] is False
    assert settings["stream_wait_empty"] is False
    assert settings["table_standby_replicas"] == 0
    assert settings["broker"] == ["kafka://a:1", "kafka://b:2"]
    assert settings["broker_heartbeat_interval"] < READING.session_timeout / 3


def test_faust_takes_the_settings() -> None:
    """Each name is one that Faust knows."""
    conf = app().conf

    assert conf.broker_session_timeout == 6
    assert conf.topic_replication_factor == 1


def test_plaintext_needs_no_credentials() -> None:
    """Nothing said is nothing to say."""
    assert credentials({}) is None


def test_sasl_is_said_in_fausts_words() -> None:
    """The same settings serve both clients."""
    said = credentials(
        {
            "security.protocol": "sasl_plaintext",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "u",
            "sasl.password": "p",
        }
    )

    assert (said.username, said.password, said.mechanism.value) == ("u", "p", "SCRAM-SHA-256")


def test_tls_builds_a_context() -> None:
    """With the system's authorities, unless a file is named."""
    assert credentials({"security.protocol": "SSL"}).context is not None


def test_an_unknown_protocol_is_refused() -> None:
    """The sentence says what may stand there."""
    with pytest.raises(ConfigurationError, match="is not one of PLAINTEXT"):
        credentials({"security.protocol": "CARRIER-PIGEON"})


def test_secrets_do_not_show() -> None:
    """A repr ends up in logs."""
    reading = Reading("a:1", Path("data"), security={"sasl.password": "hunter2"})

    assert "hunter2" not in repr(reading)


def test_the_installed_libraries_are_the_tested_ones() -> None:
    """The pins hold here."""
    pins.check_pins()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version that is needed."""
    monkeypatch.setitem(pins.PINNED, "aiokafka", "0.99.")

    with pytest.raises(FatalError, match=r"aiokafka: 0\.14.* tested with 0\.99\.\*"):
        pins.check_pins()


def test_a_missing_private_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch release may move what we lean on."""
    monkeypatch.setitem(pins.LEANED_ON, Batch, ("no_such_thing",))

    with pytest.raises(FatalError, match="no_such_thing is gone"):
        pins.check_pins()


def test_a_declared_agent_can_be_called() -> None:
    """Declaring changes nothing about the function."""
    seen = []

    def read(batch: Batch, out: Outbox) -> None:
        seen.append((batch, out))

    declared = app().batch_agent("abcd")(read)
    declared(Batch("abcd", 0, ()), Outbox())

    assert len(seen) == 1


def test_two_agents_cannot_read_one_topic() -> None:
    """Nobody could say who of the two acknowledges."""
    reading = app()
    reading.batch_agent("abcd")

    with pytest.raises(ConfigurationError, match="two agents"):
        reading.batch_agent("abcd")


def test_a_topic_cut_unlike_its_table_is_refused() -> None:
    """A key's state would not be where its records are."""
    reading = app()
    table = reading.batch_table("t", partitions=3)
    reading.batch_agent("abcd", tables=[table])

    with pytest.raises(ConfigurationError, match="4 partitions and the tables it feeds have 3"):
        reading.check_topics()


def test_a_missing_topic_is_named() -> None:
    """With the command that makes it."""
    reading = app()
    reading.batch_agent("")

    with pytest.raises(ConfigurationError, match="topics apply"):
        reading.check_topics()
