"""What one assessment is about: a unit, its product, its window, whose sensors watched it, and the readings."""

from custody import Custody, window_of
from readings import Readings
from unit_trace import UnitTrace


class Subject:
    def __init__(self, registry, rows, unit, as_of):
        self.registry = registry
        self.unit = unit
        self.as_of = as_of
        record = registry.origin(unit)
        self.gtin, self.lot = record["gtin"], record["lot"]
        self.product = registry.products[self.gtin]
        self.window = window_of(registry, unit, as_of)
        self.readings = Readings(rows, as_of)
        self.custody = Custody(registry, self.readings)
        self._stretches = self.custody.pieces(unit, *self.window)
        self._at_end = self.custody.sensors_at(unit, self.window[1])
        self._traces = {}

    def _measures(self, sensor, quantity):
        """A sensor of temperature is one that has told temperature, or nothing at all; of humidity, one that has."""
        if self.readings.of(sensor, quantity):
            return True
        return quantity == "temperature" and not self.readings.of(sensor, "humidity")

    def stretches_of(self, quantity):
        return [
            (start, end, frozenset(s for s in names if self._measures(s, quantity)))
            for start, end, names in self._stretches
        ]

    def sensors_at_end(self, quantity):
        return frozenset(s for s in self._at_end if self._measures(s, quantity))

    def trace(self, quantity, side, interp="linear", band=0):
        """The unit's trace of one quantity from one side; built once."""
        key = (quantity, side, interp, band)
        if key not in self._traces:
            self._traces[key] = UnitTrace(self, quantity, side, interp, band)
        return self._traces[key]

    @property
    def hot(self):
        return self.trace("temperature", "high")

    @property
    def cold(self):
        return self.trace("temperature", "low")

    def place_at_end(self):
        """The unit's place at the end of the window, as registered, or `None`."""
        return self.registry.places.get(self.custody.place_at(self.unit, self.window[1]))

    def readings_used(self):
        """(sensor, measured_at) of the window that were in custody and not excluded, of either quantity."""
        used = set()
        for quantity in ("temperature", "humidity"):
            used |= {(name, at) for at, _, name in self.trace(quantity, "high").points}
        return used
