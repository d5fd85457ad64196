"""Random products and lots for histories: every kind of rule, model, bound and budget, often with values that meet."""

import datetime as dt

MODELS = ("arrhenius", "arrhenius", "arrhenius", "q10", "square_root", "exponential", "none")
SEVERITIES = ("notify", "review", "hold", "hold")


def gtin(number):
    """A GTIN-14 with its check digit."""
    body = f"{950600013000 + number:013d}"
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(body))
    return body + str(-total % 10)


def product(random, number):
    max_gap_s = random.choice([None, 900, 1800, 1800, 3600])
    record = {"gtin": gtin(number), "name": f"Product {number}", "kinetics": kinetics(random)}
    if random.random() < 0.85:
        record["storage"] = {"temperature_c": [random.choice([None, 2.0, 2.0]), random.choice([None, 8.0, 8.0])]}
        if random.random() < 0.5:
            record["storage"]["humidity_pct"] = [random.choice([None, 30.0]), random.choice([None, 65.0, 75.0])]
    rules = [rule(random, f"r{i}") for i in range(random.choice([0, 0, 1, 1, 2, 3]))]
    if rules:
        record["rules"] = rules
    if random.random() < 0.5:
        record["freeze"] = {"limit_c": -0.5, "delay_s": random.choice([0, 600, 1800, 3600])}
    if random.random() < 0.5:
        record["budget"] = budget(random)
    if max_gap_s is not None:
        record["max_gap_s"] = max_gap_s
    if random.random() < 0.6:
        record["max_unmonitored_s"] = random.choice([1800, 3600, 7200])
    if random.random() < 0.6:
        record["gap_bound_c"] = random.choice([8.0, 12.5, 25.0])
        if random.random() < 0.5:
            record["gap_slew_c_per_h"] = random.choice([0.5, 2.0, 5.0, 40.0])
    if random.random() < 0.3:
        record["gap_bound_low_c"] = random.choice([-10.0, -0.5, 0.0])
    if random.random() < 0.4:
        record["guard_band"] = True
    if random.random() < 0.6:
        record["mkt"] = {
            "dh_kj_per_mol": random.choice([83.144, 100.0, 60.0]),
            "window_s": random.choice([3600, 7200, 21600, 86400]),
            "limit_c": random.choice([6.0, 8.0, 15.0]),
            "severity": random.choice(["notify", "review", "hold"]),
        }
    return record


def kinetics(random):
    model = random.choice(MODELS)
    if model == "none":
        return {"model": "none"}
    record = {"model": model, "reference_c": random.choice([2.0, 5.0, 5.0, 8.0])}
    if model == "arrhenius":
        record["ea_kj_per_mol"] = random.choice([50.0, 83.144, 120.0])
        if random.random() < 0.5:
            record["ea_low"] = record["ea_kj_per_mol"] - random.choice([0.0, 10.0, 25.5])
        if random.random() < 0.5:
            record["ea_high"] = record["ea_kj_per_mol"] + random.choice([0.0, 10.0, 25.5])
    elif model == "q10":
        record["q10"] = random.choice([2.0, 3.0, 4.0])
    elif model == "square_root":
        record["t_min_c"] = random.choice([-10.0, -7.6, 0.0])
    else:
        record["b_per_c"] = random.choice([0.089, 0.15])
    if random.random() < 0.5:
        record["valid_c"] = [random.choice([-5.0, 0.0, 2.0]), random.choice([15.0, 25.0, 40.0])]
    if random.random() < 0.4:
        record["credit_below_reference"] = True
    return record


def rule(random, name):
    humid = random.random() < 0.2
    side = random.choice(["high", "high", "low"])
    limits = {
        (False, "high"): [8.0, 8.0, 5.0, 15.0],
        (False, "low"): [2.0, 2.0, 0.0, -0.5],
        (True, "high"): [65.0, 75.0],
        (True, "low"): [30.0, 40.0],
    }
    record = {
        "id": name,
        "quantity": "humidity" if humid else "temperature",
        "side": side,
        "limit": random.choice(limits[humid, side]),
        "mode": random.choice(["single", "single", "cumulative"]),
        "delay_s": random.choice([0, 0, 300, 600, 1200, 1800, 3600, 7200]),
        "severity": random.choice(SEVERITIES),
    }
    if random.random() < 0.8:
        record["comparator"] = random.choice({"high": ["gt", "ge"], "low": ["lt", "le"]}[side])
    if record["mode"] == "cumulative" and random.random() < 0.6:
        record["window_s"] = random.choice([3600, 7200, 14400])
    if random.random() < 0.4:
        record["hysteresis"] = random.choice([0.1, 0.5, 1.0, 2.5])
    if random.random() < 0.4:
        record["merge_s"] = random.choice([60, 300, 600, 1200])
    if random.random() < 0.35:
        record["interp"] = random.choice(["linear", "hold"])
    return record


def budget(random):
    edges = [8.0, 15.0, 25.0, 30.0][: random.choice([2, 3, 4])]
    bands = [
        {"above_c": low, "to_c": high, "allowed_s": random.choice([900, 3600, 7200, 86400, 259200])}
        for low, high in zip(edges, edges[1:])
    ]
    return {"bands": bands, "combine": random.choice(["sum", "any"])}


def lot(random, record, number, as_of_ms):
    """A lot whose label often expires near as-of, on either side of midnight."""
    day = dt.datetime.fromtimestamp(as_of_ms / 1000, dt.timezone.utc).date()
    away = random.choice([-1, 0, 0, 1, 2, 5, 10, 30, 90, 90, 400, 400, 400, 400])
    return {
        "gtin": record["gtin"],
        "lot": f"LOT{number}",
        "manufactured_on": (day - dt.timedelta(days=200)).isoformat(),
        "expires_on": (day + dt.timedelta(days=away - 1)).isoformat(),
    }
