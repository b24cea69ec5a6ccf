"""Run the command line: `python -m secgemini.cli`."""

import sys

from . import main

sys.exit(main())
