"""Ready at once: what the embedded service loads before its first answer, and what that costs in a cold process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

STEPS = """
import json, sys, time
from secgemini import SecGemini
loaded = {"import": sorted(sys.modules)}
wall, cpu = time.perf_counter(), time.process_time()
sg = SecGemini.local()
loaded["local"] = sorted(sys.modules)
answer = sg.create_session().query("Look at http://evil.example/x").output_text
spent = time.perf_counter() - wall, time.process_time() - cpu
assert "evil.example" in answer
loaded["answer"] = sorted(sys.modules)
sg.close()
print(json.dumps([loaded, *spent]))
"""
FLOOR = """
import json, time
wall, cpu = time.perf_counter(), time.process_time()
import httpx
httpx.Client()
print(json.dumps([None, time.perf_counter() - wall, time.process_time() - cpu]))
"""
# Not before somebody asks for them: files of a type that they read, the command line, tests, the client's own parts.
FILES = {"pypdf", "puremagic", "publicsuffixlist", "xml", "tarfile"}
OTHERS = {"typer", "pytest", "openapi_python_client", "yaml", "docstring_parser"}
CLIENT = {"httpx", "httpcore", "attr", "rich", "jsonschema_rs", "dateutil"}
SERVICE = {"starlette", "uvicorn", "sqlite3", "websockets", "asyncio", "msgspec"}


def fresh(program: str) -> tuple[dict[str, list[str]], float, float]:
    """Run a program in a process of its own; return the modules loaded by step, and seconds of wall and of CPU."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, wall, cpu = json.loads(done.stdout)
    return loaded, wall, cpu


def test_nothing_is_loaded_before_it_is_needed() -> None:
    loaded, _, _ = fresh(STEPS)
    packages = {step: {name.partition(".")[0] for name in names} for step, names in loaded.items()}
    assert not packages["import"] & (FILES | OTHERS | CLIENT | SERVICE)
    assert not packages["local"] & (FILES | OTHERS | CLIENT)
    assert not packages["answer"] & (FILES | OTHERS | {"rich", "pygments"}), "nor what draws, nor httpx's own command"
    assert packages["answer"] >= SERVICE, "the names above are those of what there is"
    assert "secgemini.local.engines.analyst.answering" not in loaded["local"], "the engine is loaded by its first turn"


def test_the_command_of_httpx_can_still_be_imported() -> None:
    fresh(
        "import json, secgemini\nsecgemini.SecGemini('k').api\nimport httpx._main\n"
        "assert callable(httpx._main.main)\nprint(json.dumps([None, 0, 0]))"
    )


@pytest.mark.slow
def test_the_first_answer_costs_little_more_than_an_http_client() -> None:
    fresh(STEPS)  # warm files
    ours = [fresh(STEPS)[1:] for _ in range(7)]
    floor = [fresh(FLOOR)[1:] for _ in range(7)]
    wall, cpu = (min(run[i] for run in ours) for i in (0, 1))
    floor_wall, floor_cpu = (min(run[i] for run in floor) for i in (0, 1))
    print(
        f"\nSecGemini.local() to the first answer, cold process, best of 7: {wall:.3f} s, {cpu:.3f} s of CPU"
        f"\nimport httpx; httpx.Client(): {floor_wall:.3f} s, {floor_cpu:.3f} s of CPU; {cpu / floor_cpu:.1f} times"
    )
    assert cpu < 4 * floor_cpu, "seconds would judge the machine; this judges what is loaded"
