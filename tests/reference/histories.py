#!/usr/bin/env python3
"""Random small histories to compare two implementations on.

`histories.py --seed N --count K --out DIR` writes K folders with `registry.json`, `readings.csv` and `case.json`
(`as_of`, seed and what the history was made to meet). The same seed gives the same histories.
"""

import argparse
import csv
import json
from pathlib import Path
from random import Random

from history_products import lot, product
from history_readings import episodes, rows_of, times_of
from instants import DAY_MS, parse_instant, show_instant

HOUR_MS = 3_600_000
DAYS = (
    "2026-03-28T20:00:00Z",
    "2026-04-23T16:00:00Z",
    "2026-10-24T18:00:00Z",
    "2026-10-31T22:00:00Z",
    "2026-11-20T06:00:00Z",
    "2028-02-28T12:00:00Z",
)
ZONES = (
    None,
    None,
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Kiritimati",
    "Asia/Shanghai",
)
KINDS = ("cold_room", "vehicle", "container", "store", "dock")


def span(start, end):
    """`from` and `to` of a record; `None` is open."""
    return {"from": show_instant(start), "to": None if end is None else show_instant(end)}


class History:
    """One random history: a registry document, readings and as-of."""

    def __init__(self, seed, index):
        self.seed, self.index = seed, index
        self.random = Random(f"{seed}/{index}")
        self.features = set()
        random = self.random
        self.start = parse_instant(random.choice(DAYS)) + random.choice([0, 0, random.randrange(0, 7200)]) * 1000
        self.length = random.choice([1, 3, 6, 10, 20, 36]) * HOUR_MS
        self.end = self.start + self.length
        self.document = {"products": [product(random, n) for n in range(random.choice([1, 1, 2]))]}
        self.worlds = [episodes(random, self.start, self.end) for _ in range(random.choice([1, 1, 2, 3]))]
        self.places = self._places()
        self._sensors()
        self._times()
        self._as_of()
        self._lots_and_units()
        self._associations()
        self._journeys()
        self._splits()
        self._aggregations()
        self._closures()
        self._exclusions()
        self.rows = self._rows()
        self._features()

    # the fixed things

    def _places(self):
        random = self.random
        names = ["P1", "P2", "P3"][: random.choice([1, 2, 2, 3])]
        records = [{"id": "SITE", "name": "Site", "kind": "site"}]
        zone = random.choice(ZONES)
        if zone:
            records[0]["timezone"] = zone
        for name in names:
            record = {"id": name, "name": name, "kind": random.choice(KINDS)}
            if random.random() < 0.6:
                record["parent"] = "SITE"
            zone = random.choice(ZONES)
            if zone:
                record["timezone"] = zone
            records.append(record)
        self.document["places"] = records
        return names

    def _sensors(self):
        random = self.random
        records = []
        self.intervals = {}
        for name in ["S1", "S2", "S3", "S4"][: random.choice([1, 1, 2, 2, 3, 4])]:
            interval_s = random.choice([60, 300, 600, 600, 900])
            self.intervals[name] = interval_s
            record = {"id": name}
            if random.random() < 0.7:
                record["accuracy_c"] = random.choice([0.1, 0.3, 0.5])
            if random.random() < 0.8:
                record["interval_s"] = interval_s
            record["source"] = random.choice(["continuous", "continuous", "continuous", "on_change", "exception_only"])
            if random.random() < 0.35:
                record["calibrations"] = [
                    {
                        "from": show_instant(self.start + random.choice([-DAY_MS, 0, self.length // 2])),
                        "offset_c": random.choice([-0.4, 0.1, 0.25]),
                        "uncertainty_c": random.choice([0.0, 0.05, 0.2]),
                        "certificate": "K-1",
                    }
                ]
            records.append(record)
        self.sensors = sorted(self.intervals)
        self.document["sensors"] = [r for r in records if random.random() < 0.95]

    def _times(self):
        """When each sensor reads; some begin before the units do, some never read."""
        random = self.random
        self.reads = {}
        gap = self.document["products"][0].get("max_gap_s")
        for name in self.sensors:
            count = random.choice([0, 1, 2, 5]) if random.random() < 0.12 else random.randrange(8, 61)
            begin = self.start + random.choice([-2 * HOUR_MS, -600_000, 0, 0, 0, 300_000, 1_500_000])
            longest = gap or min(4 * self.intervals[name], 3600)
            self.reads[name] = times_of(random, begin, count, self.intervals[name], longest)

    def _instant(self, low=0.0, high=1.0):
        """Some instant of the history: often one at which a sensor reads."""
        random = self.random
        known = [t for times in self.reads.values() for t in times if self._between(t, low, high)]
        if known and random.random() < 0.55:
            return random.choice(known)
        return self.start + int(self.length * random.uniform(low, high)) // 1000 * 1000

    def _place(self):
        """Mostly the first place, so that units and sensors meet."""
        return self.places[0] if self.random.random() < 0.6 else self.random.choice(self.places)

    def _between(self, at, low, high):
        return self.start + self.length * low <= at <= self.start + self.length * high

    def _as_of(self):
        random = self.random
        known = sorted(t for times in self.reads.values() for t in times)
        last = known[-1] if known else self.end
        self.as_of = random.choice(
            [last, last, last + 60_000, last + 1_800_000, last + 1_800_001, last + 5 * HOUR_MS, self._instant(0.4, 1.0)]
        )
        self.as_of = max(self.as_of, self.start + 1000)

    def _lots_and_units(self):
        random = self.random
        lots, units = [], []
        for number, record in enumerate(self.document["products"]):
            lots.append(lot(random, record, number, self.as_of))
        for name in ["U1", "U2", "U3"][: random.choice([1, 1, 1, 2, 3])]:
            its = random.choice(lots)
            at = random.choice([self.start, self.start, self._instant(0.0, 0.3)])
            units.append(
                {
                    "id": name,
                    "gtin": its["gtin"],
                    "lot": its["lot"],
                    "quantity": 100,
                    "place": self._place(),
                    "at": show_instant(at),
                }
            )
        self.document["lots"], self.document["units"] = lots, units
        self.begin = {u["id"]: parse_instant(u["at"]) for u in units}

    # who watches

    def _associations(self):
        """Each sensor: one place for ever, a hand-over between places, a while with a unit, or a hole."""
        random = self.random
        records = []
        long_ago = self.start - 30 * DAY_MS

        def put(sensor, target, start, end):
            key = "unit" if target in self.begin or target == "PAL" else "place"
            records.append({"sensor": sensor, key: target, **span(start, end)})

        self.wants_pallet = random.random() < 0.25
        for sensor in self.sensors:
            style = random.choice(["place", "place", "place", "hand_over", "unit", "hole", "site", "late", "pallet"])
            first = self._place()
            cut = self._instant(0.1, 0.9)
            if style == "hand_over":
                put(sensor, first, long_ago, cut)
                put(sensor, random.choice(self.places), cut, None)
            elif style == "unit":
                unit = random.choice(sorted(self.begin))
                start, end = max(self.begin[unit], self._instant(0.0, 0.5)), None
                if random.random() < 0.6:
                    end = max(start + 60_000, cut)
                put(sensor, unit, start, end)
                if random.random() < 0.6:
                    put(sensor, first, long_ago, start)
            elif style == "hole":
                put(sensor, first, long_ago, cut)
                put(sensor, first, cut + random.choice([60, 900, 1800, 5400]) * 1000, None)
            elif style == "site":
                put(sensor, "SITE", long_ago, None)
            elif style == "late":
                put(sensor, first, cut, None)
            elif style == "pallet" and self.wants_pallet:
                put(sensor, "PAL", cut, None)
            else:
                put(sensor, first, long_ago, None)
        self.document["associations"] = records
        self.carried = {}
        if random.random() < 0.2:
            sensor, unit = random.choice(self.sensors), random.choice(sorted(self.begin))
            start = max(self.begin[unit], self._instant(0.0, 0.6))
            self.carried[sensor] = (unit, start, self._instant(0.5, 1.2) + 1)

    # what happens to units

    def _journeys(self):
        random = self.random
        moves, taken = [], set()
        for unit, begin in sorted(self.begin.items()):
            for _ in range(random.choice([0, 0, 1, 1, 2])):
                at = max(begin, self._instant(0.05, 0.95))
                if (unit, at) in taken:
                    continue
                taken.add((unit, at))
                known = self.places + ["P9"] if random.random() < 0.1 else self.places
                move = {"unit": unit, "to": random.choice(known), "at": show_instant(at)}
                if random.random() < 0.1:
                    move["planned"] = True
                moves.append(move)
        self.document["moves"] = moves

    def _splits(self):
        random = self.random
        if random.random() < 0.3:
            unit = random.choice(sorted(self.begin))
            at = max(self.begin[unit] + 1000, self._instant(0.2, 0.9))
            self.document["splits"] = [{"unit": unit, "into": [{"id": "C1", "quantity": 40}], "at": show_instant(at)}]
            self.split_at = (unit, at)
            if random.random() < 0.6:
                moved = at + random.choice([1000, 600_000, 3_600_000])
                move = {"unit": "C1", "to": random.choice(self.places), "at": show_instant(moved)}
                self.document["moves"].append(move)
        else:
            self.split_at = None

    def _aggregations(self):
        """A pallet PAL with units in it for a while; it has its own moves."""
        random = self.random
        in_use = any(a.get("unit") == "PAL" for a in self.document["associations"])
        if not in_use and not self.wants_pallet:
            return
        chosen = [u for u in sorted(self.begin) if random.random() < 0.8] or sorted(self.begin)[:1]
        start = max([self._instant(0.0, 0.6)] + [self.begin[u] for u in chosen])
        end = None if random.random() < 0.5 else start + random.choice([600, 3600, 10800]) * 1000
        self.document["aggregations"] = [{"parent": "PAL", "children": chosen, **span(start, end)}]

        def moves_alone(move):
            at = parse_instant(move["at"])
            return move["unit"] not in chosen or at < start or (end is not None and at >= end)

        self.document["moves"] = [move for move in self.document["moves"] if moves_alone(move)]
        taken = set()
        for _ in range(random.choice([0, 1, 2])):
            at = self._instant(0.1, 0.95)
            if at not in taken:
                taken.add(at)
                move = {"unit": "PAL", "to": random.choice(self.places), "at": show_instant(at)}
                self.document["moves"].append(move)

    def _closures(self):
        random = self.random
        if random.random() >= 0.15:
            return
        unit = random.choice(sorted(self.begin))
        moved = [parse_instant(m["at"]) for m in self.document["moves"] if m["unit"] == unit]
        latest = [self.begin[unit] + 1000] + moved
        if self.split_at and self.split_at[0] == unit:
            latest.append(self.split_at[1])
        at = max(latest + [self._instant(0.4, 1.0)])
        self.document["closures"] = [{"unit": unit, "at": show_instant(at), "kind": "delivered"}]

    def _exclusions(self):
        random = self.random
        if random.random() >= 0.25:
            return
        start = self._instant(0.0, 0.9)
        end = start + random.choice([1, 60, 600, 2400, 7200]) * 1000
        sensor = random.choice(self.sensors)
        self.document["exclusions"] = [
            {"sensor": sensor, **span(start, end), "reason": "calibration", "by": "m.lin"}
        ]

    # out

    def _rows(self):
        random = self.random
        rows = []
        for name in self.sensors:
            humid = random.random() < 0.5
            world = random.choice(self.worlds)
            rows += rows_of(random, name, self.reads[name], world, self.carried.get(name), humid)
        random.shuffle(rows)
        return rows

    def _features(self):
        found = self.features
        found |= {part for part in ("splits", "aggregations", "closures", "exclusions") if self.document.get(part)}
        found |= {"moves"} if self.document["moves"] else set()
        found |= {"carried"} if self.carried else set()
        found |= {"planned"} if any(m.get("planned") for m in self.document["moves"]) else set()
        found |= {s["source"] for s in self.document["sensors"]}
        found |= {"unit_sensor"} if any("unit" in a for a in self.document["associations"]) else set()
        found |= {"calibration"} if any("calibrations" in s for s in self.document["sensors"]) else set()
        found |= {"guard_band"} if any(p.get("guard_band") for p in self.document["products"]) else set()
        values = {}
        for sensor, at, temperature, humidity, _ in self.rows:
            values.setdefault((sensor, at), set()).add((temperature, humidity))
        found |= {"conflicts"} if any(len(v) > 1 for v in values.values()) else set()
        found |= {"no_readings"} if not self.rows else set()

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        case = {
            "seed": self.seed,
            "index": self.index,
            "as_of": show_instant(self.as_of),
            "features": sorted(self.features),
        }
        for name, content in (("registry.json", self.document), ("case.json", case)):
            with open(folder / name, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.write("\n")
        with open(folder / "readings.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["sensor", "measured_at", "temperature_c", "humidity_pct", "unit"])
            for sensor, at, temperature, humidity, unit in self.rows:
                shown = at if self.random.random() < 0.1 else show_instant(at)
                cells = [sensor, shown, temperature, humidity, unit]
                writer.writerow(["" if cell is None else cell for cell in cells])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    for index in range(chosen.count):
        History(chosen.seed, index).write(chosen.out / f"{index:05d}")


if __name__ == "__main__":
    main()
