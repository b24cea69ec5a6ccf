"""Where the time of a workload goes: `scripts/bench profile`, by package and by function."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import re
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from canned import canned_peer

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"query": 400, "history": 10_000, "stream": 20_000, "list": 1_000, "attach": 64}
"""How often, how many messages or sessions, how many MiB."""
FUNCTIONS = 15
SOCKET = "ssl/socket"  # what the system does with bytes, and waiting for it
STANDARD = "standard library"
# Functions of C have a name but no file: these say whose they are, any other counts for who called it.
COMPILED = ((re.compile(r"_socket\.|_ssl\.|select\.|posix\."), SOCKET), (re.compile(r"\bmsgspec\b"), "msgspec"))
SOCKET_FILES = {"socket", "ssl", "select", "selectors"}

Function = tuple[str, int, str]  # file, line, name: what cProfile calls a function


def profile_work(work: str, size: int | None = None) -> int:
    """Profile one workload against the peer and print shares of own time; waiting for the peer counts as ssl/socket."""
    size = SIZES[work] if size is None else size
    measured = cProfile.Profile()
    with canned_peer(4 if work in ("query", "attach") else size) as url, workload(work, size, url) as act:
        measured.enable()
        act()
        measured.disable()
    stats = pstats.Stats(measured)
    # Neither typed nor documented, but what every reader of these statistics uses.
    print(report(f"{work}, {size:,}", stats.stats))  # type: ignore[attr-defined]
    return 0


@contextmanager
def workload(work: str, size: int, url: str) -> Iterator[Callable[[], object]]:
    """Yield what is to be profiled, with everything that is done once per client already done."""
    from secgemini import SecGemini

    with SecGemini("key", base_url=url, proxy="") as client, tempfile.NamedTemporaryFile() as file:
        session = client.create_session("profiled")
        session.query("warm")

        async def stream() -> None:
            async with session.stream("go") as messages:
                async for _ in messages:
                    pass

        async def first_message() -> None:
            # Of a session of its own: messages with the same ids come but once out of one session.
            async with client.create_session("warm").stream("warm") as messages:
                await anext(messages)

        acts: dict[str, Callable[[], object]] = {
            "query": lambda: [session.query("again") for _ in range(size)],
            "history": session.history,
            "stream": lambda: asyncio.run(stream()),
            "list": client.list_sessions,
            "attach": lambda: session.attach_file_from_disk(file.name),
        }
        if work == "attach":
            file.truncate(size << 20)
        if work == "stream":
            asyncio.run(first_message())
        yield acts[work]


def report(what: str, stats: dict[Function, Any]) -> str:
    """Return two tables: the packages, and the functions with the most own time, each with its share of the whole."""
    packages = by_package(stats)
    total = sum(packages.values())
    lines = [f"{what}: {total:.3f} s under the profiler, own time", "", "by package"]
    lines += [f"  {spent / total:6.1%}  {name}" for name, spent in packages.most_common()]
    lines += ["", "by function"]
    for function, (_, calls, own, _, _) in sorted(stats.items(), key=lambda item: -item[1][2])[:FUNCTIONS]:
        lines.append(f"  {own / total:6.1%}  {calls:9,} x  {package_of(function) or 'compiled':16}  {place(function)}")
    return "\n".join(lines)


def by_package(stats: dict[Function, Any]) -> Counter[str]:
    """Return the own seconds of each package; a compiled function of none counts for those who called it."""
    spent: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in stats.items():
        name = package_of(function)
        if name or not callers:
            spent[name or STANDARD] += own
            continue
        for caller, (_, _, part, _) in callers.items():
            spent[package_of(caller) or STANDARD] += part
    return spent


def package_of(function: Function) -> str:
    """Return the package that a function belongs to, '' for a compiled one that has none."""
    file, _, name = function
    if file == "~":
        return next((owner for pattern, owner in COMPILED if pattern.search(name)), "")
    if file.startswith("<"):  # made at run time: attrs puts the name of the module there
        found = re.search(r"generated \w+ (\w+)", file)
        return found[1] if found else STANDARD
    path = Path(file)
    for folder in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), ROOT / "generated", ROOT):
        if path.is_relative_to(folder):
            return path.relative_to(folder).parts[0].removesuffix(".py")
    return SOCKET if path.stem in SOCKET_FILES else STANDARD


def place(function: Function) -> str:
    file, line, name = function
    if file == "~" or file.startswith("<"):
        return name
    return f"{name} ({'/'.join(Path(file).parts[-2:])}:{line})"
