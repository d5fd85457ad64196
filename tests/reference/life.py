"""Life: equivalent age, low, nominal and upper (interfaces.md section 4, Life; science.md sections 2 and 4)."""

from fractions import Fraction
from math import fsum

from excursions import joined
from instants import seconds, show_end, show_start
from kinetics import Rate, line
from sensor_trace import Segment, cut
from unit_trace import worst_of


def gap_path(start, end, left, right, bound, slew):
    """The warmest path through a gap, as straight lines over [start, end].

    `left` and `right` are the values, accuracy included, at its ends; `None` where there is no reading. With a bound
    it is max(bound, both ends) throughout, or with a slew it rises, stays and falls; without a bound the worse end.
    """
    ends = [v for v in (left, right) if v is not None]
    top = max(ends + ([] if bound is None else [bound]), default=None)
    if top is None:
        return []
    level = [Segment(start, end, top, top)]
    if bound is None or slew is None or not ends:
        return level
    if left is not None and right is not None and abs(left - right) > slew * (end - start):
        return level  # the ends are further apart than the slew allows: it does not hold here
    if slew == 0:
        return level if left is None or right is None else [Segment(start, end, left, right)]
    rise_end = start if left is None else start + Fraction(top - left) / slew
    fall_start = end if right is None else end - Fraction(top - right) / slew
    if rise_end <= fall_start:
        turns = [(start, left), (rise_end, top), (fall_start, top), (end, right)]
    else:
        meet = (start + end) / Fraction(2) + Fraction((right or 0) - (left or 0)) / (2 * slew)
        if left is None:
            turns = [(start, right + slew * (end - start)), (end, right)]
        elif right is None:
            turns = [(start, left), (end, left + slew * (end - start))]
        else:
            turns = [(start, left), (meet, left + slew * (meet - start)), (end, right)]
    turns = [(t, top if v is None else v) for t, v in turns if start <= t <= end]
    return [Segment(a, b, u, v) for (a, u), (b, v) in zip(turns, turns[1:]) if b > a]


def straight_path(start, end, left, right):
    """Straight between the ends; along a lead or a tail the nearest reading."""
    if left is None and right is None:
        return []
    left = right if left is None else left
    right = left if right is None else right
    return [Segment(start, end, left, right)]


def gap_ends(trace, gap):
    """The unit's values at the ends of an unknown interval, as (start, end, left, right).

    Where the window begins or ends in it, the ends are the last instant before and the first one after that the
    sensors there know; `None` where there is none.
    """
    start, end = gap.start, gap.end
    left = right = None
    if not gap.is_first:
        left = trace.worst(trace.end_values_before(start))
    elif trace.read_before_window() is not None:
        start = trace.read_before_window()
        left = trace.worst([trace.sensors[s.sensor].value_before(start) for s in trace.stays_at(trace.start)])
    if not gap.is_last:
        right = trace.worst(trace.start_values_after(end))
    elif trace.read_after_window() is not None:
        end = trace.read_after_window()
        there = [stay.sensor for stay in trace.stays if stay.end == trace.end]
        right = trace.worst([trace.sensors[name].value_after(end) for name in there])
    return start, end, left, right


def sensor_ends(sensor, gap):
    """One sensor's values at the ends of its own silence, `None` where it has none."""
    left = None if gap.raw_start is None else sensor.value_before(gap.raw_start)
    right = None if gap.raw_end is None else sensor.value_after(gap.raw_end)
    return left, right


class Life:
    def __init__(self, subject, gaps, excursions):
        self.subject = subject
        self.gaps = gaps
        kinetics = subject.product.kinetics
        self.rate = Rate(kinetics)
        ea = kinetics.get("ea_kj_per_mol")
        ea_low = ea if kinetics.get("ea_low") is None else kinetics["ea_low"]
        ea_high = ea if kinetics.get("ea_high") is None else kinetics["ea_high"]
        known = sum(p.end - p.start for p in subject.hot.pieces)
        self.elapsed_ms = known + sum(g.end - g.start for g in gaps)
        self.nominal_path = self._inner_path(0)
        self.low_path = self._inner_path(-1)
        self.upper_path = self._upper_path()
        # (activation energy above the reference, below it): milder slows both sides, worse speeds both
        self.nominal_ea, self.low_ea, self.upper_ea = (ea, ea), (ea_low, ea_high), (ea_high, ea_low)
        elapsed = seconds(self.elapsed_ms)
        self.nominal_excess_s = self._excess(self.nominal_path, self.nominal_ea)
        self.upper_excess_s = self._excess(self.upper_path, self.upper_ea)
        self.nominal_s = elapsed + self.nominal_excess_s
        self.low_s = elapsed + self._excess(self.low_path, self.low_ea)
        self.upper_s = elapsed + self.upper_excess_s
        self.extra_s = max(0.0, self.upper_excess_s)
        self.extra_nominal_s = max(0.0, self.nominal_excess_s)
        self.contributions = self._contributions(excursions)

    def _excess(self, path, energies):
        return fsum(self.rate.excess_s(segment, *energies) for segment in path)

    # paths

    def _inner_path(self, band):
        """Known time; straight across inner gaps; the nearest reading across lead and tail."""
        trace = self.subject.trace("temperature", "high", band=band)
        path = [line(piece) for piece in trace.pieces]
        own = worst_of(self._own_lines(trace), "high")
        for gap in self.gaps:
            path += within([segment for segment, _ in own], gap.start, gap.end)
            straight = straight_path(*gap_ends(trace, gap))
            for a, b in free_of(path, gap.start, gap.end):
                path += within(straight, a, b)
        return sorted(path)

    def _own_lines(self, trace):
        """Lines through silences of one sensor that reach beyond its stay: built from all its readings, then cut."""
        out = []
        for name, gap in trace.sensor_gaps():
            start = gap.start if gap.raw_start is None else gap.raw_start
            end = gap.end if gap.raw_end is None else gap.raw_end
            is_inner = gap.raw_start is not None and gap.raw_end is not None
            if not is_inner and start >= gap.start and end <= gap.end:
                continue  # a lead or tail of the stay: the unit's own trace goes on from other readings
            left, right = sensor_ends(trace.sensors[name], gap)
            for segment in straight_path(start, end, left, right):
                part = cut(segment, gap.start, gap.end)
                if part is not None:
                    out.append((name, part))
        return out

    def _upper_path(self):
        """Pointwise the highest of each sensor's own upper path and of the path through each gap of the unit."""
        product = self.subject.product
        trace = self.subject.trace("temperature", "high", band=1)
        lines = []
        for stay in trace.stays:
            for segment in trace.sensors[stay.sensor].segments:
                lines.append((stay.sensor, cut(segment, stay.start, stay.end)))
        for name, gap in trace.sensor_gaps():
            start = gap.start if gap.raw_start is None else gap.raw_start
            end = gap.end if gap.raw_end is None else gap.raw_end
            left, right = sensor_ends(trace.sensors[name], gap)
            path = gap_path(start, end, left, right, product.gap_bound, product.gap_slew_per_ms)
            lines += [(name, cut(part, gap.start, gap.end)) for part in path]
        for number, gap in enumerate(self.gaps):
            path = gap_path(*gap_ends(trace, gap), product.gap_bound, product.gap_slew_per_ms)
            lines += [(f"gap {number}", cut(part, gap.start, gap.end)) for part in path]
        path = [segment for segment, _ in worst_of([pair for pair in lines if pair[1] is not None], "high")]
        covered = joined([(p.start, p.end) for p in trace.pieces] + [(g.start, g.end) for g in self.gaps])
        return [part for a, b in covered for part in within(path, a, b)]

    # contributions

    def _contributions(self, excursions):
        """The extra of each gap, each excursion and each remaining stretch; the ten largest."""
        hot = [(e.start, e.end) for e in excursions if (e.rule.quantity, e.rule.side) == ("temperature", "high")]
        parts = [(g.start, g.end, "gap") for g in self.gaps]
        known = joined([(p.start, p.end) for p in self.subject.hot.pieces])
        for a, b in known:
            inside = [(max(a, c), min(b, d)) for c, d in joined(hot) if c < b and d > a]
            parts += [(c, d, "excursion") for c, d in inside]
            edges = [a] + [t for pair in inside for t in pair] + [b]
            parts += [(c, d, None) for c, d in zip(edges[::2], edges[1::2]) if d > c]
        found = []
        for start, end, kind in parts:
            extra = self._excess(within(self.upper_path, start, end), self.upper_ea)
            if extra <= 0:
                continue
            if kind is None:
                stored = self._excess(within(self.nominal_path, start, end), self.nominal_ea)
                kind = "storage" if stored > 0 else "accuracy"
            found.append((start, end, extra, kind))
        found.sort(key=lambda part: (-round(part[2] * 1e6), part[0]))
        return found[:10]

    def to_json(self):
        return {
            "elapsed_s": seconds(self.elapsed_ms),
            "equivalent_s": {"low": self.low_s, "nominal": self.nominal_s, "upper": self.upper_s},
            "extra_s": self.extra_s,
            "contributions": [
                {"from": show_start(start), "to": show_end(end), "extra_s": extra, "kind": kind}
                for start, end, extra, kind in self.contributions
            ],
        }


def within(path, start, end):
    """The parts of a path in [start, end]."""
    return [part for part in (cut(segment, start, end) for segment in path) if part is not None]


def free_of(path, start, end):
    """The intervals of [start, end] that a path does not cover."""
    out, at = [], start
    for a, b in joined([(s.start, s.end) for s in path if s.start < end and s.end > start]):
        if a > at:
            out.append((at, a))
        at = max(at, b)
    if at < end:
        out.append((at, end))
    return out
