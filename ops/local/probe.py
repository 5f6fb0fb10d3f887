"""A `Ready` becomes yes or no: one cheap look at whether a process does its work."""

import http.client
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from ops.local.spec import Ready

_TIMEOUT = 2.0


def answers(ready: Ready, *, log: Path, log_start: int = 0, started_at: float = 0.0) -> bool:
    """
    Look once, and say whether the process is ready.

    *log_start* is the size its log had when it started, *started_at* the epoch second of it.
    """
    match ready.kind:
        case "http":
            return _http(ready.target)
        case "tcp":
            return _tcp(ready.target)
        case "log":
            return _log(log, log_start, ready.target)
        case "alive":
            return time.time() - started_at >= ready.seconds


def port_is_free(port: int) -> bool:
    """Say whether nothing listens on the loopback *port*."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _tcp(target: str) -> bool:
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _TIMEOUT).close()
    except OSError:
        return False
    return True


def _http(target: str) -> bool:
    url = urlsplit(target)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", url.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return status < 500 and status != 404


def _log(path: Path, start: int, text: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        file.seek(start)
        return text.encode() in file.read()
