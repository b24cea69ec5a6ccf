"""Write what was found as text for a terminal.

Everything that comes from a file, a log, a tool or the prompt is neutralised: no control character reaches the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from secgemini.display import byte_size, one_line

from .asks import Ask
from .findings import FileReport, Findings, Indicator, Place
from .kinds import Kind
from .logquestions import LogAnswer
from .logreport import log_section, summary_lines
from .toolcalls import ToolReport

NO_LOGS = "no logs are attached for this question: attach them with --logs or attach_logs"
NO_MODEL = "No language model is attached: this is what the built-in analyst extracted, decoded and counted."
ABILITIES = (
    "I find indicators (IP addresses, domains, URLs, e-mail addresses, hashes, CVE and ATT&CK ids, also defanged) in\n"
    "the prompt and in attached files; read e-mail, PDF, HTML, Office files, archives and logs; decode base64 and\n"
    "encoded PowerShell; answer over attached logs (counts, words, time ranges, what happened around a record); call\n"
    'the tools that a prompt names; and answer "as JSON".'
)
_TITLES = {
    Kind.URL: "URLs",
    Kind.DOMAIN: "Domains",
    Kind.IPV4: "IPv4 addresses",
    Kind.IPV6: "IPv6 addresses",
    Kind.EMAIL: "E-mail addresses",
    Kind.MD5: "MD5 hashes",
    Kind.SHA1: "SHA-1 hashes",
    Kind.SHA256: "SHA-256 hashes",
    Kind.CVE: "CVE ids",
    Kind.ATTACK: "ATT&CK ids",
}
_SHOWN_INDICATORS = 100  # of a kind
_SHOWN_TRAILS = 3
_SHOWN_LINES = 4
_SHOWN_INNER = 20
_WIDTH = 110
_SHOWN_OUTPUT_LINES = 40


@dataclass(slots=True)
class Material:
    """All that one answer is written from; it grows while the turn is worked on.

    `pasted` says that the prompt itself holds indicators, `no_logs` that it asks for logs and there are none.
    """

    prompt: str
    ask: Ask
    findings: Findings = field(default_factory=Findings)
    logs: LogAnswer | None = None
    tools: list[ToolReport] = field(default_factory=list)
    pasted: bool = False
    no_logs: bool = False


def write_text(material: Material) -> str:
    """Return the answer as text, in sections, ending with what was not done and why."""
    if material.ask.word is not None:
        return material.ask.word
    if material.ask.greeting and not _has_anything(material):
        return (
            f"Hello! I am the built-in analyst of the embedded service. No language model is attached.\n\n{ABILITIES}"
        )
    sections = (
        _tool_section(material.tools),
        log_section(material.logs) if material.logs is not None else [],
        _file_section(material.findings),
        _indicator_section(material),
        _closing(material),
    )
    return "\n\n".join("\n".join(section) for section in sections if section)


def _has_anything(material: Material) -> bool:
    return bool(material.findings.files or material.tools or material.logs is not None or len(material.findings))


def _does_something(material: Material) -> bool:
    """Tell whether the prompt asked for something that was done; pasted indicators ask for themselves."""
    asked_logs = material.logs is not None and material.logs.question is not None
    return material.ask.understood or material.pasted or bool(material.tools) or asked_logs


def _closing(material: Material) -> list[str]:
    ask = material.ask
    lines = [f"Left out: {note}" for note in map(one_line, material.findings.notes)]
    if material.findings.left_out:
        lines.append(f"Left out: {material.findings.left_out} places of further indicators: there are too many.")
    if material.no_logs:
        lines.append(f"Not done: {NO_LOGS}")
    if ask.beyond:
        lines.append(f"Not done: {' and '.join(ask.beyond)} needs a language model.")
    elif not material.no_logs and not _does_something(material):
        asked = one_line(" ".join(material.prompt[:200].split()))
        lines.append(f'I cannot answer "{asked[:120]}": that needs a language model.')
    lines.append(NO_MODEL if _has_anything(material) else f"No language model is attached.\n\n{ABILITIES}")
    return lines


def _tool_section(tools: Sequence[ToolReport]) -> list[str]:
    lines = [f"Tools ({len(tools)})"] if tools else []
    for tool in tools:
        arguments = ", ".join(f"{name}={value!r}" for name, value in tool.arguments.items())
        lines.append(f"  {one_line(tool.name)}({one_line(arguments)[:200]})")
        if tool.problem is not None:
            lines.append(f"    ! {one_line(tool.problem)}")
        output = tool.output.splitlines()
        lines += (f"    {one_line(line)[:400]}" for line in output[:_SHOWN_OUTPUT_LINES])
        if len(output) > _SHOWN_OUTPUT_LINES:
            lines.append(f"    … {len(output) - _SHOWN_OUTPUT_LINES} more lines")
    return lines


def _file_section(findings: Findings) -> list[str]:
    lines = [f"Files ({len(findings.files)})"] if findings.files else []
    for report in findings.files:
        lines += _file_lines(report, 2)
    return lines


def _file_lines(report: FileReport, indent: int) -> Iterator[str]:
    pad = " " * indent
    where = f"{', '.join(report.where)}: " if report.where else ""
    yield one_line(f"{pad}{where}{report.name}  {byte_size(report.size)}  {report.mime_type} ({report.label})")
    pad += "  "
    if report.preview is not None:
        yield one_line(f"{pad}decoded: {report.preview}")
    elif report.is_file:
        yield f"{pad}sha256 {report.sha256}"
    for fact in report.facts:
        yield one_line(f"{pad}{fact.name}: {fact.value}")[:300]
    for note in report.notes:
        yield one_line(f"{pad}! {note}")[:400]
    for log in report.logs:
        yield from (pad + line for line in summary_lines(log))
    for inner in report.inner[:_SHOWN_INNER]:
        yield from _file_lines(inner, indent + 2)
    if len(report.inner) > _SHOWN_INNER:
        yield f"{pad}… {len(report.inner) - _SHOWN_INNER} more files inside"


def _indicator_section(material: Material) -> list[str]:
    if not len(material.findings):
        return ["No indicators found."] if material.ask.understood or _has_anything(material) else []
    lines = [f"Indicators ({len(material.findings)})"]
    for kind, indicators in material.findings.by_kind().items():
        lines.append(f"  {_TITLES[kind]} ({len(indicators)})")
        width = min(48, max(len(indicator.value) for indicator in indicators[:_SHOWN_INDICATORS]))
        lines += (_indicator_line(indicator, width) for indicator in indicators[:_SHOWN_INDICATORS])
        if len(indicators) > _SHOWN_INDICATORS:
            lines.append(f'    … {len(indicators) - _SHOWN_INDICATORS} more; ask "as JSON" for all')
    return lines


def _indicator_line(indicator: Indicator, width: int) -> str:
    marks = f"[{', '.join(indicator.marks)}] " if indicator.marks else ""
    times = f"{indicator.count}× " if indicator.count > 1 else ""
    value = one_line(f"    {indicator.value:<{width}}  {marks}{times}")
    places = one_line(_places(indicator))
    return value + places if len(value) + len(places) <= _WIDTH else f"{value.rstrip()}\n        {places}"


def _places(indicator: Indicator) -> str:
    """Return the first places, those on several lines of one text together."""
    by_trail: dict[tuple[str, ...], list[Place]] = {}
    for place in indicator.places:
        by_trail.setdefault(place.trail, []).append(place)
    shown: list[str] = []
    previous = ""
    for trail, places in list(by_trail.items())[:_SHOWN_TRAILS]:
        shown.append(_lines_of(trail if trail[0] != previous else ("", *trail[1:]), places))
        previous = trail[0]
    more = len(by_trail) - _SHOWN_TRAILS
    return "; ".join(shown) + (f"; … {more} more" if more > 0 else "")


def _lines_of(trail: tuple[str, ...], places: Sequence[Place]) -> str:
    """Return the way and the lines; the way begins with an empty name where it is the one before."""
    way = " › ".join(trail).lstrip()
    numbers = [str(place.line) for place in places if place.line is not None]
    if not numbers:
        return way
    more = ", …" if len(numbers) > _SHOWN_LINES else ""
    return f"{way} line{'s' * (len(numbers) > 1)} {', '.join(numbers[:_SHOWN_LINES])}{more}"
