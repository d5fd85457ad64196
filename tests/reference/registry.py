"""The registry document (interfaces.md section 3), read into plain records with exact numbers."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Optional

from instants import duration_ms, parse_instant, thousandths

DEFAULT_MAX_GAP_MS = 3_600_000


@dataclass(frozen=True)
class Rule:
    """One limit. `limit` and `hysteresis` in thousandths, durations in milliseconds."""

    id: str
    quantity: str  # temperature, humidity
    side: str  # high, low
    limit: int
    inclusive: bool  # ge, le
    mode: str  # single, cumulative
    delay_ms: Fraction
    window_ms: Optional[Fraction]
    hysteresis: int
    merge_ms: Fraction
    severity: str  # notify, review, hold
    interp: str  # linear, hold


@dataclass
class Product:
    gtin: str
    storage: dict  # (quantity, side) -> thousandths or None
    kinetics: dict
    rules: list
    freeze: Optional[dict]
    budget: Optional[dict]
    mkt: Optional[dict]
    max_gap_ms: Optional[Fraction]
    max_unmonitored_ms: Optional[Fraction]
    gap_bound: Optional[int]
    gap_bound_low: Optional[int]
    gap_slew_per_ms: Optional[Fraction]  # thousandths per millisecond
    guard_band: bool

    def limits_humidity(self):
        """Whether `coverage.humidity` is shown: a storage limit or a rule of humidity."""
        stored = any(v is not None for (q, _), v in self.storage.items() if q == "humidity")
        return stored or any(rule.quantity == "humidity" for rule in self.rules)


@dataclass
class Sensor:
    id: str
    accuracy: int = 0
    interval_ms: Optional[Fraction] = None
    source: str = "continuous"
    calibrations: list = field(default_factory=list)  # (from, offset, uncertainty), by from

    def calibration_at(self, at):
        """Offset and uncertainty of the certificate in force; none before the first."""
        offset, uncertainty = 0, 0
        for start, its_offset, its_uncertainty in self.calibrations:
            if start <= at:
                offset, uncertainty = its_offset, its_uncertainty
        return offset, uncertainty

    def max_gap_ms(self, product):
        """The product's; else min(4 x interval, 3600 s); else 3600 s (section 3)."""
        if product.max_gap_ms is not None:
            return product.max_gap_ms
        if self.interval_ms is None:
            return Fraction(DEFAULT_MAX_GAP_MS)
        return min(4 * self.interval_ms, Fraction(DEFAULT_MAX_GAP_MS))


def _gtin(text):
    return str(text).rjust(14, "0")


def _rule(record):
    side = record["side"]
    comparator = record.get("comparator") or {"high": "gt", "low": "lt"}[side]
    assert comparator in {"high": ("gt", "ge"), "low": ("lt", "le")}[side], comparator
    return Rule(
        id=record["id"],
        quantity=record["quantity"],
        side=side,
        limit=thousandths(record["limit"]),
        inclusive=comparator in ("ge", "le"),
        mode=record.get("mode") or "single",
        delay_ms=duration_ms(record.get("delay_s") or 0),
        window_ms=duration_ms(record.get("window_s")),
        hysteresis=thousandths(record.get("hysteresis") or 0),
        merge_ms=duration_ms(record.get("merge_s") or 0),
        severity=record["severity"],
        interp=record.get("interp") or "linear",
    )


def _storage(record):
    limits = {}
    for quantity, name in (("temperature", "temperature_c"), ("humidity", "humidity_pct")):
        low, high = (record or {}).get(name) or (None, None)
        limits[quantity, "low"] = thousandths(low)
        limits[quantity, "high"] = thousandths(high)
    return limits


def _product(record):
    slew = record.get("gap_slew_c_per_h")
    return Product(
        gtin=_gtin(record["gtin"]),
        storage=_storage(record.get("storage")),
        kinetics=record.get("kinetics") or {"model": "none"},
        rules=[_rule(r) for r in record.get("rules") or []],
        freeze=record.get("freeze"),
        budget=record.get("budget"),
        mkt=record.get("mkt"),
        max_gap_ms=duration_ms(record.get("max_gap_s")),
        max_unmonitored_ms=duration_ms(record.get("max_unmonitored_s")),
        gap_bound=thousandths(record.get("gap_bound_c")),
        gap_bound_low=thousandths(record.get("gap_bound_low_c")),
        gap_slew_per_ms=None if slew is None else Fraction(Decimal(str(slew))) * 1000 / 3_600_000,
        guard_band=bool(record.get("guard_band")),
    )


def _sensor(record):
    calibrations = sorted(
        (
            parse_instant(c["from"]),
            thousandths(c.get("offset_c") or 0),
            thousandths(c.get("uncertainty_c") or 0),
        )
        for c in record.get("calibrations") or []
    )
    return Sensor(
        id=record["id"],
        accuracy=thousandths(record.get("accuracy_c") or 0),
        interval_ms=duration_ms(record.get("interval_s")),
        source=record.get("source") or "continuous",
        calibrations=calibrations,
    )


def _until(record):
    """The open end of an interval is `None`."""
    return None if record.get("to") is None else parse_instant(record["to"])


class Registry:
    """Everything a document declares. One document, so one version of each record."""

    def __init__(self, document):
        def part(name):
            return document.get(name) or []

        self.products = {p.gtin: p for p in map(_product, part("products"))}
        self.places = {p["id"]: p for p in part("places")}
        self.sensors = {s.id: s for s in map(_sensor, part("sensors"))}
        self.lots = {(_gtin(r["gtin"]), r["lot"]): r for r in part("lots")}
        self.units = {
            r["id"]: {**r, "gtin": _gtin(r["gtin"]), "at": parse_instant(r["at"])} for r in part("units")
        }
        self.associations = [
            (r["sensor"], r.get("place"), r.get("unit"), parse_instant(r["from"]), _until(r))
            for r in part("associations")
        ]
        self.exclusions = [(r["sensor"], parse_instant(r["from"]), _until(r)) for r in part("exclusions")]
        self.moves = sorted(
            (parse_instant(r["at"]), r["unit"], r["to"]) for r in part("moves") if not r.get("planned")
        )
        self.aggregations = [
            (child, r["parent"], parse_instant(r["from"]), _until(r))
            for r in part("aggregations")
            for child in r["children"]
        ]
        self.splits = {
            child["id"]: (r["unit"], parse_instant(r["at"])) for r in part("splits") for child in r["into"]
        }
        self.closures = {}
        for record in part("closures"):
            at = parse_instant(record["at"])
            self.closures[record["unit"]] = min(at, self.closures.get(record["unit"], at))

    def sensor(self, name):
        """An unregistered sensor has no accuracy, no interval and is continuous."""
        return self.sensors.get(name) or Sensor(name)

    def tracked_units(self):
        """Units and split children: what an assessment can be asked of."""
        return sorted(set(self.units) | set(self.splits))

    def origin(self, unit):
        """The record of the unit itself, or of the unit it was split from."""
        while unit not in self.units:
            unit = self.splits[unit][0]
        return self.units[unit]


def load_registry(path):
    with open(path, encoding="utf-8-sig") as file:
        return Registry(json.load(file, parse_float=Decimal))
