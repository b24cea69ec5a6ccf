"""What a session object knows without asking again: it follows what its own calls did."""

from __future__ import annotations

import asyncio

import pytest
from lent_tools import add

from secgemini import AsyncSecGemini, SecGemini, ToolError, tool
from secgemini.local.server import LocalService
from secgemini.session import InteractiveSession


@tool(read_only=True)
def multiply(a: int, b: int) -> int:
    """Multiply."""
    return a * b


def client(service: LocalService) -> SecGemini:
    return SecGemini(service.api_key, base_url=service.base_url, websocket_url=service.websocket_url, proxy="")


def ids(session: InteractiveSession) -> list[str]:
    return [message.id for message in session.messages]


def test_tokens_and_messages_add_up(service: LocalService) -> None:
    with client(service) as sg:
        mine = sg.create_session()
        for _ in range(2):
            mine.query("one two three")
        now = sg.resume_session(mine.id)
        assert mine.data.usage == now.data.usage
        assert (mine.num_messages, ids(mine)) == (now.num_messages, ids(now))


def test_a_listed_session_counts_on_from_what_the_list_said(service: LocalService) -> None:
    with client(service) as sg:
        sg.create_session().query("one")
        (listed,) = sg.list_sessions()
        listed.query("two")
        assert listed.num_messages == sg.resume_session(listed.id).num_messages


def test_a_query_with_tools_keeps_its_prompt(service: LocalService) -> None:
    with client(service) as sg:
        mine = sg.create_session(tools=[multiply])
        mine.query("one two")
        now = sg.resume_session(mine.id)
        assert (mine.messages[0].content, mine.data.usage) == ("one two", now.data.usage)
        assert ids(mine) == ids(now)


def test_a_file_that_comes_while_another_goes_is_kept(service: LocalService) -> None:
    async def both() -> None:
        async with AsyncSecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:
            mine = await sg.create_session()
            for name in "ab":
                await mine.attach_file(name, name.encode())
            service.faults.set("detach_file:latency=0.2")
            await asyncio.gather(mine.detach_file(0), mine.attach_file("c", b"c"))
            known = [file.name for file in mine.files]
            await mine.refresh()
            assert known == [file.name for file in mine.files] == ["b", "c"]

    asyncio.run(both())


def test_only_tools_that_the_session_was_made_with_can_be_lent_again(service: LocalService) -> None:
    with client(service) as sg:
        mine = sg.create_session(tools=[multiply])
        assert sg.resume_session(mine.id, tools=[multiply]).id == mine.id
        with pytest.raises(ToolError, match=r"does not know the tool 'add'.*made with multiply"):
            sg.resume_session(mine.id, tools=[multiply, add])


def test_a_service_that_shows_no_tools_gets_the_benefit_of_the_doubt(
    service: LocalService, caplog: pytest.LogCaptureFixture
) -> None:
    with client(service) as sg:
        sg.resume_session(sg.create_session().id, tools=[multiply])
    assert "shows no tools of this session: multiply is called only if" in caplog.text


def test_a_tool_that_was_refused_leaves_its_function_as_it_was() -> None:
    @tool(read_only=True)
    def fine(a: int) -> int:
        """Do it."""
        return a

    with pytest.raises(ToolError):
        tool(name="no spaces")(fine)
    assert tool(fine)(1) == 1
