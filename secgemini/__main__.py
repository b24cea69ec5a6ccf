"""Run the command line: `python -m secgemini`."""

import sys

from .cli import main

sys.exit(main())
