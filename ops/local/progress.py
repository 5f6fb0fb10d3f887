"""Steps that run side by side become lines a person can follow: what, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Say = Callable[[str], None]


class Reporter:
    """Shows the steps: moving lines on a terminal, plain ones elsewhere."""

    def __init__(self, console: Console) -> None:
        """Write to *console*; use as a context manager."""
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[step]:<10} {task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[Say]:
        """Show one step while it lasts; what it yields changes the text."""
        began = time.monotonic()
        last = [doing]
        bar = self._bars.add_task(doing, step=name, total=None)
        if not self._console.is_terminal:
            self._console.print(f"{name:<10} {doing} ...", highlight=False)

        def say(text: str) -> None:
            last[0] = text
            self._bars.update(bar, description=text)
            if not self._console.is_terminal:
                self._console.print(f"{name:<10} {text} ...", highlight=False)

        try:
            yield say
        finally:
            self._bars.remove_task(bar)
        took = time.monotonic() - began
        self._console.print(f"{name:<10} {last[0]}: {took:.1f} s", highlight=False)
