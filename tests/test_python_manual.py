"""docs/python.md names what there is: the public methods with their arguments, the properties, the errors."""

import inspect
import re
from pathlib import Path

import pytest

from secgemini import AsyncInteractiveSession, AsyncSecGemini, InteractiveSession, SecGemini, errors

ROOT = Path(__file__).resolve().parent.parent
MANUAL = (ROOT / "docs" / "python.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", MANUAL, re.DOTALL | re.MULTILINE))
BLOCKS = re.findall(r"^```python\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)


def public(of: type) -> dict[str, object]:
    return {name: inspect.getattr_static(of, name) for name in dir(of) if not name.startswith("_")}


def call(of: type, name: str) -> str:
    """Return how a method is called: `name(argument=default, *, …)`."""
    signature = inspect.signature(of if name == of.__name__ else getattr(of, name))
    named = [each.replace(annotation=each.empty) for each in signature.parameters.values() if each.name != "self"]
    shown = str(signature.replace(parameters=named, return_annotation=signature.empty))
    return name + shown.replace("'", '"')


def first_cells(section: str) -> list[str]:
    return re.findall(r"^\| `(\w+\(.*?\))` \|", SECTIONS[section], re.MULTILINE)


@pytest.mark.parametrize(("section", "of"), [("The client", SecGemini), ("A session", InteractiveSession)])
def test_the_tables_name_every_method_as_it_is_called(section: str, of: type) -> None:
    methods = [name for name, value in public(of).items() if not isinstance(value, property)]
    assert sorted(first_cells(section)) == sorted(call(of, name) for name in methods)


@pytest.mark.parametrize(("section", "of"), [("The client", SecGemini), ("A session", InteractiveSession)])
def test_the_page_names_every_property(section: str, of: type) -> None:
    prose = "\n".join(line for line in SECTIONS[section].splitlines() if not line.startswith("|"))
    named = set(re.findall(r"`(\w+)`", prose))
    assert named >= {name for name, value in public(of).items() if isinstance(value, property)}


def test_the_constructor() -> None:
    assert f"`{call(SecGemini, 'SecGemini')}`" in " ".join(MANUAL.split())


@pytest.mark.parametrize(("of", "twin"), [(SecGemini, AsyncSecGemini), (InteractiveSession, AsyncInteractiveSession)])
def test_the_other_client_differs_in_how_it_is_closed(of: type, twin: type) -> None:
    assert public(of).keys() ^ public(twin).keys() <= {"close", "aclose"}


def test_the_table_of_errors() -> None:
    named = re.findall(r"^\| `(\w+Error)` \|", SECTIONS["Errors"], re.MULTILINE)
    there = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert sorted(named) == sorted(there)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_examples(block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block, "manual", "exec"), {"__name__": "manual"})
    shown = capsys.readouterr().out
    assert "Indicators" in shown
    assert "info" in shown.splitlines()[-1]
