"""What the embedded service offers: its models and toolsets, and which model an alias means."""

from __future__ import annotations

from collections.abc import Mapping

from secgemini.local.fields import JsonObject, rows, text

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<path d="M8 1l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V3z" fill="none" stroke="currentColor"/></svg>'
)
VENDOR: JsonObject = {
    "name": "secgemini",
    "description": "The embedded service of the Python package.",
    "url": "https://secgemini.google",
    "svg": _ICON,
}
_TOOLSETS: list[JsonObject] = [
    {
        "name": name,
        "version": 1,
        "description": description,
        "vendor": VENDOR,
        "is_enabled": True,
        "is_enabled_by_default": True,
        "is_enabled_by_default_in_incognito": True,
        "is_experimental": False,
    }
    for name, description in (
        ("indicators", "Finds addresses, names, hashes and identifiers in prompts and files."),
        ("files", "Reads attached files."),
        ("logs", "Counts and searches attached logs."),
    )
]


def _model(name: str, version: str, description: str, *, experimental: bool = False) -> JsonObject:
    return {
        "model_name": name,
        "version": version,
        "model_string": f"{name}-{version}-experimental" if experimental else f"{name}-{version}",
        "use_experimental": experimental,
        "description": description,
        "toolsets": _TOOLSETS,
    }


_MODELS = [
    _model("sec-gemini", "1.1", "Answers with the engine that the service was started with."),
    _model("logs_analysis_agent", "1.1", "The same engine, under the name that log tools ask for."),
    _model("sec-gemini", "1.1", "The same engine, as the experimental model.", experimental=True),
]
_VERSIONS = ("stable", "latest", "1.1", "1.1-stable")
_TRIAL = "experimental"


def models(*, experimental: bool) -> list[JsonObject]:
    """Return the models that a user may use, the recommended one first."""
    return [model for model in _MODELS if experimental or not model["use_experimental"]]


def resolve(wanted: Mapping[str, object], *, experimental: bool) -> JsonObject | None:
    """Return the model that a client means by a contract `ModelInfoInput`, or None when there is none.

    `stable` and `latest` mean the newest version. Clients that are given a model string split it, each in its own way
    and some between the wrong words: where name and version mean nothing, the string does. Toolsets that the client
    chose stay as it chose them.
    """
    name, version = text(wanted, "model_name"), text(wanted, "version")
    trial = wanted.get("use_experimental") is True
    found = _find(name, version, trial=trial, experimental=experimental)
    found = found or by_string(text(wanted, "model_string"), trial=trial, experimental=experimental)
    return found and found | {"toolsets": rows(wanted, "toolsets") or _TOOLSETS}


def by_string(model_string: str, *, experimental: bool, trial: bool = False) -> JsonObject | None:
    """Return the model with a model string such as `sec-gemini-1.1` or `sec-gemini-stable`, or None."""
    for model in models(experimental=True):
        name = str(model["model_name"])
        if model_string == name or model_string.startswith(name + "-"):
            return _find(name, model_string[len(name) + 1 :] or "stable", trial=trial, experimental=experimental)
    return None


def _find(name: str, version: str, *, trial: bool, experimental: bool) -> JsonObject | None:
    if version.endswith(_TRIAL):
        trial, version = True, version.removesuffix(_TRIAL).removesuffix("-") or "stable"
    found = (model for model in models(experimental=experimental) if model["use_experimental"] is trial)
    return next((model for model in found if model["model_name"] == name and version in _VERSIONS), None)
