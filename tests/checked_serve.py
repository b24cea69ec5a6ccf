"""`secgemini` with every answer of `serve` held against the contract: `python tests/checked_serve.py serve …`.

What breaks the contract is said at once, on stderr and to the tests that started it; the exit code is 70 then.
"""

import sys

from held_services import broken_promises, hold_every_service, tell_tests

from secgemini.cli import main


def tell(violation: str) -> None:
    """Say it now: this process may be killed."""
    print(f"broken promise: {violation}", file=sys.stderr, flush=True)
    tell_tests(violation)


if __name__ == "__main__":
    hold_every_service(tell)
    code = main()
    sys.exit(70 if broken_promises() else code)
