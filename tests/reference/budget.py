"""The stability budget: time in bands above the label's temperature (interfaces.md section 4, Budget)."""

from decimal import Decimal
from fractions import Fraction

from excursions import beyond, joined
from instants import duration_ms, seconds, thousandths
from kinetics import line, split_at


class Budget:
    """Known time per band (above, to] on the hot envelope."""

    def __init__(self, subject):
        self.settings = subject.product.budget
        if self.settings is None:
            self.used_up_at = None
            return
        self.bands = [
            (thousandths(b["above_c"]), thousandths(b["to_c"]), duration_ms(b["allowed_s"]))
            for b in self.settings["bands"]
        ]
        segments = [line(piece) for piece in subject.hot.pieces]
        self.stays = [_stays_in(segments, above, to) for above, to, _ in self.bands]
        self.used = [sum(b - a for a, b in stays) for stays in self.stays]
        self.fractions = [
            Fraction(used) / allowed if used else Fraction(0) for used, (_, _, allowed) in zip(self.used, self.bands)
        ]
        self.is_sum = (self.settings.get("combine") or "sum") == "sum"
        self.used_fraction = sum(self.fractions) if self.is_sum else max(self.fractions, default=Fraction(0))
        top = max(to for _, to, _ in self.bands)
        over = [part for part in (beyond(s, top, "high", False) for s in segments) if part is not None]
        over_at = min((a for a, _ in over), default=None)
        self.used_up_at = min((t for t in (self._spent_at(), over_at) if t is not None), default=None)

    def _spent_at(self):
        """The instant at which the used fraction reaches one."""
        if not self.is_sum:
            each = [_reaches_one([(stays, allowed)]) for stays, (_, _, allowed) in zip(self.stays, self.bands)]
            return min((at for at in each if at is not None), default=None)
        return _reaches_one([(stays, allowed) for stays, (_, _, allowed) in zip(self.stays, self.bands)])

    def to_json(self):
        if self.settings is None:
            return None
        return {
            "used_fraction": float(self.used_fraction),
            "bands": [
                {"above_c": float(Decimal(above) / 1000), "used_s": seconds(used), "fraction": float(fraction)}
                for (above, _, _), used, fraction in zip(self.bands, self.used, self.fractions)
            ],
        }


def _stays_in(segments, above, to):
    """Intervals with a value in (above, to]."""
    out = []
    for segment in segments:
        parts = [piece for below in split_at(segment, above) for piece in split_at(below, to)]
        for part in parts:
            middle = Fraction(part.left + part.right) / 2
            if above < middle <= to:
                out.append((part.start, part.end))
    return joined(out)


def _reaches_one(bands):
    """When the sum of time / allowed over [(intervals, allowed)] reaches one."""
    spent = Fraction(0)
    for start, end, allowed in sorted((a, b, allowed) for stays, allowed in bands for a, b in stays):
        share = Fraction(end - start) / allowed
        if spent + share >= 1:
            return start + (1 - spent) * allowed
        spent += share
    return None
