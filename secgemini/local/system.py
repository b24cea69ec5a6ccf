"""Who the caller is, and what the service is made of."""

from __future__ import annotations

from secgemini._version import __version__
from secgemini.local.catalogue import VENDOR, models
from secgemini.local.fields import JsonObject, flag, rows, text
from secgemini.local.service import Call
from secgemini.local.sessions import list_sessions


async def get_user_info(call: Call) -> JsonObject:
    """Return the caller, the caller's sessions and the models."""
    key = call.key
    return {
        "user": {
            "id": key.user,
            "org_id": key.org,
            "type": "user",
            "never_log": False,
            "can_disable_logging": key.can_disable_logging,
            "key_expire_time": 0,
            "tpm": key.tpm,
            "rpm": key.rpm,
            "allow_experimental": key.allow_experimental,
            "vendors": [VENDOR],
        },
        "sessions": await list_sessions(call),
        "available_models": models(experimental=key.allow_experimental),
    }


async def get_tools(call: Call) -> list[object]:
    """Return the toolsets of the recommended model."""
    return [dict(toolset) for toolset in rows(models(experimental=False)[0], "toolsets")]


async def get_agent(call: Call) -> JsonObject:
    """Return an overview of the one agent that there is."""
    experimental = flag(call.query, "experimental", False)
    return {
        "name": call.service.engine_name,
        "height": call.query.get("height"),
        "models": [text(model, "model_string") for model in models(experimental=experimental)],
    }


async def get_prompts(call: Call) -> JsonObject:
    """Return the agents' prompts: an embedded engine has none of its own."""
    return {call.service.engine_name: ""}


async def get_graph(call: Call) -> JsonObject:
    """Return the agents' graph as a dict of dicts: one agent, with its toolsets as neighbours."""
    enabled = set(_names(call, "toolsets_to_enable"))
    disabled = set(_names(call, "toolsets_to_disable"))
    names = {text(toolset, "name") for toolset in rows(models(experimental=False)[0], "toolsets")} | enabled
    return {call.service.engine_name: {name: {} for name in sorted(names - disabled)}}


def _names(call: Call, parameter: str) -> list[str]:
    return [name.strip() for name in text(call.query, parameter).split(",") if name.strip()]


async def get_diagnostic(call: Call) -> JsonObject:
    """Return how the service is doing."""
    return {
        "version": __version__,
        "engine": call.service.engine_name,
        "sessions": len(call.service.store.sessions(call.key.user)),
        "running_turns": call.service.turns.running,
    }


async def get_timestamp(call: Call) -> JsonObject:
    """Return the service's time, in Unix seconds (UTC)."""
    return {"ts": call.service.clock.peek()}


async def get_health(call: Call) -> JsonObject:
    """Return that the service is up."""
    return {"status": "ok", "version": __version__, "engine": call.service.engine_name}


async def get_root(call: Call) -> JsonObject:
    """Greet."""
    return {"service": "secgemini", "version": __version__, "embedded": True}
