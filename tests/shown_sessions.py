"""Sessions as `display` takes them, and what it draws."""

from __future__ import annotations

import io
from dataclasses import dataclass

from rich.console import Console, RenderableType
from secgemini_api.models import Message, PublicSessionFile


@dataclass
class Shown:
    """A session or a response, as far as it is shown."""

    id: str
    name: str
    messages: list[Message]
    files: list[PublicSessionFile]
    status_code: int = 200
    status_message: str = "OK"
    create_time: float = 1767225600.0
    num_messages: int = 4


def message(**fields: object) -> Message:
    return Message.from_dict({"message_type": "result", "id": "1", "role": "agent", "actor": "agent", **fields})


def drawn(item: RenderableType, *, color: bool, width: int = 60) -> str:
    out = io.StringIO()
    Console(
        file=out, force_terminal=color, color_system="truecolor" if color else None, no_color=not color, width=width,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    ).print(item)  # fmt: skip
    return out.getvalue()
