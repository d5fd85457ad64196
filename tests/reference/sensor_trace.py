"""One sensor's trace: its readings, what is known between them, and its own gaps.

interfaces.md section 4 (Excursions, Coverage) and section 3 (Several sensors, Hand-over): a trace is built from all
readings up to as-of and cut afterwards.
"""

from collections import namedtuple
from fractions import Fraction

# Known time: the value runs straight from `left` at `start` to `right`, its limit at `end`. Half-open.
Segment = namedtuple("Segment", "start end left right")

# Time of one sensor without knowledge, cut to the unit's custody. `raw_start` and `raw_end` are the last and the next
# instant the sensor knows, also outside the custody; `None` where there is none.
SensorGap = namedtuple("SensorGap", "start end raw_start raw_end")


def value_at(segment, at):
    """The straight line of a segment, exact."""
    if segment.left == segment.right:
        return Fraction(segment.left)
    share = Fraction(at - segment.start, segment.end - segment.start)
    return segment.left + share * (segment.right - segment.left)


def cut(segment, start, end):
    """The part of a segment in [start, end], or `None` when that has no length."""
    a, b = max(segment.start, start), min(segment.end, end)
    if a >= b:
        return None
    return Segment(a, b, value_at(segment, a), value_at(segment, b))


class SensorTrace:
    """One quantity of one sensor as one product sees it.

    `pick` says which value of a conflict counts (`high` or `low`), `band` is how many times the accuracy is added.
    """

    def __init__(self, sensor, readings, product, exclusions, quantity, pick, interp="linear", band=0):
        self.name = sensor.id
        self.max_gap = sensor.max_gap_ms(product)
        self.is_step = sensor.source == "on_change" or interp == "hold"
        self.masks = [
            (start, end) for name, start, end in exclusions if name == sensor.id and (end is None or start < end)
        ]
        self.points = []  # (at, value): readings that were not excluded
        for at, lowest, highest in readings:
            if any(start <= at and (end is None or at < end) for start, end in self.masks):
                continue
            value = highest if pick == "high" else lowest
            if quantity == "temperature":
                offset, uncertainty = sensor.calibration_at(at)
                value += offset + band * (sensor.accuracy + uncertainty)
            self.points.append((at, value))
        self.segments = self._segments()

    def _segments(self):
        """Neighbours at most `max_gap` apart are joined; excluded time is taken out afterwards."""
        out = []
        for (a, before), (b, after) in zip(self.points, self.points[1:]):
            if b - a <= self.max_gap:
                out.append(Segment(a, b, before, before if self.is_step else after))
        for start, end in self.masks:
            kept = []
            for segment in out:
                outside = [cut(segment, segment.start, start)]
                if end is not None:
                    outside.append(cut(segment, end, segment.end))
                kept += [part for part in outside if part is not None]
            out = kept
        return out

    # values at the border of known time

    def value_before(self, at, reading_counts=True):
        """The value up to `at`: its reading there, else the limit of the known time that ends there."""
        if reading_counts:
            for t, value in self.points:
                if t == at:
                    return value
        for segment in self.segments:
            if segment.start < at <= segment.end:
                return value_at(segment, at)
        return None

    def value_after(self, at):
        """The value from `at` on: its reading there, or the known time that holds it."""
        for t, value in self.points:
            if t == at:
                return value
        for segment in self.segments:
            if segment.start <= at < segment.end:
                return value_at(segment, at)
        return None

    def is_in_no_interval(self, at):
        """A reading without a neighbour, or, in a step, one that holds for no time (section 4, Excursions)."""
        if self.is_step:
            return not any(segment.start == at for segment in self.segments)
        return not any(at in (segment.start, segment.end) for segment in self.segments)

    def follows_known_time(self, at):
        return any(segment.end == at for segment in self.segments)

    # gaps

    def known_instants(self):
        """Readings, and where exclusions cut known time."""
        return [at for at, _ in self.points] + [t for s in self.segments for t in (s.start, s.end)]

    def gaps(self, start, end):
        """The sensor's unknown intervals within one stretch [start, end) of custody, as if it were alone.

        Between readings every interval without knowledge, whatever the cut leaves of it; a lead or tail only when
        longer than `max_gap`. A tail is as long as the sensor has been silent, a lead as long as it was waited for.
        """
        inside = [part for part in (cut(s, start, end) for s in self.segments) if part is not None]
        edges = {start, end} | {t for part in inside for t in (part.start, part.end)}
        edges |= {at for at, _ in self.points if start < at < end}
        edges = sorted(edges)
        out = []
        for a, b in zip(edges, edges[1:]):
            if any(part.start <= a and b <= part.end for part in inside):
                continue
            known = self.known_instants()
            raw_start = max((t for t in known if t <= a), default=None)
            raw_end = min((t for t in known if t >= b), default=None)
            inner = raw_start is not None and raw_end is not None
            silent_since = a if raw_start is None else raw_start
            if inner or b - silent_since > self.max_gap:
                out.append(SensorGap(a, b, raw_start, raw_end))
        return out
