"""Relative rates and their integrals along straight lines (science.md section 0).

The only floats of the reference. What is integrated is the rate *above one* (`rate - 1`), so that time at the
reference, or below it without credit, adds exactly nothing. Arrhenius goes by Gauss-Legendre with 20 nodes on
substeps of at most 2 K, which is exact to a few units of the last place at any activation energy in use; Q10 and
the exponential model by their closed form, the square root by its polynomial.
"""

from fractions import Fraction
from math import cos, expm1, fsum, log, pi

from sensor_trace import Segment, cut

R_KINETICS = 8.31446261815324  # J/mol/K
R_MKT = 8.3144
ZERO_C = 273.15


def _legendre(n):
    """Nodes and weights on [-1, 1], by Newton's method."""
    nodes = []
    for i in range(1, n + 1):
        x = cos(pi * (i - 0.25) / (n + 0.5))
        for _ in range(100):
            p0, p1 = 1.0, x
            for k in range(2, n + 1):
                p0, p1 = p1, ((2 * k - 1) * x * p1 - (k - 1) * p0) / k
            slope = n * (x * p1 - p0) / (x * x - 1)
            step = p1 / slope
            x -= step
            if abs(step) < 1e-16:
                break
        nodes.append((x, 2 / ((1 - x * x) * slope * slope)))
    return nodes


NODES = _legendre(20)


def mean_along(function, left_c, right_c):
    """The mean of a smooth function of temperature along a straight line."""
    if left_c == right_c:
        return function(left_c)
    steps = max(1, int(abs(right_c - left_c) / 2.0) + 1)
    parts = []
    for i in range(steps):
        a = left_c + (right_c - left_c) * i / steps
        b = left_c + (right_c - left_c) * (i + 1) / steps
        half, middle = (b - a) / 2, (a + b) / 2
        parts.append(fsum(w * function(middle + half * x) for x, w in NODES) / 2)
    return fsum(parts) / steps


class Rate:
    """A model's rate relative to its reference, less one, averaged over a straight line on one side of it."""

    def __init__(self, kinetics):
        self.model = kinetics.get("model") or "none"
        self.reference_c = kinetics.get("reference_c")
        self.credit = bool(kinetics.get("credit_below_reference"))
        self.kinetics = kinetics

    def mean_excess(self, left_c, right_c, ea_kj):
        """Mean of `rate - 1` from `left_c` to `right_c`, not crossing the reference."""
        reference = float(self.reference_c)
        if self.model == "arrhenius":
            a = float(ea_kj) * 1000.0 / R_KINETICS
            kelvin = reference + ZERO_C

            def excess(c):
                return expm1(a * (c - reference) / (kelvin * (c + ZERO_C)))

            return mean_along(excess, left_c, right_c)
        if self.model in ("q10", "exponential"):
            slope = self._log_slope()
            start = slope * (left_c - reference)
            rise = slope * (right_c - left_c)
            if rise == 0.0:
                return expm1(start)
            if abs(rise) < 1e-3:
                return mean_along(lambda c: expm1(slope * (c - reference)), left_c, right_c)
            return (expm1(start + rise) - expm1(start)) / rise - 1.0
        if self.model == "square_root":
            return self._square_root(left_c, right_c, reference)
        raise ValueError(f"unknown kinetic model `{self.model}`")

    def _log_slope(self):
        if self.model == "q10":
            return log(float(self.kinetics["q10"])) / 10.0
        return float(self.kinetics["b_per_c"])

    def _square_root(self, left_c, right_c, reference):
        """((T - Tmin) / (Tref - Tmin))^2, nothing below Tmin."""
        low = float(self.kinetics["t_min_c"])
        span = reference - low
        u, v = left_c - low, right_c - low
        if u <= 0 and v <= 0:
            return -1.0
        if u < 0 or v < 0:  # it crosses Tmin: only the warm part counts
            warm = max(u, v)
            return warm**3 / (abs(v - u) * 3 * span * span) - 1.0
        # exact difference from one: with d = T - Tref, rate - 1 = 2 d / span + (d / span)^2
        p, q = (left_c - reference) / span, (right_c - reference) / span
        return (p + q) + (p * p + p * q + q * q) / 3

    def excess_s(self, segment, ea_above, ea_below):
        """Equivalent seconds over elapsed seconds, along a segment (thousandths over milliseconds)."""
        if self.model == "none":
            return 0.0
        reference = Fraction(str(self.reference_c)) * 1000
        return fsum(
            self._one_side(part, reference, ea_above, ea_below) for part in split_at(segment, reference)
        )

    def _one_side(self, segment, reference, ea_above, ea_below):
        below = segment.left + segment.right < 2 * reference
        if below and not self.credit:
            return 0.0
        mean = self.mean_excess(
            float(Fraction(segment.left) / 1000),
            float(Fraction(segment.right) / 1000),
            ea_below if below else ea_above,
        )
        return float(Fraction(segment.end - segment.start) / 1000) * mean


def split_at(segment, level):
    """A segment, cut where it crosses a level."""
    low, high = min(segment.left, segment.right), max(segment.left, segment.right)
    if not low < level < high:
        return [segment]
    share = Fraction(level - segment.left) / (segment.right - segment.left)
    at = segment.start + (segment.end - segment.start) * share
    return [cut(segment, segment.start, at), cut(segment, at, segment.end)]


def line(piece):
    """The straight line of a piece of a unit's trace."""
    return Segment(piece.start, piece.end, piece.left, piece.right)
