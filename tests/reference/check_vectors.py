#!/usr/bin/env python3
"""Runs the reference over the published vectors: `check_vectors.py DIR`. Prints a line per file, exit 1 on a miss."""

import json
import sys
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from alarms import RuleFindings, worst_case_intervals
from coverage import Coverage
from instants import thousandths
from kinetics import Rate
from life import gap_path
from mkt import mkt_of
from registry import Registry
from sensor_trace import Segment
from subject import Subject

ORIGIN_MS = 1_700_000_000_000
PRODUCT = {"gtin": "1", "storage": {}}


class Check:
    def __init__(self):
        self.passed = self.missed = 0

    def that(self, name, got, expected, tolerance=0.0):
        ok = got == expected if not tolerance else _close(got, expected, tolerance)
        if ok:
            self.passed += 1
        else:
            self.missed += 1
            print(f"  {name}: got {got!r}, expected {expected!r}")


def _close(got, expected, tolerance):
    if got is None or expected is None:
        return got is expected
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(_close(g, e, tolerance) for g, e in zip(got, expected))
    return abs(got - expected) <= tolerance * max(1.0, abs(expected))


# excursions


def subject_of(sensors, stays, rule_record, quantity="temperature"):
    """A unit whose place has the sensors over the stays [(sensor, from_s, to_s)], and their readings."""
    rows = []
    for name, series in sensors.items():
        for second, value in series:
            if value is not None:
                at, number = ORIGIN_MS + second * 1000, thousandths(value)
                rows.append((name, at, number if quantity == "temperature" else None,
                             number if quantity == "humidity" else None, None))
    times = [at for _, at, *_ in rows] or [ORIGIN_MS]
    document = {
        "products": [{**PRODUCT, "max_gap_s": rule_record["max_gap_s"], "rules": [{
            "id": "rule", "quantity": quantity, "severity": "hold", "side": rule_record["side"],
            "limit": rule_record["limit"], "comparator": rule_record["comparator"], "mode": rule_record["mode"],
            "delay_s": rule_record["delay_s"], "interp": rule_record["interp"],
            "hysteresis": rule_record.get("hysteresis_c", 0), "merge_s": rule_record.get("merge_s", 0)}]}],
        "sensors": [{"id": name, "accuracy_c": rule_record.get("accuracy_c", 0)} for name in sensors],
        "places": [{"id": "P", "name": "P", "kind": "store"}],
        "associations": [
            {"sensor": name, "place": "P", "from": ORIGIN_MS + start * 1000,
             "to": None if end is None else ORIGIN_MS + end * 1000} for name, start, end in stays],
        "lots": [{"gtin": "1", "lot": "L"}],
        "units": [{"id": "U", "gtin": "1", "lot": "L", "quantity": 1, "place": "P", "at": min(times)}],
    }
    return Subject(Registry(document), rows, "U", max(times))


def from_origin(ms):
    return float((Fraction(ms) - ORIGIN_MS) / 1000)


def check_excursion_case(check, name, subject, expected, banded=False):
    rule = subject.product.rules[0]
    trace = subject.trace(rule.quantity, rule.side, rule.interp)
    gaps = Coverage(trace, subject.product).gaps
    findings = RuleFindings(rule, subject, gaps)
    if banded:
        check.that(f"{name} banded alarm", findings.banded_at and from_origin(findings.banded_at),
                   expected["alarm_t_s"], 1e-6)
        return
    wanted = expected["excursions"]
    check.that(f"{name} count", len(findings.excursions), len(wanted))
    for got, want in zip(findings.excursions, wanted):
        for key, value in want.items():
            check.that(f"{name} {key}", _excursion_field(got, key), value, 0.0 if isinstance(value, str) else 1e-6)
    if "total_time_out_s" in expected:
        total = float(sum(e.time_out_ms for e in findings.excursions) / Fraction(1000))
        check.that(f"{name} total", total, expected["total_time_out_s"], 1e-6)
    at, worst_at = findings.fired_at, findings.worst_case_at
    check.that(f"{name} alarm", None if at is None else from_origin(at), expected["alarm_t_s"], 1e-6)
    if "worst_case_s" in expected:
        check.that(f"{name} worst alarm", None if worst_at is None else from_origin(worst_at),
                   expected["worst_case_alarm_t_s"], 1e-6)
        worst = worst_case_intervals(rule, trace, findings.excursions, gaps)
        check.that(f"{name} worst case", [[from_origin(a), from_origin(b)] for a, b in worst],
                   expected["worst_case_s"], 1e-6)
        check.that(f"{name} gaps", [[from_origin(g.start), from_origin(g.end)] for g in gaps],
                   expected["unknown_gaps_s"], 1e-6)


def _excursion_field(excursion, key):
    return {
        "start_s": lambda: from_origin(excursion.start),
        "end_s": lambda: from_origin(excursion.end),
        "start_ms_floor": lambda: floor(excursion.start) - ORIGIN_MS,
        "end_ms_ceil": lambda: ceil(excursion.end) - ORIGIN_MS,
        "duration_s": lambda: float(excursion.duration_ms / Fraction(1000)),
        "time_out_s": lambda: float(excursion.time_out_ms / Fraction(1000)),
        "start_kind": lambda: excursion.start_kind,
        "end_kind": lambda: excursion.end_kind,
        "peak_c": lambda: float(Fraction(excursion.peak) / 1000),
        "peak_t_s": lambda: from_origin(excursion.peak_at),
        "degree_seconds": lambda: float(Fraction(excursion.degree_ms) / 1_000_000),
    }[key]()


def check_excursions(check, data):
    for case in data["cases"]:
        rule = dict(case["rule"])
        expected = case["expected"]
        quantity = "humidity" if case["id"].startswith("humidity") else "temperature"
        if "assignments" in case:
            sensors = {a["sensor"]: a["series_s_c"] for a in case["assignments"]}
            stays = [(a["sensor"], a["from_s"], a["to_s"]) for a in case["assignments"]]
            check_excursion_case(check, case["id"], subject_of(sensors, stays, rule), expected)
        elif "sensors" in case:
            stays = [(name, 0, None) for name in case["sensors"]]
            subject = subject_of(case["sensors"], stays, rule)
            check_excursion_case(check, case["id"], subject, expected["worst_case"])
        elif "accuracy_c" in case:
            rule["accuracy_c"] = case["accuracy_c"]
            subject = subject_of({"A": case["series_s_c"]}, [("A", 0, None)], rule)
            check_excursion_case(check, case["id"], subject, expected["nominal"])
            check_excursion_case(check, case["id"], subject, expected["upper"], banded=True)
        else:
            subject = subject_of({"A": case["series_s_c"]}, [("A", 0, None)], rule, quantity)
            check_excursion_case(check, case["id"], subject, expected)


# kinetics


def segments_of(series, offset=0):
    points = [(s * 1000, thousandths(c) + offset) for s, c in series]
    return [Segment(a, b, u, v) for (a, u), (b, v) in zip(points, points[1:])]


def equivalent_s(kinetics, segments):
    rate = Rate(kinetics)
    ea = kinetics.get("ea_kj_per_mol")
    elapsed = float(Fraction(segments[-1].end - segments[0].start) / 1000)
    return elapsed + sum(rate.excess_s(segment, ea, ea) for segment in segments)


def arrhenius(row, **more):
    return {"model": "arrhenius", "ea_kj_per_mol": Decimal(row["ea_J_per_mol"]) / 1000,
            "reference_c": row["t_ref_c"], "credit_below_reference": True, **more}


def check_arrhenius(check, data):
    for row in data["rate_ratio"]["rows"]:
        c = float(row["t_c"])
        got = 1.0 + Rate(arrhenius(row)).mean_excess(c, c, row["ea_J_per_mol"] / 1000)
        check.that("rate_ratio", got / row["rate_ratio"], 1.0, 1e-10)
    for row in data["equivalent_age"]["rows"]:
        got = equivalent_s(arrhenius(row), segments_of(row["series_s_c"]))
        check.that("equivalent_age", got / row["equivalent_age_s"]["linear_exact"], 1.0, 1e-10)
    for row in data["sensor_envelope"]["rows"]:
        got = equivalent_s(arrhenius(row), segments_of(row["series_s_c"], thousandths(row["offset_c"])))
        check.that("sensor_envelope", got / row["equivalent_age_s_linear_exact"], 1.0, 1e-10)
    for row in data["gap_envelope"]["rows"]:
        slew = row["rate_limit_c_per_h"]
        slew = None if slew is None else Fraction(slew) * 1000 / 3_600_000
        end, left, right = row["gap_s"] * 1000, thousandths(row["before_c"]), thousandths(row["after_c"])
        bound = thousandths(row["t_max_bound_c"])
        wanted = {"upper_s": (bound, slew), "upper_s_at_bound": (bound, None), "upper_s_step_max": (None, None)}
        for key, (its_bound, its_slew) in wanted.items():
            if key in row:
                got = equivalent_s(arrhenius(row), gap_path(0, end, left, right, its_bound, its_slew))
                check.that(f"{row['id']} {key}", got / row[key], 1.0, 1e-10)
        if "lower_s_linear" in row:
            got = equivalent_s(arrhenius(row), [Segment(0, end, left, right)])
            check.that(f"{row['id']} linear", got / row["lower_s_linear"], 1.0, 1e-10)
        if "envelope" in row:
            path = gap_path(0, end, left, right, bound, slew)
            shape = [[float(s.left) / 1000, float(s.right) / 1000, float(s.end - s.start) / 1000] for s in path]
            check.that(f"{row['id']} envelope", len(shape), len(row["envelope"]))
            for got, want in zip(shape, row["envelope"]):
                check.that(f"{row['id']} envelope", got, want, 1e-9)


def check_mkt(check, data):
    for case in data["cases"]:
        if case["kind"] == "time_weighted":
            series, results = case["series_s_c"], {r["mode"]: r["expected_mkt_c"] for r in case["results"]}
        elif "time_weighted" in case:
            step = case["interval_s"]
            series = [(i * step, c) for i, c in enumerate(case["temps_c"])]
            results = case["time_weighted"]
        else:
            continue
        segments = segments_of(series)
        steps = [s._replace(right=s.left) for s in segments]
        for mode, path in (("linear_exact", segments), ("step_previous", steps)):
            if mode in results:
                got = mkt_of(path, case["dH_J_per_mol"] / 1000, case["R"])
                check.that(f"{case['id']} {mode}", got, results[mode], 1e-9)


def check_q10(check, data):
    for case in data["consumption"]["cases"]:
        kinetics = {"model": "q10", "q10": case["q10"], "reference_c": case["t_ref_c"], "credit_below_reference": True}
        segments = segments_of(case["series_s_c"])
        check.that("consumption", equivalent_s(kinetics, segments) / case["equivalent_age_s_linear_exact"], 1.0, 1e-12)
        if "no_credit_below_ref_s" in case:
            kinetics["credit_below_reference"] = False
            check.that("no credit", equivalent_s(kinetics, segments), case["no_credit_below_ref_s"])


def check_food(check, data):
    for case in data["cases"]:
        model = case["model"]
        if model == "exponential" and "values" in case:
            for c, want in case["values"].items():
                rate = Rate({"model": model, "b_per_c": case["a_per_c"], "reference_c": 0})
                check.that(case["id"], 1 + rate.mean_excess(float(c), float(c), None), want, 1e-10)
        elif model == "exponential":
            rate = Rate({"model": model, "b_per_c": case["a_per_c"], "reference_c": 5})
            fast = 1 + rate.mean_excess(15.0, 15.0, None)
            shelf, first = case["shelf_life_at_5c_days"], case["phase1_days"]
            check.that(case["id"], first + (shelf - first) / fast, case["A_5_then_15_days"], 1e-10)
            check.that(case["id"], first + shelf - first * fast, case["B_15_then_5_days"], 1e-10)
        elif model == "sqrt" and "rrs" in case:
            rate = Rate({"model": "square_root", "t_min_c": case["t_min_c"], "reference_c": case["t_ref_c"]})
            c = float(case["t_c"])
            check.that(case["id"], 1 + rate.mean_excess(c, c, None), case["rrs"], 1e-10)
        elif model in ("sqrt", "arrhenius"):
            kinetics = {"model": {"sqrt": "square_root"}.get(model, model), "t_min_c": case.get("t_min_c"),
                        "reference_c": case["known_t_c"]}
            rate = Rate(kinetics)
            c = float(case["t_c"])
            ratio = 1 + rate.mean_excess(c, c, case.get("ea_J_per_mol", 0) / 1000)
            check.that(case["id"], case["known_days"] / ratio, case["expected_days"], 1e-10)
        elif model == "ratkowsky+baranyi":
            # the integral of b^2 (T - Tmin)^2 is the square root model, scaled to its reference
            kinetics = {"model": "square_root", "t_min_c": case["t_min_c"], "reference_c": 0,
                        "credit_below_reference": True}
            scale = case["b_sqrt_per_h"] ** 2 * case["t_min_c"] ** 2 / 3600
            got = equivalent_s(kinetics, segments_of(case["series_s_c"])) * scale
            check.that(case["id"], got, case["M"], 1e-10)


FILES = {
    "excursions.json": check_excursions,
    "mkt.json": check_mkt,
    "arrhenius.json": check_arrhenius,
    "q10_f1980.json": check_q10,
    "food.json": check_food,
}


def main():
    folder = Path(sys.argv[1])
    missed = 0
    for name, run in FILES.items():
        check = Check()
        with open(folder / name, encoding="utf-8") as file:
            run(check, json.load(file))
        print(f"{name}: {check.passed} passed, {check.missed} missed")
        missed += check.missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
