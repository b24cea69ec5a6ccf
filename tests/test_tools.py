"""Tools as a user defines and lends them."""

import subprocess
import sys
from pathlib import Path

import pytest
from example_tools import list_dir, sha256_file, write_file

from secgemini.errors import ToolError
from secgemini.tools import Tool, Toolbox, tool

# --- defining ---------------------------------------------------------------------------------------------------


def test_a_tool_is_still_the_function(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    assert list_dir(str(tmp_path)) == ["a"]
    assert list_dir.__name__ == "list_dir"


def test_definition() -> None:
    assert Tool.of(list_dir).definition() == {
        "name": "list_dir",
        "description": "List the names in a directory.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "The directory."}},
            "required": ["path"],
        },
        "returns": {"type": "array", "items": {"type": "string"}},
    }


def test_options_override_what_the_source_says() -> None:
    @tool(name="ls", description="List.", timeout=5, max_result_bytes=10, read_only=True)
    def list_names(path: str) -> str:
        return path

    ls = Tool.of(list_names)

    assert (ls.name, ls.description, ls.timeout, ls.max_result_bytes, ls.read_only) == ("ls", "List.", 5, 10, True)


def test_a_plain_function_is_a_tool_that_may_change_things() -> None:
    def touch(path: str) -> None:
        """Make a file."""

    assert not Tool.of(touch).read_only
    assert not Tool.of(write_file).read_only


def test_methods_are_tools_once_bound() -> None:
    class Shelf:
        books = ("a", "b")

        @tool(read_only=True)
        def titles(self, limit: int = 1) -> list[str]:
            """List the titles."""
            return list(self.books[:limit])

    titles = Tool.of(Shelf().titles)

    assert titles.read_only
    assert titles.definition()["parameters"] == {
        "type": "object",
        "properties": {"limit": {"type": "integer", "default": 1}},
    }


def test_a_definition_cannot_be_changed_from_outside() -> None:
    ls = Tool.of(list_dir)
    ls.definition().clear()
    parameters = ls.definition()["parameters"]
    assert isinstance(parameters, dict)
    parameters["properties"] = {}

    assert "path" in str(ls.definition())


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_time_out_must_be_positive(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be"):
        tool(timeout=timeout)


def test_size_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_result_bytes must be"):
        tool(max_result_bytes=0)


# --- lending ----------------------------------------------------------------------------------------------------


def test_without_approve_only_read_only_tools_are_lent() -> None:
    with pytest.raises(ToolError, match=r"pass approve=…, or mark it @tool\(read_only=True\)") as refusal:
        Toolbox([list_dir, write_file])

    assert refusal.value.tool == "write_file"
    assert len(Toolbox([list_dir, write_file], lambda call: False)) == 2


def test_two_tools_of_one_name_are_refused() -> None:
    @tool(name="list_dir", read_only=True)
    def other(path: str) -> str:
        """List."""
        return path

    with pytest.raises(ToolError, match="two tools are called 'list_dir'"):
        Toolbox([list_dir, other])


def test_approve_must_be_callable() -> None:
    with pytest.raises(TypeError, match="approve must be a function"):
        Toolbox([write_file], approve=True)  # type: ignore[arg-type]


def test_definitions_are_in_the_order_of_the_tools() -> None:
    toolbox = Toolbox([sha256_file, Tool.of(list_dir)])

    assert [definition["name"] for definition in toolbox.definitions()] == ["sha256_file", "list_dir"]


# --- importing --------------------------------------------------------------------------------------------------


def test_importing_tools_loads_neither_httpx_nor_rich() -> None:
    script = "import sys, secgemini.tools; print(sorted({'httpx', 'rich', 'websockets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
