"""`python -m tulia.cli` is `tulia`."""

import sys

from tulia.cli.command import main

sys.exit(main())
