"""What a prompt asks for, as far as that can be told without a language model: by its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(
    r"(?is)\bwith\s+(?:only\s+|just\s+|exactly\s+)?the\s+(?:single\s+|one\s+|exact\s+)?word\s*:?\s{0,5}"
    r"(?:'(?P<single>[^'\n]{1,500})'|\"(?P<double>[^\"\n]{1,500})\"|`(?P<tick>[^`\n]{1,500})`"
    r"|\u2018(?P<curly>[^\u2019\n]{1,500})\u2019|\u201c(?P<curly2>[^\u201d\n]{1,500})\u201d|(?P<bare>[\w-]{1,64}))"
)
_ANSWERS = re.compile(r"(?i)\b(?:answer|respond|reply|say)\b")
_SEARCHES = re.compile(r"(?i)\b(?:search|find|grep|look\s+for|lines?|records?|entries|events?|logs?)\b")
_AS_JSON = re.compile(
    r"(?i)\b(?:as|in|to)\s+(?:an?\s+|one\s+|a\s+single\s+)?(?:valid\s+)?json\b"
    r"|\bjson\s+(?:only|please|object|format|output)\b"
)
_GREETING = re.compile(
    r"(?i)\s*(?:hi|hello|hey|howdy|greetings|good\s+(?:morning|afternoon|evening|day)|help|what can you do|who are you)"
    r"(?:\s+(?:there|all|you|analyst|sec-?gemini|assistant|world))?[\s!.,?]*\Z"
)
_CAN = re.compile(
    r"(?i)\b(?:indicators?|iocs?|extract|find|list|search|grep|analy[sz]e?s?|check|scan|show|report|count|how many"
    r"|urls?|links?|domains?|hosts?|ips?|address(?:es)?|hash(?:es)?|sha-?\d*|md5|cves?|att&ck|techniques?"
    r"|logs?|log-?ins?|timeline|around|between|sources?|files?|attach\w*|e-?mails?|mails?|pdfs?|headers?|archives?|zip"
    r"|decode|base64|powershell|json|tools?|what is in|what's in|inspect|examine|read|investigate|triage)\b"
)
_CANNOT = {
    "explaining": (
        r"explain|why|what does .{1,80} (?:mean|do)\b",
        r"how (?:do|does|did|can|could|should|would) (?:i|we|it|this|that|you|the)\b",
    ),
    "summarising": (r"summari[sz]e|summary|tl;?dr",),
    "translating": (r"translate|translation",),
    "writing": (r"(?:write|draft|compose|rewrite|generate) (?:an?|the|me|some|my|us)\b", r"write up"),
    "recommending": (
        r"recommend\w*|advice|advise|suggest\w*|next steps?",
        r"should (?:i|we)\b|what (?:should|would) (?:i|we|you)\b",
    ),
    "judging": (
        r"is (?:it|this|that|the \w{1,40}) (?:\w{1,20} )?"
        r"(?:malicious|safe|dangerous|phishing|suspicious|legit\w*|benign|spam|ok)\b",
        r"malicious|suspicious|benign|opinion|verdict|risk|assess\w*|evaluate|attribut\w*",
        r"what do you think|how (?:bad|severe|dangerous|likely)",
    ),
    "looking things up outside": (
        r"whois|who (?:is|was|owns|registered)|geolocat\w*|reputation|virustotal|resolve|look ?up",
        r"latest|news|weather",
    ),
}
_CANNOT_PATTERNS = {
    what: re.compile("|".join(rf"(?i:\b(?:{pattern}))" for pattern in patterns)) for what, patterns in _CANNOT.items()
}
_READ = 20_000  # characters of a prompt whose words count; longer ones are pasted material


@dataclass(frozen=True, slots=True)
class Ask:
    """What a prompt asks for.

    `word` is the one word to answer with; `beyond` names what was asked and needs a language model; `understood` says
    whether anything was asked that this engine does.
    """

    word: str | None = None
    json: bool = False
    greeting: bool = False
    understood: bool = False
    beyond: tuple[str, ...] = ()


def read_ask(prompt: str) -> Ask:
    """Return what the prompt asks for; takes linear time."""
    head = prompt[:_READ]
    if (found := _WORD.search(head)) is not None:
        before = head[: found.start()]
        if _ANSWERS.search(before) or not _SEARCHES.search(before):
            return Ask(word=next(text for text in found.groups() if text is not None), understood=True)
    if len(prompt) < 200 and _GREETING.match(prompt):
        return Ask(greeting=True, understood=True)
    return Ask(
        json=_AS_JSON.search(head) is not None,
        understood=_CAN.search(head) is not None,
        beyond=tuple(what for what, pattern in _CANNOT_PATTERNS.items() if pattern.search(head)),
    )
