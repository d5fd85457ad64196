"""Excursions: every time out of a rule's limit (interfaces.md section 4, science.md section 3)."""

from dataclasses import dataclass
from fractions import Fraction

from instants import degrees, seconds, show_end, show_start
from rules import goes_on, is_out, reset_level
from sensor_trace import Segment, cut, value_at


@dataclass
class Excursion:
    """[start, end): instants exact, in milliseconds; values in thousandths."""

    rule: object
    start: Fraction
    end: Fraction
    start_kind: str  # crossing, series_start, after_gap, handover
    end_kind: str  # recovered, gap, open
    time_out_ms: Fraction = 0
    peak: Fraction = None
    peak_at: Fraction = None
    degree_ms: Fraction = 0

    @property
    def duration_ms(self):
        return self.end - self.start

    def to_json(self):
        return {
            "rule": self.rule.id,
            "start": show_start(self.start),
            "end": None if self.end_kind == "open" else show_end(self.end),
            "start_kind": self.start_kind,
            "end_kind": self.end_kind,
            "duration_s": seconds(self.duration_ms),
            "time_out_s": seconds(self.time_out_ms),
            "peak": degrees(self.peak),
            "peak_at": show_start(self.peak_at),
            "degree_seconds": float(Fraction(self.degree_ms) / 1_000_000),
        }


def beyond(segment, level, side, inclusive):
    """The part of a straight line beyond a level, as (from, to), or `None` when it has no length.

    Whether the level itself counts only matters where the line stays on it.
    """
    left, right = segment.left, segment.right
    if side == "low":
        left, right, level = -left, -right, -level
    if left == right:
        whole = left > level or (inclusive and left == level)
        return (segment.start, segment.end) if whole else None
    if max(left, right) <= level:
        return None
    if min(left, right) >= level:
        return segment.start, segment.end
    crossing = segment.start + (segment.end - segment.start) * Fraction(level - left) / (right - left)
    return (crossing, segment.end) if right > left else (segment.start, crossing)


def joined(intervals):
    """Intervals of known time; those that touch are one: an instant between them ends nothing."""
    out = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def excursions_of(rule, trace):
    """All excursions of a rule on a unit's trace, by start, recoveries shorter than `merge_s` bridged."""
    out = joined(_parts(trace, rule, rule.limit))
    goes = joined(_parts(trace, rule, reset_level(rule)))
    found = []
    for start, end in goes:
        begun = [a for a, _ in out if start <= a < end]
        if begun:
            found.append(
                Excursion(rule, min(begun), end, _start_kind(rule, trace, min(begun)), _end_kind(rule, trace, end))
            )
    merged = []
    for excursion in found:
        if merged and _bridged(rule, trace, merged[-1], excursion):
            merged[-1].end, merged[-1].end_kind = excursion.end, excursion.end_kind
        else:
            merged.append(excursion)
    for excursion in merged:
        _measure(excursion, trace, out)
    return merged


def _parts(trace, rule, level):
    found = (beyond(piece, level, rule.side, rule.inclusive) for piece in trace.pieces)
    return [part for part in found if part is not None]


def _bridged(rule, trace, before, after):
    """A recovery shorter than `merge_s` is bridged, equal is not; never across a gap."""
    if after.start - before.end >= rule.merge_ms:
        return False
    if before.end_kind == "gap" or after.start_kind in ("after_gap", "series_start"):
        return False
    known = sum(
        min(p.end, after.start) - max(p.start, before.end)
        for p in trace.pieces
        if p.start < after.start and p.end > before.end
    )
    return known == after.start - before.end


def _measure(excursion, trace, out):
    """Time out, peak and degree-seconds, over [start, end)."""
    rule = excursion.rule
    for start, end in out:
        a, b = max(start, excursion.start), min(end, excursion.end)
        excursion.time_out_ms += max(0, b - a)
    for piece in trace.pieces:
        line = Segment(piece.start, piece.end, piece.left, piece.right)
        part = cut(line, excursion.start, excursion.end)
        if part is None:
            continue
        for at, value in ((part.start, part.left), (part.end, part.right)):
            if excursion.peak is None or (value > excursion.peak if rule.side == "high" else value < excursion.peak):
                excursion.peak, excursion.peak_at = value, at
        over = beyond(part, rule.limit, rule.side, rule.inclusive)
        if over is not None:
            heights = abs(value_at(part, over[0]) - rule.limit) + abs(value_at(part, over[1]) - rule.limit)
            excursion.degree_ms += (over[1] - over[0]) * Fraction(heights) / 2


def _start_kind(rule, trace, at):
    after = trace.piece_from(at)
    before = trace.piece_until(at)
    if after.start < at:
        return "crossing"
    if not any(is_out(rule, trace.sensors[name].value_after(at)) for name in after.known):
        return "crossing"  # it begins on the limit itself and leaves it
    out = [name for name in after.known if _goes_out(rule, trace.sensors[name], at)]
    if before is None:
        seen = trace.known_or_read_before(at)
        return "after_gap" if seen else "series_start"
    if any(name in before.known for name in out):
        return "crossing"
    return "after_gap" if any(name in before.custody for name in out) else "handover"


def _goes_out(rule, sensor, at):
    """Whether a sensor is out at this instant, or on the limit and out right after."""
    if is_out(rule, sensor.value_after(at)):
        return True
    line = next(segment for segment in sensor.segments if segment.start <= at < segment.end)
    over = beyond(cut(line, at, line.end), rule.limit, rule.side, rule.inclusive)
    return over is not None and over[0] == at


def _end_kind(rule, trace, at):
    before = trace.piece_until(at)
    after = trace.piece_from(at)
    if at < before.end:
        return "recovered"
    if after is not None:
        out = [n for n in before.known if goes_on(rule, trace.sensors[n].value_before(at, reading_counts=False))]
        silent = [n for n in out if n in after.custody and n not in after.known]
        return "gap" if any(goes_on(rule, trace.value_before(n, at)) for n in silent) else "recovered"
    if not any(goes_on(rule, trace.value_before(name, at)) for name in before.known):
        return "recovered"
    return "gap" if trace.known_or_read_after(at) else "open"
