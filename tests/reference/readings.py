"""The readings file (interfaces.md section 1) and what a reading's identity means (section 2)."""

import csv
from collections import defaultdict
from decimal import Decimal, InvalidOperation

from instants import parse_instant, thousandths

RANGES = {"temperature": (-200_000, 200_000), "humidity": (0, 105_000)}
CLOCK_SLACK_MS = 300_000
YEAR_2000_MS = 946_684_800_000


class BadRow(ValueError):
    """A row that is no reading; the message names the line."""


def _quantity(text, name, line):
    if text is None or text.strip() == "":
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation as problem:
        raise BadRow(f"line {line}: `{text}` is no number") from problem
    if not number.is_finite():
        raise BadRow(f"line {line}: `{text}` is no number")
    value = thousandths(number)
    low, high = RANGES[name]
    if not low <= value <= high:
        raise BadRow(f"line {line}: {name} out of range")
    return value


def load_readings(path):
    """Rows as (sensor, measured_at, temperature, humidity, unit), in file order."""
    rows = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            line = reader.line_num
            sensor = (row.get("sensor") or "").strip()
            if not sensor:
                raise BadRow(f"line {line}: no sensor")
            try:
                measured_at = parse_instant(row.get("measured_at") or "")
                received = (row.get("received_at") or "").strip()
                received_at = parse_instant(received) if received else None
            except ValueError as problem:
                raise BadRow(f"line {line}: {problem}") from problem
            if measured_at < YEAR_2000_MS:
                raise BadRow(f"line {line}: measured before 2000")
            if received_at is not None and measured_at > received_at + CLOCK_SLACK_MS:
                raise BadRow(f"line {line}: measured after it was received")
            temperature = _quantity(row.get("temperature_c"), "temperature", line)
            humidity = _quantity(row.get("humidity_pct"), "humidity", line)
            if temperature is None and humidity is None:
                raise BadRow(f"line {line}: neither temperature nor humidity")
            unit = (row.get("unit") or "").strip() or None
            rows.append((sensor, measured_at, temperature, humidity, unit))
    return rows


class Readings:
    """Readings up to as-of, by identity (sensor, measured_at). Order and repetition mean nothing."""

    def __init__(self, rows, as_of):
        self.values = defaultdict(lambda: defaultdict(set))  # sensor -> at -> {(temperature, humidity)}
        self._units = defaultdict(lambda: defaultdict(set))  # sensor -> at -> {unit}
        for sensor, at, temperature, humidity, unit in rows:
            if at <= as_of:
                self.values[sensor][at].add((temperature, humidity))
                self._units[sensor][at].add(unit)

    def of(self, sensor, quantity):
        """(at, lowest, highest) of one quantity, by time, raw."""
        column = {"temperature": 0, "humidity": 1}[quantity]
        out = []
        for at in sorted(self.values.get(sensor, {})):
            known = [pair[column] for pair in self.values[sensor][at] if pair[column] is not None]
            if known:
                out.append((at, min(known), max(known)))
        return out

    def conflicting(self, sensor, at):
        """The same identity with other values (section 2)."""
        return len(self.values[sensor][at]) > 1

    def carried(self):
        """(sensor, unit, from, to): a sensor is with the unit its readings carry until a reading does not."""
        spans = []
        for sensor, by_time in self._units.items():
            times = sorted(by_time)
            for index, at in enumerate(times):
                until = times[index + 1] if index + 1 < len(times) else None
                for unit in by_time[at] - {None}:
                    spans.append((sensor, unit, at, until))
        return spans
