"""The same contract compiled with the generator's own templates: what our templates are compared with."""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "stock_api"


@functools.cache
def stock_folder() -> Path:
    """Compile once per process, make `stock_api` importable, and return the folder that holds it."""
    folder = Path(tempfile.mkdtemp(prefix="stock-api-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    arguments = ["--path", ROOT / "generated" / "secgemini_api" / "openapi.json", "--output-path", folder / NAME]
    subprocess.run([*command, *arguments], check=True, capture_output=True, env={**os.environ, "PATH": path})
    sys.path.append(str(folder))
    return folder


class Package:
    """One compiled package: `package.models`, `package.client`, `package.endpoint("sessions", "get_session")`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.root = importlib.import_module(name)
        self.models = importlib.import_module(f"{name}.models")
        self.client = importlib.import_module(f"{name}.client")
        self.types = importlib.import_module(f"{name}.types")

    def endpoint(self, tag: str, operation: str):
        return importlib.import_module(f"{self.name}.api.{tag}.{operation}")


@functools.cache
def stock() -> Package:
    folder = stock_folder()
    return Package(NAME, folder)


@functools.cache
def ours() -> Package:
    return Package("secgemini_api", ROOT / "generated")
