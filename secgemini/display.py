"""What comes from a model, a file or a log, made harmless and readable for terminals and notebooks.

Only what is shown changes; what is stored stays byte for byte as it came. Everything here passes through `neutralise`
first and is never read as Rich markup or HTML afterwards.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import RenderableType
    from rich.text import Text
    from rich.tree import Tree
    from secgemini_api.models import Message, PublicSessionFile

PREVIEW_LINES = 12
PREVIEW_CHARACTERS = 1_000
MARKDOWN_CHARACTERS = 200_000  # longer answers are shown as plain text: laying them out would take seconds
NAME_CHARACTERS = 200  # of a name, a title or a type: who sends one may make it a megabyte
DEPTH = 12  # deeper replies are shown at this level, so that they keep some width

_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1: control sequences, carriage return
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # shown as nothing
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # format characters of Arabic and Syriac
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # zero width, line separators, direction
    "\ufe00-\ufe0d"  # variation selectors that no emoji needs: they carry hidden bytes
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format characters
    "\U000e0000-\U000e0fff"  # tags and the other variation selectors: whole hidden sentences
    "\ud800-\udfff"  # lone surrogates cannot be written to any stream
)
_REPEATED_SELECTOR = "(?<=[\ufe00-\ufe0f])[\ufe0e\ufe0f]"  # one belongs to an emoji, more are hidden bytes
_HARMFUL = re.compile(f"\r\n|[{_ALWAYS}]|{_REPEATED_SELECTOR}")
_HARMFUL_IN_LINE = re.compile(f"[\t\n{_ALWAYS}]|{_REPEATED_SELECTOR}")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\r\n": "\n"}


def neutralise(text: str, *, newlines: bool = True) -> str:
    r"""Make every character that controls a terminal or hides text visible, as `\x1b` or `\u202e`.

    These are control characters (so also every escape sequence), direction controls, zero-width and other format
    characters, Unicode line separators, tags and lone surrogates. Line feed and tab stay, and CR LF becomes a line
    feed; with `newlines=False` they are shown as `\n`, `\t`, `\r`, so that the result is one line. A second pass
    changes nothing. Takes linear time, and next to none when there is nothing to do.
    """
    return (_HARMFUL if newlines else _HARMFUL_IN_LINE).sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    found = match[0]
    short = _SHORT.get(found)
    if short is not None:
        return short
    code = ord(found)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """Make text harmless and keep it on one line: `neutralise` with `newlines=False`."""
    return neutralise(text, newlines=False)


def short_line(text: str) -> str:
    """Make a name or a title harmless, one line, and short enough to be shown among others."""
    return one_line(text if len(text) <= NAME_CHARACTERS else f"{text[:NAME_CHARACTERS]}…")


def html_escape(text: str) -> str:
    """Make text safe inside HTML, in an element or a quoted attribute: neutralised, and without any tag."""
    return html.escape(neutralise(text))


def byte_size(count: int) -> str:
    """Say a size in bytes as people read it: `512 B`, `1.5 MB` (decimal units)."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def markdown(text: str) -> RenderableType:
    """Lay out Markdown of a model for a terminal.

    Links show their address beside the text and are no terminal links, HTML is shown as it stands and not left out,
    code is not coloured (a highlighter's patterns would be fed hostile text).
    """
    from rich.markdown import Markdown
    from rich.text import Text

    if len(text) > MARKDOWN_CHARACTERS:
        return Text(neutralise(text))
    page = Markdown(neutralise(text), hyperlinks=False)
    _disarm(page.parsed)
    return page


def _disarm(tokens: Sequence[Token]) -> None:
    """Undo what the Markdown parser made of entities such as `&#x202e;`, and keep HTML readable."""
    for token in tokens:
        token.content = neutralise(token.content)
        token.info = ""
        token.attrs = {name: neutralise(str(value)) for name, value in token.attrs.items()}
        token.type = {"html_inline": "text", "html_block": "code_block"}.get(token.type, token.type)
        _disarm(token.children or ())


# History


@dataclass(slots=True)
class _Node:
    """A message and the messages that answer it."""

    message: Message
    depth: int
    replies: list[_Node] = field(default_factory=list["_Node"])


def _arrange(messages: Sequence[Message]) -> list[_Node]:
    """Place each message below its parent, or below the prompt before it when no earlier message is its parent.

    The service's own answers name a root that is no message, so most of a history is placed by its prompts.
    """
    roots: list[_Node] = []
    placed: dict[str, _Node] = {}
    prompt: _Node | None = None
    for message in messages:
        is_prompt = message.message_type == "query"
        parent = placed.get(message.parent_id) or (None if is_prompt else prompt)
        node = _Node(message, 0 if parent is None else parent.depth + 1)
        (roots if parent is None else parent.replies).append(node)
        # What answers a message at the greatest depth is placed beside it.
        placed.setdefault(message.id, parent if parent is not None and node.depth >= DEPTH else node)
        if is_prompt:
            prompt = node
    return roots


def _headline(message: Message) -> Iterator[tuple[str, str]]:
    """Yield (one line of neutralised text, Rich style) for the parts of a message's first line."""
    failed = message.status_code >= 400 or message.message_type == "error"
    style = {"user": "bold cyan", "agent": "bold green"}.get(message.role, "dim")
    if message.icon:
        yield short_line(message.icon), ""
    yield short_line(message.message_type), "bold red" if failed else style
    yield short_line(message.actor if message.actor == message.role else f"{message.role}/{message.actor}"), ""
    yield short_line(message.state), "dim"
    if failed:
        yield short_line(f"{message.status_code} {message.status_message}"), "red"
    if message.title:
        yield short_line(message.title), "italic"
    if message.usage and message.usage.total_tokens:
        yield f"{message.usage.total_tokens:,} tokens", "dim"


def _is_text(mime_type: str) -> bool:
    return mime_type.startswith(("text/", "sec-gemini/")) or mime_type.endswith(("/json", "/jsonl"))


def preview(message: Message) -> str:
    """Return the first lines of a message's content, neutralised; of content that is no text only its size."""
    content = message.content or ""
    kind = str(message.mime_type or "text/plain")
    if content and not _is_text(kind):
        return f"[{short_line(kind)}, {byte_size(len(content) * 3 // 4)}]"
    shown = neutralise(_head(content)).rstrip()
    if not is_shortened(message):
        return shown
    return f"{shown}\n… {len(content):,} characters, {content.count(chr(10)) + 1:,} lines in all"


def _head(content: str) -> str:
    return "\n".join(content[:PREVIEW_CHARACTERS].split("\n", PREVIEW_LINES)[:PREVIEW_LINES])


def is_shortened(message: Message) -> bool:
    """Tell whether `preview`, and so a history, leaves out some of a message's content."""
    content = message.content or ""
    if content and not _is_text(str(message.mime_type or "text/plain")):
        return True
    return len(_head(content)) < len(content.rstrip())


def _label(message: Message) -> Text:
    from rich.text import Text

    label = Text(" · ").join(Text(text, style=style) for text, style in _headline(message))
    body = preview(message)
    if body:
        label.append("\n" + body)
    return label


def history_tree(messages: Sequence[Message], title: str = "history") -> Tree:
    """Draw messages as a Rich tree: what each is, from whom, its state and the first lines of its content.

    A message whose parent is unknown stands below the prompt before it.
    """
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(one_line(title), style="bold"), guide_style="dim", highlight=False)
    waiting = [(tree, node) for node in reversed(_arrange(messages))]
    while waiting:
        branch, node = waiting.pop()
        grown = branch.add(_label(node.message))
        waiting.extend((grown, reply) for reply in reversed(node.replies))
    return tree


def history_html(messages: Sequence[Message], title: str = "history") -> str:
    """Draw messages as nested HTML lists, the same content as `history_tree`. Notebooks are told to set no formulas."""
    listed = _html_list(_arrange(messages))
    return f'<div class="tex2jax_ignore mathjax_ignore"><b>{html_escape(title)}</b>{listed}</div>'


def _html_list(nodes: Sequence[_Node]) -> str:
    """Recursion ends: `_arrange` keeps the tree at most DEPTH deep."""
    if not nodes:
        return ""
    return "<ul>" + "".join(_html_item(node) for node in nodes) + "</ul>"


def _html_item(node: _Node) -> str:
    spans = ((html.escape(text), style) for text, style in _headline(node.message))
    parts = " · ".join(f"<b>{text}</b>" if "bold" in style else text for text, style in spans)
    body = html.escape(preview(node.message))
    text = f'<pre style="white-space:pre-wrap;margin:0">{body}</pre>' if body else ""
    return f"<li>{parts}{text}{_html_list(node.replies)}</li>"


# Sessions and responses


class ShownSession(Protocol):
    """What is shown of a session; both kinds of session have it."""

    @property
    def id(self) -> str:
        """Return the session's id."""
        ...

    @property
    def name(self) -> str:
        """Return the session's name."""
        ...

    @property
    def messages(self) -> Sequence[Message]:
        """Return the messages in order."""
        ...

    @property
    def num_messages(self) -> int:
        """Return how many messages are stored; a list of sessions has the number only."""
        ...

    @property
    def create_time(self) -> float:
        """Return when the session was made, in Unix seconds."""
        ...

    @property
    def files(self) -> Sequence[PublicSessionFile]:
        """Return the attached files."""
        ...


class ShownResponse(Protocol):
    """What is shown of a response."""

    @property
    def messages(self) -> Sequence[Message]:
        """Return the messages in order."""
        ...

    @property
    def status_code(self) -> int:
        """Return the status of the last message."""
        ...

    @property
    def status_message(self) -> str:
        """Return the words for the status."""
        ...


def session_title(session: ShownSession) -> str:
    """Return one neutralised line about a session: name, id, number of messages and files."""
    counts = f"{len(session.messages)} messages, {len(session.files)} files"
    return f"{short_line(session.name)} ({short_line(session.id)}): {counts}"


def file_line(file: PublicSessionFile) -> str:
    """Return one neutralised line about an attached file: name, type, size."""
    return f"{short_line(file.name)} ({short_line(file.mime_type)}, {byte_size(file.size)})"


def session_html(session: ShownSession) -> str:
    """Draw a session, its files and its history as HTML, for a notebook."""
    files = "".join(f"<li>{html_escape(file_line(file))}</li>" for file in session.files)
    listed = f"<ul>{files}</ul>" if files else ""
    return listed + history_html(session.messages, session_title(session))


def response_html(response: ShownResponse) -> str:
    """Draw the messages of a response as HTML, for a notebook."""
    return history_html(response.messages, f"{response.status_code} {response.status_message}")


def session_tree(session: ShownSession) -> Tree:
    """Draw a session, its files and its history as a Rich tree."""
    from rich.text import Text

    tree = history_tree(session.messages, session_title(session))
    for file in reversed(session.files):
        tree.children.insert(0, type(tree)(Text("📎 " + file_line(file))))
    return tree


def print_history(session: ShownSession, file: TextIO | None = None) -> None:
    """Print a session's snapshot as a tree, to `file`; without one, to the notebook when one runs, else to stdout.

    Sends nothing: refresh the session first when it may have changed. NO_COLOR and the terminal's width are respected.
    """
    if file is None and _show_in_notebook(session_html(session)):
        return
    from rich.console import Console

    console = Console(file=file or sys.stdout, markup=False, emoji=False, highlight=False)
    console.print(session_tree(session), soft_wrap=False)


def _show_in_notebook(page: str) -> bool:
    """Show HTML in the notebook that this process belongs to, if it does. IPython is never imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return False
    shell.display_pub.publish({"text/html": page, "text/plain": "session history (HTML)"})
    return True
