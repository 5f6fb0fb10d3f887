"""``python -m streams orders|stock``: one Faust worker in, its exit code out."""

import importlib
import logging
import sys

from runtime import logs, settings
from runtime.errors import ConfigurationError, PlatformError

log = logging.getLogger("streams")

APPS = {"orders": "streams.orders.app", "stock": "streams.stock.app"}


def run(arguments: list[str]) -> int:
    """Run one app until it ends; an error that was raised on purpose becomes a sentence."""
    logs.set_up()
    name = arguments[0] if arguments else ""
    try:
        if name not in APPS:
            raise ConfigurationError(f"no such app: {name!r}; run `python -m streams orders|stock`")
        # Imported late: a fault of one app does not stop the other.
        code: int = importlib.import_module(APPS[name]).main(settings.load())
    except PlatformError as error:
        log.critical("cannot go on", extra={"reason": str(error)})
        return 1
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
