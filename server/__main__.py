"""`python -m server`: the `quarterdeck` command."""

import sys

from server.cli import main

sys.exit(main())
