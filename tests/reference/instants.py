"""Times, dates and exact numbers as the outside contract writes them.

Instants are whole milliseconds since the epoch (`int`), or `Fraction`s of them where a line crosses a limit.
Temperatures and humidities are whole thousandths. Nothing that is compared is ever a float.
"""

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
DAY_MS = 86_400_000
_FORM = re.compile(
    r"^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$"
)


def parse_instant(value):
    """RFC 3339 with any offset, or integer milliseconds (interfaces.md, head)."""
    if isinstance(value, bool):
        raise ValueError("a time is text or an integer")
    if isinstance(value, int):
        return value
    text = str(value).strip()
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    found = _FORM.match(text)
    if not found:
        raise ValueError(f"`{text}` is no RFC 3339 time")
    year, month, day, hour, minute, second = (int(found.group(i)) for i in range(1, 7))
    fraction = (found.group(7) or "").ljust(3, "0")[:3]
    zone = found.group(8)
    offset = 0
    if zone not in "Zz":
        sign = -1 if zone[0] == "-" else 1
        offset = sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)
    moment = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone.utc)
    seconds = (moment - EPOCH) // dt.timedelta(seconds=1) - offset
    return seconds * 1000 + int(fraction)


def show_instant(ms):
    """RFC 3339 UTC with milliseconds; only whole milliseconds are shown."""
    assert ms == int(ms)
    moment = EPOCH + dt.timedelta(milliseconds=int(ms))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(ms) % 1000:03d}Z"


def show_start(ms):
    """A start, and every alarm, is rounded down to the millisecond (section 4, Excursions)."""
    return show_instant(floor(ms))


def show_end(ms):
    """An end is rounded up to the millisecond (section 4, Excursions)."""
    return show_instant(ceil(ms))


def thousandths(value):
    """Whole thousandths, half away from zero (section 2); `None` stays `None`."""
    if value is None:
        return None
    scaled = Decimal(str(value)) * 1000
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def duration_ms(seconds):
    """Seconds of a document as an exact number of milliseconds; `None` stays `None`."""
    if seconds is None:
        return None
    return Fraction(Decimal(str(seconds))) * 1000


def seconds(ms):
    """Milliseconds, exact, as the f64 of their seconds."""
    return float(Fraction(ms) / 1000)


def degrees(value):
    """Thousandths, exact, as the f64 of the quantity; `None` stays `None`."""
    return None if value is None else float(Fraction(value) / 1000)
