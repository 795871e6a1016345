"""A message as WhatsApp shows it: *bold*, _italic_, ~struck~ and line breaks, as safe HTML."""

from __future__ import annotations

import html
import re

_MARKS = (("*", "b"), ("_", "i"), ("~", "s"))


def to_html(text: str) -> str:
    """HTML of the text; everything that is in it is escaped first."""
    made = html.escape(text)
    for mark, tag in _MARKS:
        sign = re.escape(mark)
        made = re.sub(rf"(?<![\w{sign}]){sign}(?=\S)([^\n{sign}]*?\S){sign}(?![\w{sign}])", rf"<{tag}>\1</{tag}>", made)
    return made.replace("\n", "<br>")
