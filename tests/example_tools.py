"""The example tools of the manual."""

import hashlib
import os
from pathlib import Path

from secgemini.tools import tool


@tool(read_only=True)
def list_dir(path: str) -> list[str]:
    """List the names in a directory.

    Args:
        path: The directory.
    """
    return sorted(os.listdir(path))


@tool(read_only=True)
def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@tool
def write_file(path: Path, text: str) -> None:
    """Write a text file."""
    path.write_text(text)
