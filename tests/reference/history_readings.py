"""Random readings for histories: warm and cold episodes, exact limits, gaps at the edge, repeats and conflicts."""

ON_LIMITS = (8.0, 2.0, -0.5, 15.0, 25.0, 5.0)
LEVELS = {
    "cool": (3.0, 6.5),
    "warm": (7.0, 9.5),
    "hot": (9.0, 17.0),
    "very_hot": (20.0, 33.0),
    "cold": (0.5, 2.6),
    "frozen": (-3.0, -0.4),
}


def episodes(random, start_ms, end_ms):
    """[(from, to, level)]: what the world does; most sensors take part."""
    out = []
    for _ in range(random.choice([0, 1, 1, 2, 3, 4])):
        a = random.randrange(start_ms, end_ms)
        length = random.choice([600, 1800, 3600, 7200, 14400]) * 1000
        level = random.choice(["warm", "warm", "hot", "hot", "very_hot", "cold", "frozen", "frozen"])
        out.append((a, a + length, level))
    return out


def times_of(random, start_ms, count, interval_s, max_gap_s):
    """Instants of one sensor: mostly its interval, sometimes exactly the longest allowed, one more, or silence."""
    at = start_ms
    out = []
    for _ in range(count):
        out.append(at)
        choice = random.random()
        if choice < 0.80:
            step = interval_s * 1000
        elif choice < 0.88:
            step = random.randrange(1_000, interval_s * 1000 + 1)
        elif choice < 0.92:
            step = max_gap_s * 1000
        elif choice < 0.95:
            step = max_gap_s * 1000 + random.choice([1, 1000])
        else:
            step = random.choice([2, 3, 6, 12]) * 1_800_000 + random.randrange(0, 2000)
        at += step
    return out


def value_of(random, at, world, follows, before):
    if before is not None and random.random() < 0.12:
        return before
    if random.random() < 0.1:
        return random.choice(ON_LIMITS)
    level = "cool"
    if follows:
        level = next((name for a, b, name in world if a <= at < b), "cool")
    low, high = LEVELS[level]
    digits = random.choice([1, 1, 2, 3])
    return round(random.uniform(low, high), digits)


def rows_of(random, sensor, times, world, carried, humid):
    """CSV rows of one sensor: (sensor, ms, temperature, humidity, unit). `carried` is (unit, from, to) or `None`."""
    rows = []
    follows = random.random() < 0.85
    conflicts = random.choice([0.0, 0.0, 0.05, 0.15])
    temperature = None
    for at in times:
        temperature = value_of(random, at, world, follows, temperature)
        humidity = None
        if humid:
            wide, middling = round(random.uniform(25, 85), 1), round(random.uniform(40, 60), 2)
            humidity = random.choice([65.0, 75.0, 30.0, wide, middling])
        unit = carried[0] if carried and carried[1] <= at < carried[2] else None
        told = temperature
        if humid and random.random() < 0.05:
            told = None
        elif humid and random.random() < 0.05:
            humidity = None
        rows.append((sensor, at, told, humidity, unit))
        if random.random() < 0.05:
            rows.append(rows[-1])
        if random.random() < conflicts:
            other = random.choice([round(temperature + random.choice([-4, -1, 0.5, 3, 6]), 3), 8.0, 2.0])
            rows.append((sensor, at, other, humidity, unit))
    return rows
