"""A list of sessions, drawn for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secgemini.display import ShownSession, one_line, short_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table

_ANY_WIDTH = 1_000_000  # columns; what asks for more than this fits nowhere


def sessions_table(sessions: Sequence[ShownSession]) -> RenderableType:
    """Draw a list of sessions for Rich: id, name, when it was made (UTC), numbers of messages and files.

    A table where it fits, two lines a session where it does not.
    """
    return _Sessions(sessions)


class _Sessions:
    def __init__(self, sessions: Sequence[ShownSession]) -> None:
        self._rows = [
            (
                one_line(session.id),
                short_line(session.name),
                _minute(session.create_time),
                session.num_messages,
                len(session.files),
            )
            for session in sessions
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.measure import Measurement

        table = self._table()
        if Measurement.get(console, options.update(width=_ANY_WIDTH), table).maximum <= options.max_width:
            yield table
        else:
            yield from self._lines()

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, highlight=False)
        for name in ("id", "name", "created"):
            table.add_column(name, no_wrap=True)
        for name in ("messages", "files"):
            table.add_column(name, no_wrap=True, justify="right")
        for row in self._rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        return table

    def _lines(self) -> Iterator[RenderableType]:
        from rich.padding import Padding
        from rich.text import Text

        for session_id, name, created, messages, files in self._rows:
            yield Text(session_id, overflow="fold")
            about = f"{name} · {created} · {messages} messages · {files} files"
            yield Padding(Text(about, overflow="fold"), (0, 0, 0, 2), expand=False)


def _minute(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "?"  # the service's number is no time
