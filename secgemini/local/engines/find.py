"""Find an engine by its name."""

from __future__ import annotations

from importlib import import_module

from secgemini.errors import ConfigurationError
from secgemini.local.engines import Engine

DEFAULT = "analyst"
_ENGINES = {
    "analyst": ("secgemini.local.engines.analyst", "Analyst"),
    "openai": ("secgemini.local.engines.openai", "OpenAI"),
    "script": ("secgemini.local.engines.script", "Script"),
}


def find_engine(wanted: str | Engine | None) -> Engine:
    """Return an engine: the object given, the one of that name, or the default.

    A name is `analyst`, `openai` or `script`, perhaps with what it takes (`script:FILE`, `openai:URL`), or
    `package.module:attribute` for one of your own: an engine, or a class or function that makes one when called without
    arguments.

    Raises:
        ConfigurationError: there is no such engine, or it cannot be made as the environment is.
    """
    if not isinstance(wanted, str) and wanted is not None:
        return wanted
    name = wanted or DEFAULT
    kind, _, argument = name.partition(":")
    if kind not in _ENGINES:
        argument = ""
    module, attribute = _ENGINES.get(kind) or name.partition(":")[::2]
    if not attribute:
        raise ConfigurationError(f"no engine {name!r}; there are {', '.join(_ENGINES)}, or package.module:attribute")
    try:
        found: object = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the engine {name!r} cannot be loaded: {error}") from error
    if isinstance(found, type) or not isinstance(found, Engine):
        found = (found(argument) if argument else found()) if callable(found) else found
    if not isinstance(found, Engine):
        raise ConfigurationError(f"the engine {name!r} has no method `answer` or no `name`")
    return found
