"""Where an installation keeps its files when nobody said."""

from __future__ import annotations

import os
from pathlib import Path


def default_data_dir() -> Path:
    """`var` here; as root /var/lib/tulia, which the database's own account can reach."""
    return Path("/var/lib/tulia/main") if hasattr(os, "geteuid") and os.geteuid() == 0 else Path("var")
