"""Write what was found as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping

from secgemini.local.engines import JsonDict, JsonValue, LogRecord

from .findings import FileReport, Indicator
from .logformats.event import NO_YEAR
from .logquestions import LogAnswer
from .logreport import unread
from .logsummary import LogSummary
from .report import NO_LOGS, NO_MODEL, Material

_BUSIEST = 100


def write_json(material: Material) -> str:
    """Return one JSON object in ASCII: indicators by kind, files, logs, tool results and notes."""
    findings = material.findings
    answer: JsonDict = {
        "engine": "analyst",
        "language_model": False,
        "note": NO_MODEL,
        "prompt": material.prompt[:2000],
        "indicators": {
            kind.value: [_indicator(indicator) for indicator in indicators]
            for kind, indicators in findings.by_kind().items()
        },
        "files": [_file(report) for report in findings.files],
        "logs": _logs(material.logs) if material.logs is not None else None,
        "tools": [
            {
                "name": tool.name,
                "arguments": tool.arguments,
                "output": tool.output if tool.data is None else tool.data,
                "problem": tool.problem,
            }
            for tool in material.tools
        ],
        "not_done": [
            *([NO_LOGS] if material.no_logs else []),
            *(f"{what} needs a language model" for what in material.ask.beyond),
        ],
        "left_out": [
            *findings.notes,
            *([f"{findings.left_out} places"] if findings.left_out else []),
            *(unread(material.logs) if material.logs is not None else ()),
        ],
    }
    return json.dumps(answer, indent=2)


def _indicator(indicator: Indicator) -> JsonDict:
    return {
        "value": indicator.value,
        "marks": list(indicator.marks),
        "count": indicator.count,
        "places": [{"trail": list(place.trail), "line": place.line} for place in indicator.places],
    }


def _file(report: FileReport) -> JsonDict:
    return {
        "name": report.name,
        "where": list(report.where),
        "size": report.size,
        "sha256": report.sha256,
        "mime_type": report.mime_type,
        "label": report.label,
        "facts": {fact.name: fact.value for fact in report.facts},
        "notes": list(report.notes),
        "decoded": report.preview,
        "logs": [_summary(log) for log in report.logs],
        "files": [_file(inner) for inner in report.inner],
    }


def _summary(log: LogSummary) -> JsonDict:
    yearless = log.first is not None and log.first.year == NO_YEAR
    first, last = (time.isoformat() if time else None for time in (log.first, log.last))
    return {
        "format": log.format,
        "lines": log.lines,
        "first": first[5:] if first and yearless else first,
        "last": last[5:] if last and yearless else last,
        "sources": _counts(log.sources),
        "status_codes": _counts(log.statuses),
        "failed_logins": _counts(log.failed),
        "failed_accounts": _counts(log.failed_accounts),
        "logins_after_failures": [
            {"line": line, "account": account, "source": source, "failures": failures}
            for line, account, source, failures in log.breaches()
        ],
    }


def _counts(counter: Mapping[str, int]) -> JsonDict:
    return dict(sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))[:_BUSIEST])


def _logs(answer: LogAnswer) -> JsonDict:
    question = answer.question
    asked: JsonValue = None
    if question is not None:
        asked = {
            "words": list(question.words),
            "at_or_after": question.at_or_after,
            "at_or_before": question.at_or_before,
            "around_line": answer.hit.line if answer.hit is not None else question.line,
        }
    return {
        "records": answer.total,
        "per_day": [list(entry) for entry in answer.per_day],
        "summary": _summary(answer.summary) if answer.summary is not None else None,
        "question": asked,
        "matches": answer.matches,
        "shown": [_record(record) for record in answer.shown],
    }


def _record(record: LogRecord) -> JsonDict:
    return {"line": record.line, "time": record.time, "source": record.source, "text": record.text}
