"""Mean kinetic temperature (interfaces.md section 4, MKT; science.md section 1)."""

from fractions import Fraction
from math import exp, fsum, log

from instants import duration_ms, show_instant
from kinetics import R_MKT, ZERO_C, line, mean_along
from sensor_trace import cut

SAME_C = 1e-9  # windows whose values differ by less are one maximum; the first is told


def mkt_of(segments, dh_kj, r=R_MKT):
    """Exact integral along straight lines; `None` without known time."""
    a = float(dh_kj) * 1000.0 / r
    segments = [s for s in segments if s is not None and s.end > s.start]
    if not segments:
        return None
    anchor = max(float(Fraction(max(s.left, s.right)) / 1000) for s in segments) + ZERO_C

    def relative(c):
        return exp(a / anchor - a / (c + ZERO_C))

    weighted, total = [], Fraction(0)
    for s in segments:
        mean = mean_along(relative, float(Fraction(s.left) / 1000), float(Fraction(s.right) / 1000))
        weighted.append(float(Fraction(s.end - s.start) / 1000) * mean)
        total += Fraction(s.end - s.start) / 1000
    return a / (a / anchor - log(fsum(weighted) / float(total))) - ZERO_C


class Mkt:
    """MKT of the last window and the highest over windows that end at a reading or at as-of."""

    def __init__(self, subject, frozen):
        self.settings = subject.product.mkt
        self.is_frozen = frozen
        if self.settings is None or frozen:
            self.value_c = self.max_c = self.max_to = None
            return
        self.dh = self.settings.get("dh_kj_per_mol") or 83.144
        window = duration_ms(self.settings["window_s"])
        start, end = subject.window
        self._segments = [line(piece) for piece in subject.hot.pieces]
        self.value_c = self._over(end - window, end)
        self.is_partial = end - start < window
        ends = sorted({at for at, _, _ in subject.hot.points} | {end})
        if not self.is_partial:
            ends = [at for at in ends if at - window >= start]
        found = [(self._over(at - window, at), at) for at in ends]
        found = [(value, at) for value, at in found if value is not None]
        self.max_c = max((value for value, _ in found), default=None)
        self.max_to = next((at for value, at in found if value >= self.max_c - SAME_C), None)

    def _over(self, start, end):
        return mkt_of([cut(s, start, end) for s in self._segments], self.dh)

    def exceeds(self):
        """Whether the highest is above the product's limit."""
        limit = (self.settings or {}).get("limit_c")
        return self.max_to is not None and limit is not None and self.max_c > float(limit) + SAME_C

    def to_json(self):
        if self.settings is None:
            return None
        if self.is_frozen:
            return {"value_c": None, "reason": "frozen_product"}
        return {
            "value_c": self.value_c,
            "window_s": float(self.settings["window_s"]),
            "max_window_c": self.max_c,
            "max_window_to": None if self.max_to is None else show_instant(self.max_to),
            "partial_window": self.is_partial,
            "dh_kj_per_mol": float(self.dh),
            "r": R_MKT,
            "mode": "linear_exact",
        }
