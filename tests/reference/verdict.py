"""The verdict and its reasons (interfaces.md section 4, Verdict).

A reason is a cause, a code and a rule; `at` is the first instant at which it held.
"""

from excursions import beyond
from instants import duration_ms, show_start, thousandths
from kinetics import line

ORDER = ("hold", "indeterminate", "review", "pass")


class Reasons:
    def __init__(self):
        self._found = []  # (verdict, at, code, rule)

    def add(self, verdict, code, at, rule=None):
        if at is not None:
            self._found.append((verdict, at, code, rule))

    @property
    def verdict(self):
        return min((found[0] for found in self._found), key=ORDER.index, default="pass")

    def to_json(self):
        rows = [(ORDER.index(verdict), show_start(at), code, rule or "") for verdict, at, code, rule in self._found]
        return [{"code": code, "rule": rule or None, "at": at} for _, at, code, rule in sorted(set(rows))]


def reasons_of(subject, findings, coverage, mkt, life, budget, expiry):
    reasons = Reasons()
    end = subject.window[1]
    for finding in findings:
        _of_rule(reasons, finding, subject.product)
    reasons.add("hold", "budget", budget.used_up_at)
    reasons.add("hold", "expired", expiry.passed_at(expiry.labelled, end))
    reasons.add("hold", "effective_expiry", expiry.passed_at(expiry.effective, end))
    reasons.add("indeterminate", "model_range", outside_valid_at(subject))
    longest = subject.product.max_unmonitored_ms
    if longest is not None:
        unknown = [(gap.start, gap.end) for gap in coverage.gaps]
        reasons.add("review", "unmonitored", _longer_than(longest, unknown))
        reasons.add("review", "sensor_silent", _longer_than(longest, coverage.partial))
    reasons.add("review", "freeze_possible", _freeze_possible_at(subject.product, coverage.gaps))
    if mkt.exceeds():
        severity = (subject.product.mkt or {}).get("severity") or "review"
        if severity != "notify":
            reasons.add(severity, "mkt", mkt.max_to)
    if subject.hot.is_empty():
        reasons.add("review", "no_readings", subject.window[0])
    return reasons


def _of_rule(reasons, finding, product):
    rule = finding.rule
    if rule.severity == "notify":
        return
    fired = finding.fired_at
    if rule.id == "freeze":
        reasons.add("hold", "frozen", fired, rule.id)
    else:
        reasons.add(rule.severity, "excursion", fired, rule.id)
    if fired is None and rule.severity == "hold":
        reasons.add("review", "worst_case", finding.worst_case_at, rule.id)
    if fired is None and product.guard_band:
        reasons.add("review", "guard_band", finding.banded_at, rule.id)
    if finding.level_at:
        reasons.add("review", "level", min(finding.level_at), rule.id)


def _longer_than(longest, intervals):
    """When the first interval became longer than allowed."""
    return min((a + longest for a, b in intervals if b - a > longest), default=None)


def _freeze_possible_at(product, gaps):
    if product.freeze is None or product.gap_bound_low is None:
        return None
    if product.gap_bound_low >= thousandths(product.freeze["limit_c"]):
        return None
    delay = duration_ms(product.freeze.get("delay_s") or 0)
    return _longer_than(delay, [(gap.start, gap.end) for gap in gaps])


def outside_valid_at(subject):
    """The first instant of a known temperature outside the range the model is valid for."""
    low, high = subject.product.kinetics.get("valid_c") or (None, None)
    found = []
    for trace, limit in ((subject.hot, high), (subject.cold, low)):
        if limit is None:
            continue
        level = thousandths(limit)
        parts = [beyond(line(piece), level, trace.side, False) for piece in trace.pieces]
        found += [part[0] for part in parts if part is not None]
        beyond_it = (lambda v: v > level) if trace.side == "high" else (lambda v: v < level)
        found += [at for at, value, _ in trace.points if beyond_it(value)]
    return min(found, default=None)
