"""A unit's trace: at each instant the worst of the sensors known (interfaces.md section 3)."""

from collections import namedtuple
from fractions import Fraction

from sensor_trace import Segment, SensorTrace, cut, value_at

# Known time of the unit: a straight line, who was known, and whose sensors it had.
Piece = namedtuple("Piece", "start end left right known custody")

# A stretch in which one sensor belongs to the unit.
Stay = namedtuple("Stay", "sensor start end")


def worst_of(lines, side):
    """Pointwise highest (or lowest) of straight lines, as [(Segment, names known)].

    `lines` is [(name, Segment)]; where none is known there is nothing.
    """
    edges = {t for _, line in lines for t in (line.start, line.end)}
    ordered = sorted(edges)
    for a, b in zip(ordered, ordered[1:]):
        here = [line for _, line in lines if line.start <= a and b <= line.end]
        for i, one in enumerate(here):
            for other in here[i + 1 :]:
                crossing = _crossing(one, other, a, b)
                if crossing is not None:
                    edges.add(crossing)
    ordered = sorted(edges)
    best = max if side == "high" else min
    out = []
    for a, b in zip(ordered, ordered[1:]):
        here = [(name, line) for name, line in lines if line.start <= a and b <= line.end]
        if here:
            middle = Fraction(a + b) / 2
            _, line = best(here, key=lambda pair: value_at(pair[1], middle))
            piece = Segment(a, b, value_at(line, a), value_at(line, b))
            out.append((piece, frozenset(name for name, _ in here)))
    return out


def _crossing(one, other, a, b):
    """Where two lines cross inside (a, b)."""
    at_a = value_at(one, a) - value_at(other, a)
    at_b = value_at(one, b) - value_at(other, b)
    if at_a * at_b >= 0:
        return None
    return a + (b - a) * Fraction(at_a) / (at_a - at_b)


class UnitTrace:
    """One quantity, seen from one side, of one unit over its window.

    `stretches` is the custody [(from, to, sensors)], `at_end` the sensors of the last instant.
    """

    def __init__(self, subject, quantity, side, interp="linear", band=0):
        self.side = side
        self.start, self.end = subject.window
        self.stretches = subject.stretches_of(quantity)
        self.at_end = subject.sensors_at_end(quantity)
        names = {name for _, _, there in self.stretches for name in there} | self.at_end
        self.sensors = {
            name: SensorTrace(
                subject.registry.sensor(name),
                subject.readings.of(name, quantity),
                subject.product,
                subject.registry.exclusions,
                quantity,
                side,
                interp,
                band,
            )
            for name in names
        }
        self.stays = self._stays()
        self.pieces = self._pieces()
        self.points = self._points()

    def _stays(self):
        out = []
        for name in sorted(self.sensors):
            for start, end, names in self.stretches:
                if name not in names:
                    continue
                if out and out[-1].sensor == name and out[-1].end == start:
                    out[-1] = Stay(name, out[-1].start, end)
                else:
                    out.append(Stay(name, start, end))
        return out

    def _pieces(self):
        out = []
        for start, end, names in self.stretches:
            lines = []
            for name in sorted(names):
                for segment in self.sensors[name].segments:
                    part = cut(segment, start, end)
                    if part is not None:
                        lines.append((name, part))
            out += [Piece(*segment, known, names) for segment, known in worst_of(lines, self.side)]
        return out

    def _points(self):
        """Readings [(at, value, sensor)] in custody: [from, to), and the last instant of the window."""
        out = []
        for stay in self.stays:
            out += [(at, v, stay.sensor) for at, v in self.sensors[stay.sensor].points if stay.start <= at < stay.end]
        for name in sorted(self.at_end):
            out += [(at, v, name) for at, v in self.sensors[name].points if at == self.end]
        return sorted(out)

    # at an instant

    def stays_at(self, at):
        return [stay for stay in self.stays if stay.start <= at < stay.end]

    def piece_from(self, at):
        """The known time that begins at, or holds on after, this instant."""
        return next((p for p in self.pieces if p.start <= at < p.end), None)

    def piece_until(self, at):
        """The known time that leads up to this instant."""
        return next((p for p in self.pieces if p.start < at <= p.end), None)

    def value_before(self, sensor, at):
        """One sensor's value up to `at`. A reading at the instant it is handed over is no longer the unit's."""
        still = any(s.sensor == sensor for s in self.stays_at(at)) or (at == self.end and sensor in self.at_end)
        return self.sensors[sensor].value_before(at, reading_counts=still)

    def end_values_before(self, at):
        """Values with which knowledge ends at `at`."""
        piece = self.piece_until(at)
        names = piece.known if piece else frozenset()
        values = [self.value_before(name, at) for name in names]
        return values + [v for t, v, name in self.points if t == at and name not in names]

    def start_values_after(self, at):
        """Values with which knowledge begins at `at`."""
        piece = self.piece_from(at)
        values = [self.sensors[name].value_after(at) for name in piece.known] if piece else []
        return values + [v for t, v, _ in self.points if t == at]

    def worst(self, values):
        values = [v for v in values if v is not None]
        if not values:
            return None
        return max(values) if self.side == "high" else min(values)

    def known_or_read_before(self, at):
        return any(p.start < at for p in self.pieces) or any(t < at for t, _, _ in self.points)

    def known_or_read_after(self, at):
        return any(p.end > at for p in self.pieces) or any(t > at for t, _, _ in self.points)

    def read_before_window(self):
        """The last instant before the window that a sensor of its beginning knew."""
        names = [stay.sensor for stay in self.stays_at(self.start)]
        return max((t for n in names for t in self.sensors[n].known_instants() if t < self.start), default=None)

    def read_after_window(self):
        """The first instant after the window that a sensor of its end knew."""
        names = [stay.sensor for stay in self.stays if stay.end == self.end]
        return min((t for n in names for t in self.sensors[n].known_instants() if t > self.end), default=None)

    def is_empty(self):
        """No reading tells anything about the window."""
        return not self.pieces and not self.points

    def sensor_gaps(self):
        """[(sensor, SensorGap)]: each sensor's gaps as if it were alone, within its stays."""
        return [
            (stay.sensor, gap)
            for stay in self.stays
            for gap in self.sensors[stay.sensor].gaps(stay.start, stay.end)
        ]
