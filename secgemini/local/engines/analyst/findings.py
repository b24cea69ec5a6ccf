"""What was found: indicators with every place where they stand, and a report for each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .indicators import Hit
from .kinds import Kind
from .logsummary import LogSummary
from .parts import Fact

MOST_INDICATORS = 20_000
MOST_PLACES = 100  # of one indicator
MOST_PLACES_IN_ALL = 100_000  # beside the first one of each indicator


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the way there (`phishing.eml`, `invoice.pdf`, `page 1`), and the line if it has lines."""

    trail: tuple[str, ...]
    line: int | None = None

    def __str__(self) -> str:
        way = " › ".join(self.trail)
        return f"{way}, line {self.line}" if self.line is not None else way


@dataclass(slots=True)
class Indicator:
    """One indicator: how often it was seen, and the first places (each once, in order) where it was."""

    kind: Kind
    value: str
    marks: tuple[str, ...]
    count: int = 0
    places: dict[Place, None] = field(default_factory=dict)


@dataclass(slots=True)
class FileReport:
    """What is known of one file, and of the files inside it."""

    name: str
    size: int
    sha256: str
    mime_type: str
    label: str
    facts: list[Fact] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    logs: list[LogSummary] = field(default_factory=list)
    preview: str | None = None
    where: tuple[str, ...] = ()
    is_file: bool = True
    inner: list[FileReport] = field(default_factory=list)


class Findings:
    """Everything that one turn found."""

    def __init__(self) -> None:
        self.files: list[FileReport] = []
        self.notes: list[str] = []
        self._indicators: dict[tuple[Kind, str], Indicator] = {}
        self.left_out: int = 0
        self._places_left = MOST_PLACES_IN_ALL

    def add(self, hits: Iterable[tuple[Hit, int | None]], trail: tuple[str, ...]) -> None:
        """Add hits, each with its line number if it has one, of the passage that `trail` leads to."""
        for hit, line in hits:
            key = (hit.kind, _same(hit))
            indicator = self._indicators.get(key)
            if indicator is None:
                if len(self._indicators) >= MOST_INDICATORS:
                    self.left_out += 1
                    continue
                indicator = self._indicators[key] = Indicator(hit.kind, hit.value, hit.marks)
            self._see(indicator, Place(trail, line))

    def merge(self, other: Findings) -> None:
        """Take over what another one found."""
        self.files += other.files
        self.notes += other.notes
        self.left_out += other.left_out
        for key, found in other._indicators.items():
            if key not in self._indicators and len(self._indicators) >= MOST_INDICATORS:
                self.left_out += found.count
                continue
            known = self._indicators.setdefault(key, Indicator(found.kind, found.value, found.marks))
            known.count += found.count - len(found.places)
            for place in found.places:
                self._see(known, place)

    def by_kind(self) -> Mapping[Kind, Sequence[Indicator]]:
        """Return the indicators of each kind that was found, in the order of `Kind`, each in the order of discovery."""
        found: dict[Kind, list[Indicator]] = {kind: [] for kind in Kind}
        for indicator in self._indicators.values():
            found[indicator.kind].append(indicator)
        return {kind: indicators for kind, indicators in found.items() if indicators}

    def _see(self, indicator: Indicator, place: Place) -> None:
        """Count one more place of an indicator, and keep it while there are few."""
        indicator.count += 1
        if not indicator.places:
            indicator.places[place] = None
        elif self._places_left and len(indicator.places) < MOST_PLACES and place not in indicator.places:
            indicator.places[place] = None
            self._places_left -= 1

    def __len__(self) -> int:
        return len(self._indicators)


def _same(hit: Hit) -> str:
    """Return what makes two values one: the path of `http://host/` is the empty path."""
    if hit.kind is Kind.URL and hit.value.endswith("/") and hit.value.count("/") == 3:
        return hit.value[:-1]
    return hit.value
