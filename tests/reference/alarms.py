"""Alarms: the instant a rule fires, as observed and in the worst case (interfaces.md section 4, Alarms)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Optional

from excursions import excursions_of, joined
from instants import show_start
from rules import is_out


@dataclass
class Alarm:
    rule: object
    at: Optional[Fraction]
    worst_case_at: Optional[Fraction]

    @property
    def instant(self):
        return self.worst_case_at if self.at is None else self.at

    def to_json(self):
        return {
            "rule": self.rule.id,
            "at": None if self.at is None else show_start(self.at),
            "worst_case_at": None if self.worst_case_at is None else show_start(self.worst_case_at),
        }


def fires_single(rule, intervals):
    """[(interval, instant)] of the intervals that reach the delay."""
    return [((a, b), a + rule.delay_ms) for a, b in intervals if b > a and b - a >= rule.delay_ms]


def fires_cumulative(rule, intervals):
    """The instant at which the summed time reaches the delay, over everything or over a rolling window."""
    intervals = [(a, b) for a, b in intervals if b > a]
    if not intervals:
        return None
    if rule.delay_ms == 0:
        return intervals[0][0]
    window = rule.window_ms
    if window is None:
        window = intervals[-1][1] - intervals[0][0]

    def time_out(at):
        return sum(max(0, min(b, at) - max(a, at - window)) for a, b in intervals)

    turns = sorted({t for a, b in intervals for t in (a, b, a + window, b + window)})
    for a, b in zip(turns, turns[1:]):
        before, after = time_out(a), time_out(b)
        if before < rule.delay_ms <= after:
            return a + (b - a) * Fraction(rule.delay_ms - before) / (after - before)
    return None


def worst_case_intervals(rule, trace, excursions, gaps):
    """Observed excursions, and every gap with an end out of limits as out for all of it.

    `gaps` are the unit's; each sensor's own are added as if it were alone.
    """
    left_out = {e.end for e in excursions if e.end_kind in ("gap", "open")}
    out = [(e.start, e.end) for e in excursions]
    for gap in gaps:
        values = trace.end_values_before(gap.start) + trace.start_values_after(gap.end)
        if gap.start in left_out or any(is_out(rule, v) for v in values if v is not None):
            out.append((gap.start, gap.end))
    for name, gap in trace.sensor_gaps():
        sensor = trace.sensors[name]
        ends = []
        if gap.raw_start is not None:
            ends.append(sensor.value_before(gap.raw_start))
        if gap.raw_end is not None:
            ends.append(sensor.value_after(gap.raw_end))
        if gap.raw_start in left_out or any(is_out(rule, v) for v in ends if v is not None):
            out.append((gap.start, gap.end))
    return joined(out)


def alarms_of(rule, excursions, worst):
    """One entry per firing excursion, or one for a cumulative rule; `at` is `None` when only the worst case fires."""
    observed = [(e.start, e.end) for e in excursions]
    if rule.mode == "cumulative":
        at, worst_at = fires_cumulative(rule, observed), fires_cumulative(rule, worst)
        return [] if at is None and worst_at is None else [Alarm(rule, at, worst_at)]
    alarms = []
    firing = fires_single(rule, observed)
    for (a, b), worst_at in fires_single(rule, worst):
        inside = [at for (start, end), at in firing if a <= start and end <= b]
        alarms += [Alarm(rule, at, worst_at) for at in inside] or [Alarm(rule, None, worst_at)]
    return alarms


def level_readings(rule, trace, excursions):
    """Readings out of limits that are in no interval, and in no excursion of the rule (section 4, reason `level`)."""
    found = []
    for at, value, name in trace.points:
        sensor = trace.sensors[name]
        if not is_out(rule, value) or not sensor.is_in_no_interval(at):
            continue
        if sensor.follows_known_time(at) and any(e.start <= at <= e.end for e in excursions):
            continue
        found.append(at)
    return found


class RuleFindings:
    """What one rule found on one unit."""

    def __init__(self, rule, subject, gaps):
        trace = subject.trace(rule.quantity, rule.side, rule.interp)
        self.rule = rule
        self.excursions = excursions_of(rule, trace)
        worst = worst_case_intervals(rule, trace, self.excursions, gaps)
        self.alarms = alarms_of(rule, self.excursions, worst)
        self.level_at = level_readings(rule, trace, self.excursions)
        self.banded_at = self._banded(subject)

    @property
    def fired_at(self):
        """The first observed firing."""
        return min((a.at for a in self.alarms if a.at is not None), default=None)

    @property
    def worst_case_at(self):
        return min((a.worst_case_at for a in self.alarms if a.worst_case_at is not None), default=None)

    def _banded(self, subject):
        """The first firing with x plus or minus the accuracy (reason `guard_band`)."""
        band = 1 if self.rule.side == "high" else -1
        trace = subject.trace(self.rule.quantity, self.rule.side, self.rule.interp, band)
        found = excursions_of(self.rule, trace)
        if self.rule.mode == "cumulative":
            return fires_cumulative(self.rule, [(e.start, e.end) for e in found])
        return min((at for _, at in fires_single(self.rule, [(e.start, e.end) for e in found])), default=None)
