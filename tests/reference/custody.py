"""Where a unit was and whose sensors watched it (interfaces.md section 3, "A unit" and "Whose trace").

Every fact has a whole-millisecond instant and holds over [from, to), so asking half a millisecond after or before
an instant asks the interval after or before it.
"""

from fractions import Fraction

HALF = Fraction(1, 2)


def _holds(start, end, at):
    return start <= at and (end is None or at < end)


class Custody:
    def __init__(self, registry, readings):
        self.registry = registry
        self.unit_sensors = [
            (sensor, unit, start, end)
            for sensor, _, unit, start, end in registry.associations
            if unit is not None
        ] + readings.carried()
        self.place_sensors = [
            (sensor, place, start, end)
            for sensor, place, _, start, end in registry.associations
            if place is not None
        ]

    # where

    def parent_at(self, unit, at):
        """The aggregation a unit is a child of at this time."""
        for child, parent, start, end in self.registry.aggregations:
            if child == unit and _holds(start, end, at):
                return parent
        return None

    def place_at(self, unit, at):
        """The place of a unit, or of what is only a parent of units; `None` when nobody said."""
        split = self.registry.splits.get(unit)
        if split and at < split[1]:
            return self.place_at(split[0], at)
        parent = self.parent_at(unit, at)
        if parent is not None:
            place = self.place_at(parent, at)
            if place is not None:
                return place
        return self._own_place_at(unit, at)

    def _own_place_at(self, unit, at):
        """The latest of: where it began, where it was moved, where an aggregation left it."""
        told = []  # (instant, rank, place); a move decides over the rest of its instant
        record = self.registry.units.get(unit)
        if record and record["at"] <= at:
            told.append((record["at"], 0, record.get("place")))
        split = self.registry.splits.get(unit)
        if split and split[1] <= at:
            told.append((split[1], 0, self.place_at(split[0], split[1])))
        for child, parent, _, end in self.registry.aggregations:
            if child == unit and end is not None and end <= at:
                left_at = self.place_at(parent, end - HALF)
                if left_at is not None:
                    told.append((end, 1, left_at))
        for moved_at, moved, place in self.registry.moves:
            if moved == unit and moved_at <= at:
                told.append((moved_at, 2, place))
        told = [fact for fact in told if fact[2] is not None]
        return max(told)[2] if told else None

    # whose sensors

    def sensors_at(self, unit, at):
        """The sensors that make the unit's trace at this time."""
        split = self.registry.splits.get(unit)
        if split and at < split[1]:
            return self.sensors_at(split[0], at)
        own = self._unit_sensors_at(unit, at)
        if own:
            return own
        return self._place_sensors_at(self.place_at(unit, at), at)

    def _unit_sensors_at(self, unit, at):
        """The unit's own sensors; a child without any has those of what it travels in."""
        own = frozenset(s for s, u, start, end in self.unit_sensors if u == unit and _holds(start, end, at))
        if own:
            return own
        parent = self.parent_at(unit, at)
        return self._unit_sensors_at(parent, at) if parent is not None else frozenset()

    def _place_sensors_at(self, place, at):
        while place is not None:
            found = frozenset(
                s for s, p, start, end in self.place_sensors if p == place and _holds(start, end, at)
            )
            if found:
                return found
            place = (self.registry.places.get(place) or {}).get("parent")
        return frozenset()

    # over a window

    def _instants(self):
        registry = self.registry
        spans = [(f, t) for *_, f, t in registry.associations + registry.aggregations + self.unit_sensors]
        out = {instant for span in spans for instant in span if instant is not None}
        out |= {at for at, _, _ in registry.moves} | {at for _, at in registry.splits.values()}
        return out | {record["at"] for record in registry.units.values()}

    def pieces(self, unit, start, end):
        """[(from, to, sensors)] over [start, end], neighbours with the same sensors joined."""
        cuts = sorted({start, end} | {t for t in self._instants() if start < t < end})
        out = []
        for a, b in zip(cuts, cuts[1:]):
            sensors = self.sensors_at(unit, Fraction(a + b) / 2)
            if out and out[-1][2] == sensors:
                out[-1] = (out[-1][0], b, sensors)
            else:
                out.append((a, b, sensors))
        return out


def window_of(registry, unit, as_of):
    """[the unit's first `at`, min(as_of, closure)], or `None` when it is not there yet (section 4, Window)."""
    split = registry.splits.get(unit)
    if split and as_of < split[1]:
        return None
    start = registry.origin(unit)["at"]
    end = min(as_of, registry.closures.get(unit, as_of))
    return None if end < start else (start, end)
