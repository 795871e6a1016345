from __future__ import annotations

import subprocess
import sys

_SAID = (
    "import sys, tulia.config.asgi; print(*(m in sys.modules for m in ('tulia.api.analytics', 'tulia.web.composer')))"
)


def test_a_web_process_has_imported_what_answers_before_its_first_request() -> None:
    assert (
        subprocess.run([sys.executable, "-c", _SAID], check=True, capture_output=True, text=True).stdout
        == "True True\n"
    )
