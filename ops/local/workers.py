"""Endpoints and credentials become the environment and the processes of our own workers."""

import sys
from collections.abc import Mapping

from ops.local.endpoints import Endpoints
from ops.local.settings import ROOT, LocalSettings
from ops.local.spec import ProcessSpec, Ready

_CORE = ("kafka", "registry")
# Workers open no port; each says once that it has its partitions or its target.
_STREAM_READY = Ready("log", "Worker ready")
_SINK_READY = Ready("log", '"message":"started"')


def environment(settings: LocalSettings, endpoints: Endpoints) -> Mapping[str, str]:
    """Give what `runtime.settings` reads: where everything is, and the secrets."""
    erp, shop = endpoints.erp, endpoints.shop
    return {
        "SYNCLINE_CONFIG": str(settings.config),
        "SYNCLINE_KAFKA__BOOTSTRAP": endpoints.kafka,
        "SYNCLINE_REGISTRY__URL": endpoints.registry,
        "SYNCLINE_TRYTON__URL": erp["url"],
        "SYNCLINE_TRYTON__DATABASE": erp["database"],
        "SYNCLINE_TRYTON__API_KEY": erp["sync"]["api_key"],
        "SYNCLINE_TRYTON__USERNAME": erp["sync"]["username"],
        "SYNCLINE_TRYTON__PASSWORD": erp["sync"]["password"],
        "SYNCLINE_VENDURE__ADMIN_API": shop["admin_api"],
        "SYNCLINE_VENDURE__USERNAME": shop["sync"]["username"],
        "SYNCLINE_VENDURE__PASSWORD": shop["sync"]["password"],
        "SYNCLINE_STREAMS__DATA_DIR": str(settings.run / "streams"),
        "SYNCLINE_STREAMS__INSTANCE": "local",  # one worker per app here, and always the same
        "PYTHONUNBUFFERED": "1",
    }


def workers(settings: LocalSettings, endpoints: Endpoints) -> tuple[ProcessSpec, ...]:
    """Give the Faust workers and the sink workers."""
    env = environment(settings, endpoints)
    return (
        _worker("streams-orders", ("streams", "orders"), env, _CORE, _STREAM_READY),
        _worker("streams-stock", ("streams", "stock"), env, _CORE, _STREAM_READY),
        _worker("sink-tryton", ("sinks", "tryton"), env, (*_CORE, "erp"), _SINK_READY),
        _worker("sink-vendure", ("sinks", "vendure"), env, (*_CORE, "shop"), _SINK_READY),
    )


def _worker(
    name: str,
    module: tuple[str, str],
    env: Mapping[str, str],
    depends: tuple[str, ...],
    ready: Ready,
) -> ProcessSpec:
    package, argument = module
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", package, argument),
        env=env,
        cwd=ROOT,
        ready=ready,
        depends=depends,
        stop_seconds=20,
    )
