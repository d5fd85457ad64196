#!/usr/bin/env python3
"""Assessments of units, straight from the definitions of interfaces.md section 4.

`assess.py --registry FILE --readings FILE.csv --as-of TIME [--unit ID]` prints a JSON array. Slow and plain on
purpose: it exists to be compared with.
"""

import argparse
import json
import sys
from fractions import Fraction
from math import floor

from alarms import RuleFindings
from budget import Budget
from coverage import Coverage
from custody import window_of
from expiry import Expiry
from instants import degrees, parse_instant, show_instant
from life import Life
from mkt import Mkt
from readings import BadRow, load_readings
from registry import load_registry
from rules import rules_of
from subject import Subject
from verdict import reasons_of

ENGINE = "reference"


def extremes(subject, quantity, suffix):
    """Lowest of the low side, highest and time-weighted mean of the high side (sections 2 and 4)."""
    high, low = subject.trace(quantity, "high"), subject.trace(quantity, "low")
    highs = [v for p in high.pieces for v in (p.left, p.right)] + [v for _, v, _ in high.points]
    lows = [v for p in low.pieces for v in (p.left, p.right)] + [v for _, v, _ in low.points]
    known = sum(p.end - p.start for p in high.pieces)
    area = sum((p.end - p.start) * Fraction(p.left + p.right) / 2 for p in high.pieces)
    return {
        f"min_{suffix}": degrees(min(lows, default=None)),
        f"max_{suffix}": degrees(max(highs, default=None)),
        f"mean_{suffix}": degrees(area / known) if known else None,
    }


def provenance(subject):
    """Counts only; the digest and the exact watermark belong to the program."""
    used = subject.readings_used()
    return {
        "readings": len(used),
        "conflicts": sum(subject.readings.conflicting(name, at) for name, at in used),
        "product_version": 1,
        "watermark": show_instant(max(at for _, at in used)) if used else None,
        "readings_digest": None,
        "engine": ENGINE,
    }


def assess(registry, rows, unit, as_of):
    """One assessment, or `None` when the unit is not there yet."""
    if window_of(registry, unit, as_of) is None:
        return None
    subject = Subject(registry, rows, unit, as_of)
    product = subject.product
    hot = subject.hot
    coverage = Coverage(hot, product)
    humid = Coverage(subject.trace("humidity", "high"), product)
    findings = [
        RuleFindings(rule, subject, (coverage if rule.quantity == "temperature" else humid).gaps)
        for rule in rules_of(product)
    ]
    excursions = [e for finding in findings for e in finding.excursions]
    alarms = [a for finding in findings for a in finding.alarms]
    frozen = any(f.rule.id == "freeze" and f.fired_at is not None for f in findings)
    mkt = Mkt(subject, frozen)
    life = Life(subject, coverage.gaps, excursions)
    budget = Budget(subject)
    expiry = Expiry(subject, life)
    reasons = reasons_of(subject, findings, coverage, mkt, life, budget, expiry)
    shown_coverage = coverage.to_json(hot.is_empty())
    if product.limits_humidity():
        shown_coverage["humidity"] = humid.to_json(subject.trace("humidity", "high").is_empty())
    return {
        "unit": unit,
        "gtin": subject.gtin,
        "lot": subject.lot,
        "as_of": show_instant(as_of),
        "known_at": None,
        "window": {"from": show_instant(subject.window[0]), "to": show_instant(subject.window[1])},
        "verdict": reasons.verdict,
        "reasons": reasons.to_json(),
        "excursions": [e.to_json() for e in sorted(excursions, key=lambda e: (floor(e.start), e.rule.id))],
        "alarms": [a.to_json() for a in sorted(alarms, key=lambda a: (floor(a.instant), a.rule.id))],
        "coverage": shown_coverage,
        "temperature": extremes(subject, "temperature", "c"),
        "humidity": extremes(subject, "humidity", "pct"),
        "mkt": mkt.to_json(),
        "life": life.to_json(),
        "budget": budget.to_json(),
        "frozen": frozen,
        "labelled_expiry": None if expiry.labelled is None else expiry.labelled.isoformat(),
        "effective_expiry": None if expiry.effective is None else expiry.effective.isoformat(),
        "effective_expiry_nominal": None if expiry.effective is None else expiry.effective_nominal.isoformat(),
        "provenance": provenance(subject),
    }


def assess_all(registry, rows, as_of, only=None):
    units = registry.tracked_units() if only is None else [only]
    found = (assess(registry, rows, unit, as_of) for unit in units)
    return [assessment for assessment in found if assessment is not None]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--registry", required=True)
    parser.add_argument("--readings", required=True)
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--unit")
    chosen = parser.parse_args()
    try:
        registry = load_registry(chosen.registry)
        rows = load_readings(chosen.readings)
        as_of = parse_instant(chosen.as_of)
    except (BadRow, ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    if chosen.unit is not None and chosen.unit not in registry.tracked_units():
        print(f"unknown unit `{chosen.unit}`", file=sys.stderr)
        return 2
    json.dump(assess_all(registry, rows, as_of, chosen.unit), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
