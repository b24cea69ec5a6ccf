"""The compiled models: what goes in comes out, defaults stand in for what is missing, nonsense is one type of error."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import subprocess
import sys
import weakref
from typing import Any

import attrs
import pytest
import wire
from contract_document import SCHEMAS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schema_strategies import component
from secgemini_api import models
from secgemini_api.errors import UnexpectedShape
from secgemini_api.models import Message, MessageType, MimeType, PublicSession, ResponseStatus, Role, State
from secgemini_api.types import UNSET
from stock_package import ours, stock

MODELS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
MAIN = ["Message", "PublicSession", "UserInfo", "SessionResponse", "OpResult", "SessionInput", "ChatCompletionRequest"]
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def test_names_read_well() -> None:
    from secgemini_api.api.sessions import get_session

    assert get_session.sync.__module__ == "secgemini_api.api.sessions.get_session"
    assert (MimeType.CPP, MimeType.C, MimeType.TEXT) == ("text/c++", "text/c", "text/plain")
    assert ResponseStatus.TOO_MANY_REQUESTS == 429
    assert ResponseStatus(429) is ResponseStatus.TOO_MANY_REQUESTS
    assert (MessageType.LOCAL_TOOL_CALL, State.END, Role.AGENT) == ("local_tool_call", "end", "agent")


@pytest.mark.parametrize("name", [name for name, schema in SCHEMAS.items() if "enum" in schema])
def test_every_enum_has_all_values_of_the_contract(name: str) -> None:
    values = SCHEMAS[name]["enum"]
    assert list(dict.fromkeys(values)) == [member.value for member in getattr(models, name)]
    for variable, value in zip(SCHEMAS[name].get("x-enum-varnames", []), values, strict=False):
        assert getattr(models, name)[variable] == value  # aliases, too


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data())
@settings(FEW, max_examples=10)
def test_what_goes_in_comes_out(name: str, data: st.DataObject) -> None:
    value = data.draw(component(name, open_world=True))
    model = getattr(models, name).from_dict(value)
    assert model.to_dict() == value
    assert json.loads(json.dumps(model.to_dict())) == value
    assert getattr(models, name).from_dict(model.to_dict()) == model


@pytest.mark.parametrize("name", MAIN)
@given(data=st.data())
@FEW
def test_the_stock_output_reads_and_writes_the_same(name: str, data: st.DataObject) -> None:
    value = data.draw(component(name, open_world=False).filter(stock_can_read))
    assert (
        getattr(ours().models, name).from_dict(value).to_dict()
        == getattr(stock().models, name).from_dict(value).to_dict()
    )


def stock_can_read(value: Any) -> bool:
    """Return whether the value has no tool schema: stock declares one attribute of that class twice."""
    if isinstance(value, dict):
        return not value.get("local_tools") and all(map(stock_can_read, value.values()))
    return all(map(stock_can_read, value)) if isinstance(value, list) else True


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data())
@settings(FEW, max_examples=10)
def test_defaults_stand_in_for_missing_fields(name: str, data: st.DataObject) -> None:
    value = data.draw(component(name, open_world=True))
    kind = getattr(models, name)
    fields = attrs.fields_dict(kind)
    dispensable = [key for key in value if attribute(key) in fields and has_default(fields[attribute(key)])]
    dropped = data.draw(st.sets(st.sampled_from(dispensable))) if dispensable else set()
    model = kind.from_dict({key: one for key, one in value.items() if key not in dropped})
    whole = kind.from_dict(value)
    for key in value:
        if key in dropped:
            is_required = key in SCHEMAS[name].get("required", [])
            assert getattr(model, attribute(key)) == (default_of(fields[attribute(key)]) if is_required else UNSET)
        elif attribute(key) in fields:
            assert getattr(model, attribute(key)) == getattr(whole, attribute(key))


def attribute(key: str) -> str:
    """Return the attribute of a field: names of built-ins and of our own attribute get an underscore."""
    return f"{key}_" if key in ("additional_properties", "type", "format", "object") else key


def has_default(field: attrs.Attribute[Any]) -> bool:
    return field.default is not attrs.NOTHING


def default_of(field: attrs.Attribute[Any]) -> Any:
    return field.default.factory() if isinstance(field.default, attrs.Factory) else field.default


def test_defaults_are_not_shared() -> None:
    first, second = (PublicSession.from_dict(without(wire.session(), "files", "messages")) for _ in range(2))
    first.files.append(models.PublicSessionFile("a", 1, "h", "t"))
    assert second.files == []
    assert PublicSession.from_dict(without(wire.session(), "files", "messages")).files == []


def without(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (without(wire.message("m1"), "id"), "Message: the required field 'id' is missing"),
        (wire.message("m1", usage=5), "Usage: TypeError"),
        (wire.message("m1", usage=[]), "Usage: TypeError"),
        (wire.message("m1", role=None), "Message: ValueError"),
        (wire.message("m1", role=[]), "Message: TypeError"),
        (wire.message("m1", role={"a": 1}), "Message: TypeError"),
        ([], "Message: TypeError"),
        (None, "Message: TypeError"),
        ("text", "Message: TypeError"),
        (7, "Message: TypeError"),
    ],
)
def test_nonsense_is_an_unexpected_shape(data: Any, words: str) -> None:
    with pytest.raises(UnexpectedShape) as caught:
        Message.from_dict(data)
    assert str(caught.value).startswith(words)
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("messages", [None, {}, {"a": 1}, "", "text", 5, [None], [[]], ["text"]])
def test_a_list_that_is_none_is_an_unexpected_shape(messages: Any) -> None:
    with pytest.raises(UnexpectedShape):
        PublicSession.from_dict(wire.session(messages=messages))


@pytest.mark.parametrize("data", [[["a", 1]], [], None, "", "text", 5])
def test_a_free_object_that_is_none_is_an_unexpected_shape(data: Any) -> None:
    with pytest.raises(UnexpectedShape):
        models.JsonObject.from_dict(data)


def test_a_union_that_nothing_fits_is_an_unexpected_shape() -> None:
    for content in ([{"type": "smell"}], [5], 5, {}):
        with pytest.raises(UnexpectedShape):
            models.ChatMessage.from_dict({"role": "user", "content": content})


def test_unknown_values_and_fields_survive_a_round_trip() -> None:
    data = wire.session(
        messages=[
            wire.message("m1", "telepathy", state="dreaming", mime_type="text/cobol", status_code=529, new={"a": [1]}),
            wire.message("m2", role="oracle", usage={**wire.USAGE, "watts": 3}),
        ],
        mood="good",
    )
    session = PublicSession.from_dict(data)
    message = session.messages[0]
    assert message.message_type == "telepathy"
    assert (message.message_type.value, message.message_type.is_known) == ("telepathy", False)
    assert (message.status_code, message["new"], session["mood"]) == (529, {"a": [1]}, "good")
    assert session.messages[1].message_type.is_known
    for copied in (session, copy.copy(session), copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
        assert copied == session
        assert copied.to_dict() == data
        assert type(copied.messages[0].message_type) is MessageType


def test_an_operation_result_with_status_529_survives() -> None:
    data = {"ok": False, "status_code": 529, "status_message": "", "data": None, "mime_type": None, "latency": 0.5}
    result = models.OpResult.from_dict(data)
    assert (result.status_code, result.status_code.value, result.status_code.is_known) == (529, 529, False)
    assert isinstance(result.status_code, ResponseStatus)
    assert result.to_dict() == data


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [MessageType("new"), MessageType.RESULT, ResponseStatus(529), ResponseStatus.OK])
def test_enum_values_pickle_and_copy(value: Any, protocol: int) -> None:
    for copied in (pickle.loads(pickle.dumps(value, protocol)), copy.copy(value), copy.deepcopy(value)):
        assert (copied, copied.value, copied.is_known) == (value, value.value, value.is_known)
        assert type(copied) is type(value)


def test_an_unknown_enum_value_behaves_like_its_string() -> None:
    new = MessageType("new")
    assert (new, hash(new), str(new), f"{new}", json.dumps(new)) == ("new", hash("new"), "new", "new", '"new"')
    assert new == MessageType("new")
    assert new != MessageType.RESULT
    assert repr(new) == "<MessageType.UNKNOWN: 'new'>"
    assert new not in list(MessageType)
    assert str(ResponseStatus(529)) == "529"


@pytest.mark.parametrize("value", [None, 5, 1.5, [], b"x"])
def test_a_string_enum_takes_strings_only(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid MessageType"):
        MessageType(value)


def test_unknown_enum_values_do_not_stay_in_memory() -> None:
    before = len(MessageType._value2member_map_)
    reference = weakref.ref(MessageType("made up"))
    gc.collect()
    assert reference() is None
    assert len(MessageType._value2member_map_) == before


LOAD_ALL_IN_THREADS = """
import threading
import secgemini_api.models as models
names, together, failures = list(models.__all__), threading.Barrier(16), []

def load(number):
    together.wait()
    try:
        for name in names[number::16] + names:
            getattr(models, name)
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=load, args=(number,)) for number in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(failures)
"""


def test_many_threads_may_load_the_models_at_once() -> None:
    for _ in range(3):  # without a lock, about one time in ten fails
        done = subprocess.run([sys.executable, "-c", LOAD_ALL_IN_THREADS], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


def test_a_field_that_may_be_absent_stays_absent() -> None:
    message = Message.from_dict(without(wire.message("m1"), "timestamp"))
    assert message.timestamp is UNSET
    assert "timestamp" not in message.to_dict()
    assert not UNSET
    assert repr(UNSET) == "UNSET"


def test_a_field_beats_an_additional_property_of_its_name() -> None:
    message = Message.from_dict(wire.message("m1"))
    message["id"] = "forged"
    message["new"] = 1
    assert (message.to_dict()["id"], message.to_dict()["new"], message.additional_keys) == ("m1", 1, ["id", "new"])
    del message["id"]
    assert "id" not in message
