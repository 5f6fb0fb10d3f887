"""
Process specs in run/specs.json become running processes; what happens to them stands in state.json.

`python -m ops.local.supervisor RUN_DIRECTORY` runs until SIGTERM. SIGHUP makes it read specs.json
again: new processes start, changed ones restart, absent ones stop.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ops.local import state
from ops.local.backoff import delay_before_restart
from ops.local.child import open_log, signal_group, spawn
from ops.local.probe import answers
from ops.local.spec import ProcessSpec, from_json

log = logging.getLogger("syncline.supervisor")

_POLL_SECONDS = 0.15


@dataclass(slots=True)
class Child:
    """One supervised process: its spec, its task, and what was last seen of it."""

    spec: ProcessSpec
    seen: state.Seen
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    pid: int | None = None
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Keeps the processes of one run directory alive, in the order of their dependencies."""

    def __init__(self, run: Path) -> None:
        """Take the directory that holds specs.json; logs and state.json are written there."""
        self._run = run
        self._children: dict[str, Child] = {}
        self._me = state.seen_now("supervisor", "running", os.getpid())
        self._end = asyncio.Event()
        self._again = asyncio.Event()
        self._added = asyncio.Event()

    async def serve(self) -> None:
        """Run until SIGTERM or SIGINT, then stop everything, dependents first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        loop.add_signal_handler(signal.SIGHUP, self._again.set)
        self._again.set()
        while not self._end.is_set():
            if self._again.is_set():
                self._again.clear()
                await self._load()
            await _first(self._end, self._again)
        log.info("stopping everything")
        await self._stop(list(self._children))
        self._me = replace(self._me, state="stopped", pid=None)
        self._write()

    async def _load(self) -> None:
        wanted = _read_specs(self._run / "specs.json")
        changed = [name for name, child in self._children.items() if wanted.get(name) != child.spec]
        await self._stop(changed)
        for name in changed:
            del self._children[name]
        for name, spec in wanted.items():
            if name not in self._children and not self._end.is_set():
                child = Child(spec, state.Seen(name, "starting", spec.port))
                self._children[name] = child
                child.task = asyncio.create_task(self._keep(child), name=name)
                child.task.add_done_callback(self._notice)
        self._added.set()
        self._added = asyncio.Event()
        self._write()

    async def _keep(self, child: Child) -> None:
        """Start *child* when its dependencies answer, and again whenever it ends."""
        restarts = 0
        try:
            while not child.stopping:
                await self._dependencies(child)
                if child.stopping:
                    return
                began = time.monotonic()
                code = await self._run_once(child, restarts)
                child.ready.clear()
                if child.stopping:
                    return
                restarts = 0 if time.monotonic() - began > 60 else restarts + 1
                pause = delay_before_restart(restarts)
                note = f"ended with exit code {code}; next start in {pause:.0f} s"
                log.warning("process ended", extra={"child": child.spec.name, "code": code})
                self._note(child, "failed", restarts=restarts, note=note)
                await asyncio.sleep(pause)
        finally:
            child.pid = None
            child.gone.set()
            self._note(child, "stopped")

    def _notice(self, task: asyncio.Task[None]) -> None:
        """End the supervisor when its own code failed: half a supervisor watches nobody."""
        if not task.cancelled() and task.exception() is not None:
            log.error("watching %s failed", task.get_name(), exc_info=task.exception())
            self._end.set()

    async def _dependencies(self, child: Child) -> None:
        for name in child.spec.depends:
            while name not in self._children:
                await self._added.wait()
            await self._children[name].ready.wait()

    async def _run_once(self, child: Child, restarts: int) -> int:
        spec = child.spec
        path = self._run / "logs" / f"{spec.name}.log"
        with open_log(path) as output:
            start = output.seek(0, os.SEEK_END)
            try:
                process = await spawn(spec, output)
            except OSError as error:
                output.write(f"{spec.argv[0]} cannot be started: {error}\n".encode())
                return 127
        child.pid = process.pid
        self._note(child, "starting", restarts=restarts)
        watch = asyncio.create_task(self._until_ready(child, path, start))
        code = await process.wait()
        watch.cancel()
        signal_group(process.pid, signal.SIGKILL)  # what it started and left behind
        child.pid = None
        return code

    async def _until_ready(self, child: Child, path: Path, start: int) -> None:
        began = time.time()
        look = partial(answers, child.spec.ready, log=path, log_start=start, started_at=began)
        while not await asyncio.to_thread(look):  # noqa: ASYNC110 no event says so
            await asyncio.sleep(_POLL_SECONDS)
        child.ready.set()
        self._note(child, "running", restarts=child.seen.restarts)

    async def _stop(self, names: list[str]) -> None:
        await asyncio.gather(*(self._stop_one(self._children[name], names) for name in names))

    async def _stop_one(self, child: Child, names: list[str]) -> None:
        """Stop after the dependents that stop too. Invariant 10: first a request, then force."""
        child.stopping = True
        for name in names:
            other = self._children[name]
            if child.spec.name in other.spec.depends:
                await other.gone.wait()
        if child.pid is None:
            if child.task:
                child.task.cancel()
                await asyncio.wait([child.task])
            child.gone.set()
            return
        os.kill(child.pid, signal.Signals[f"SIG{child.spec.stop_signal}"])
        try:
            await asyncio.wait_for(child.gone.wait(), child.spec.stop_seconds)
        except TimeoutError:
            log.warning("process did not stop in time", extra={"child": child.spec.name})
            signal_group(child.pid, signal.SIGKILL)
            await child.gone.wait()

    def _note(self, child: Child, now: state.State, *, restarts: int = 0, note: str = "") -> None:
        name, port = child.spec.name, child.spec.port
        if child.pid is None:
            child.seen = state.Seen(name, now, port, restarts=restarts, note=note)
        else:
            child.seen = state.seen_now(
                name, now, child.pid, port=port, restarts=restarts, note=note
            )
        self._write()

    def _write(self) -> None:
        seen = tuple(child.seen for child in self._children.values())
        state.write(self._run / "state.json", state.StackState(self._me, seen))


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _read_specs(path: Path) -> Mapping[str, ProcessSpec]:
    return {spec.name: spec for spec in map(from_json, json.loads(path.read_text()))}


def main() -> None:
    """Run the supervisor of the directory named on the command line, detached from its caller."""
    if os.fork():
        os._exit(0)
    os.setsid()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(
            "%(asctime)s %(levelname)s %(child)s %(message)s %(code)s",
            defaults={"child": "", "code": ""},
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    asyncio.run(Supervisor(Path(sys.argv[1])).serve())


if __name__ == "__main__":
    main()
