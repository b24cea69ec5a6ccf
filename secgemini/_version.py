"""The version, said once for code; `scripts/check` holds it against pyproject.toml and the changelog."""

import platform

__version__ = "0.1.0"
USER_AGENT = f"secgemini/{__version__} python/{platform.python_version()}"
