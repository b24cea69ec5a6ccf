r"""Take the escape sequences of terminals out of text, so that it reads as it is seen: colours, titles, links.

Sequences are those of ECMA-48 (CSI, OSC, and the short ones that choose a character set), and colours that something
has spelled out: `\x1b[31m`, `\u001b[31m`, `#033[31m`, `^[[31m`.
"""

from __future__ import annotations

import re

# It begins with a set of characters, which is looked for ten times as fast as alternatives are. No repeat crosses the
# beginning of another sequence, so that hostile text costs linear time.
_SEQUENCES = (
    r"[\x1b\x9b\x9d\\#^](?:"
    r"(?:(?<=\x1b)\[|(?<=\x9b))[0-?]*+[ -/]*+(?P<final>[@-~])"
    r"|(?:(?<=\x1b)\]|(?<=\x9d))(?P<said>[^\n\x07\x1b\x9b-\x9d]*+)(?:\x07|\x1b\\|\x9c)"
    r"|(?<=\x1b)(?:[()*+#%][ -~]|[78=>])"
    r"|(?:(?<=\\)(?:x1[bB]|u001[bB]|033|e)|(?<=#)033|(?<=\^)\[)\[[0-9;:]{0,40}+[mK])"
)
_SEQUENCE = re.compile(_SEQUENCES)
_SEQUENCE_OR_LINE_END = re.compile(_SEQUENCES + r"|\n")
_MOVES = frozenset("ABCDEFGHIJSTZ`adef")  # what stands behind such a sequence is seen somewhere else


def without_escapes(text: str) -> str:
    """Return `text` as a terminal shows it, line by line; takes linear time.

    What a terminal is told and does not show (a title, the target of a link) stands at the end of its line. Lines stay
    lines: their numbers hold.
    """
    told: list[str] = []

    def seen(found: re.Match[str]) -> str:
        if found[0] == "\n":
            ending = "".join(told) + "\n"
            told.clear()
            return ending
        if found["said"] is not None:
            told.append(" " + found["said"].removeprefix("8;;"))
        return " " if found["final"] in _MOVES else ""

    pattern = _SEQUENCE_OR_LINE_END if "\x1b]" in text or "\x9d" in text else _SEQUENCE
    return pattern.sub(seen, text) + "".join(told)
