"""`secgemini` with every answer of `serve` held against the contract: `python tests/checked_serve.py serve …`.

What breaks the contract is said on stderr when the service ends, and the exit code is 70.
"""

import sys

from held_services import broken_promises, hold_every_service

from secgemini.cli import main

if __name__ == "__main__":
    hold_every_service()
    code = main()
    wrong = broken_promises()
    for violation in wrong:
        print(f"broken promise: {violation}", file=sys.stderr)
    sys.exit(70 if wrong else code)
