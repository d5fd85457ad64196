"""Labelled and effective expiry, and when a date has passed (interfaces.md section 4, Effective expiry)."""

import datetime as dt
from math import ceil
from zoneinfo import ZoneInfo

from instants import DAY_MS, EPOCH

EARLIEST = dt.timezone(dt.timedelta(hours=14))


def passes_at(date, timezone):
    """00:00 of the next day in the time zone of the unit's place; without one at UTC+14. Milliseconds."""
    zone = ZoneInfo(timezone) if timezone else EARLIEST
    next_day = date + dt.timedelta(days=1)
    midnight = dt.datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
    return (midnight.astimezone(dt.timezone.utc) - EPOCH) // dt.timedelta(milliseconds=1)


class Expiry:
    def __init__(self, subject, life):
        record = subject.registry.lots[subject.gtin, subject.lot]
        label = record.get("expires_on")
        place = subject.place_at_end()
        self.timezone = (place or {}).get("timezone")
        self.labelled = None if label is None else dt.date.fromisoformat(label)
        self.effective = self._earlier_by(life.extra_s)
        self.effective_nominal = self._earlier_by(life.extra_nominal_s)

    def _earlier_by(self, extra_s):
        """The label less whole days, rounded up; never later than the label nor before the calendar."""
        if self.labelled is None:
            return None
        days = ceil(extra_s * 1000 / DAY_MS)
        return max(dt.date.min, self.labelled - dt.timedelta(days=days)) if days < 730_000 else dt.date.min

    def passed_at(self, date, end):
        """The instant at which a date passed, if it had by the end of the window."""
        if date is None:
            return None
        at = passes_at(date, self.timezone)
        return at if at <= end else None
