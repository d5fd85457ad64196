"""Coverage: what is known, unknown and known in part (interfaces.md section 4, Coverage)."""

from collections import namedtuple

from instants import seconds, show_instant

# An unknown interval of the unit. `is_first`: nothing of the window is known before it; `is_last`: nothing after it.
Gap = namedtuple("Gap", "start end is_first is_last")


class Coverage:
    def __init__(self, trace, product):
        self.gaps = unknown_intervals(trace, product)
        self.known_ms = sum(p.end - p.start for p in trace.pieces)
        self.unknown_ms = sum(g.end - g.start for g in self.gaps)
        self.partial = partial_intervals(trace)
        self.partial_ms = sum(b - a for a, b in self.partial)

    @property
    def elapsed_ms(self):
        """Exactly the time life covers (section 4, Life)."""
        return self.known_ms + self.unknown_ms

    def to_json(self, empty):
        total = self.elapsed_ms
        return {
            "known_s": seconds(self.known_ms),
            "unknown_s": seconds(self.unknown_ms),
            "partial_s": seconds(self.partial_ms),
            "fraction": None if empty or total == 0 else float(self.known_ms / total),
            "gaps": [{"from": show_instant(g.start), "to": show_instant(g.end)} for g in self.gaps],
        }


def unknown_intervals(trace, product):
    """Time in which no sensor is known, divided at readings that stand alone.

    The lead and the tail count once longer than `max_gap`, else not at all; inner time always. A sensor that had
    read before the window began, or read again after it ended, makes that end of the silence an inner one: its trace
    is built from all its readings and then cut.
    """
    edges = {trace.start, trace.end} | {t for p in trace.pieces for t in (p.start, p.end)}
    edges |= {at for at, _, _ in trace.points}
    edges = sorted(edges)
    out = []
    for a, b in zip(edges, edges[1:]):
        if trace.piece_from(a) is not None:
            continue
        read_at_start = any(t == a for t, _, _ in trace.points)
        read_at_end = any(t == b for t, _, _ in trace.points)
        is_first = not trace.known_or_read_before(a) and not read_at_start
        is_last = not trace.known_or_read_after(b) and not read_at_end
        earlier = trace.read_before_window() if is_first else None
        later = trace.read_after_window() if is_last else None
        is_lead, is_tail = is_first and earlier is None, is_last and later is None
        silent_since = a if earlier is None else earlier
        if (is_lead or is_tail) and b - silent_since <= _max_gap(trace, product, a, b):
            continue
        out.append(Gap(a, b, is_first, is_last))
    return out


def _max_gap(trace, product, start, end):
    """The product's, else the shortest of the sensors that were there, else the default of no interval."""
    there = [s.sensor for s in trace.stays if s.start < end and start < s.end]
    bounds = [trace.sensors[name].max_gap for name in there]
    return min(bounds) if bounds else (product.max_gap_ms if product.max_gap_ms is not None else 3_600_000)


def partial_intervals(trace):
    """Stretches in which some but not all sensors of the unit are known."""
    out = []
    for piece in trace.pieces:
        if piece.known == piece.custody:
            continue
        if out and out[-1][1] == piece.start:
            out[-1] = (out[-1][0], piece.end)
        else:
            out.append((piece.start, piece.end))
    return out
