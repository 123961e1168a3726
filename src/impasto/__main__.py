"""`python -m impasto`, the same as `impasto`."""

import sys

from impasto.cli import main

sys.exit(main())
