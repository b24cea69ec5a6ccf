"""Find an engine by its name."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from secgemini.errors import ConfigurationError
from secgemini.local.engines import Engine

DEFAULT = "analyst"
_ENGINES = {
    "analyst": ("secgemini.local.engines.analyst", "Analyst"),
    "openai": ("secgemini.local.engines.openai", "OpenAI"),
    "script": ("secgemini.local.engines.script", "Script"),
}
_FORMS = "analyst, openai:URL, script:FILE, or package.module:attribute for one of your own"
_HINT = "an engine has a `name` and an async generator `answer(turn)`; a class or function makes one without arguments"


def find_engine(wanted: str | Engine | Callable[[], object] | None) -> Engine:
    """Return an engine: the object given, what it makes when it is no engine itself, the one of that name, the default.

    A name is `analyst`, `openai` or `script`, perhaps with what it takes (`script:FILE`, `openai:URL`), or
    `package.module:attribute` for one of your own, also of the current folder: an engine, or a class or function that
    makes one when called without arguments.

    Raises:
        ConfigurationError: there is no such engine, or it cannot be made as the environment is.
    """
    if wanted is not None and not isinstance(wanted, str):
        return _engine(wanted, f"engine={wanted!r}")
    name = wanted or DEFAULT
    kind, _, argument = name.partition(":")
    if kind in _ENGINES:
        module, attribute = _ENGINES[kind]
        made: object = getattr(import_module(module), attribute)
        return _engine(made, f"the engine {name!r}", *([argument] if argument else []))
    if not argument:
        raise ConfigurationError(f"no engine {name!r}; there are {_FORMS}")
    with _current_folder():
        try:
            found: object = getattr(import_module(kind), argument)
        except (Exception, SystemExit) as error:  # importing runs somebody's module, which may raise anything
            why = f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"the engine {name!r} cannot be loaded: {why}") from error
        return _engine(found, f"the engine {name!r}")


def _engine(found: object, said: str, *arguments: str) -> Engine:
    """Return `found`, or what it makes when it is called, if that is an engine."""
    if callable(found) and (isinstance(found, type) or not isinstance(found, Engine)):
        try:
            found = found(*arguments)
        except ConfigurationError:
            raise
        except (Exception, SystemExit) as error:  # the same: it is somebody's code
            raise ConfigurationError(f"{said} cannot be made: {type(error).__name__}: {error}", hint=_HINT) from error
    if isinstance(found, type) or not isinstance(found, Engine):
        raise ConfigurationError(f"{said} has no method `answer` or no `name`", hint=_HINT)
    if not isinstance(found.name, str):  # somebody else's code
        raise ConfigurationError(f"{said} has a `name` that is no string", hint=_HINT)
    plain = inspect.iscoroutinefunction(found.answer) or inspect.isgeneratorfunction(found.answer)
    if not callable(found.answer) or plain:
        raise ConfigurationError(f"{said} has an `answer` that is no async generator", hint=_HINT)
    return found


@contextmanager
def _current_folder() -> Iterator[None]:
    """Let modules of the current folder be imported, as `python -m` does."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
