"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tulia.web import words

register = template.Library()
_MICROS = 1_000_000


@register.filter
def count(number: int | None) -> str:
    """1204 → 1,204"""
    return "–" if number is None else f"{number:,}"


@register.filter
def share(part: int, whole: int) -> str:
    """1012 of 1204 → 84.1 %; a dash when nothing stands below."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


@register.filter
def permille(part: int, whole: int) -> str:
    """A width for a bar of 1000; with a point as SVG wants it."""
    return f"{1_000 * part / whole:.2f}" if whole else "0"


@register.filter
def money(micros: int) -> str:
    """Whole units, without a currency."""
    return f"{micros / _MICROS:,.0f}"


@register.filter
def dollars(micros: int) -> str:
    """19690000 → $19.69; what is less than a cent but not nothing is told as such."""
    return "under $0.01" if 0 < micros < _MICROS // 200 else f"${micros / _MICROS:,.2f}"


@register.filter
def duration(seconds: float | None) -> str:
    """75.4 → 1 min 15 s"""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    hours, rest = divmod(whole, 3_600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A time in the tenant's zone: the clock today, with the day otherwise; machines get it whole."""
    if at is None:
        return "–"
    local, today = timezone.localtime(at), timezone.localtime()
    if local.date() == today.date():
        text = f"{local:%H:%M}"
    elif local.year == today.year:
        text = f"{local.day} {local:%b, %H:%M}"
    else:
        text = f"{local.day} {local:%b %Y}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", text
    )


@register.filter
def appointment(at: datetime) -> SafeString:
    """A time to come, in the tenant's zone: always with the day and the clock."""
    local = timezone.localtime(at)
    year = "" if local.year == timezone.localtime().year else f" {local.year}"
    text = f"{local.day} {local:%b}{year}, {local:%H:%M}"
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), text)


@register.filter
def status_word(status: str) -> str:
    return words.STATUSES.get(status, status)


@register.filter
def ability(scope: str) -> str:
    """A permission in words."""
    return words.SCOPES.get(scope, scope)


@register.filter
def metric_word(metric: str) -> str:
    return words.METRICS.get(metric, metric)
