"""`python -m server`: the `quarterdeck` command."""

import sys

try:
    from server.cli import main
except KeyboardInterrupt:  # Ctrl-C while Python is still reading its modules
    sys.exit(0)

sys.exit(main())
