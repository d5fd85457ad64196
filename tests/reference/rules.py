"""The rules of a product: its own, those of its storage limits, and the freeze rule (interfaces.md section 3)."""

from registry import Rule
from instants import duration_ms, thousandths


def rules_of(product):
    """All rules that are evaluated. A quantity and side with a storage limit and no rule gets a strict one."""
    rules = list(product.rules)
    for (quantity, side), limit in sorted(product.storage.items()):
        ruled = any(r.quantity == quantity and r.side == side for r in product.rules)
        if limit is not None and not ruled:
            rules.append(_plain(f"storage.{quantity}.{side}", quantity, side, limit, False, 0))
    if product.freeze is not None:
        limit = thousandths(product.freeze["limit_c"])
        delay = duration_ms(product.freeze.get("delay_s") or 0)
        rules.append(_plain("freeze", "temperature", "low", limit, True, delay))
    return rules


def _plain(name, quantity, side, limit, inclusive, delay_ms):
    return Rule(name, quantity, side, limit, inclusive, "single", delay_ms, None, 0, 0, "hold", "linear")


def is_out(rule, value):
    """Out of the rule's limit; touching a strict limit is not."""
    if rule.side == "high":
        return value >= rule.limit if rule.inclusive else value > rule.limit
    return value <= rule.limit if rule.inclusive else value < rule.limit


def reset_level(rule):
    """What a trace must come back over for the excursion to end (section 4, hysteresis)."""
    return rule.limit - rule.hysteresis if rule.side == "high" else rule.limit + rule.hysteresis


def goes_on(rule, value):
    """Whether an excursion that began goes on at this value."""
    level = reset_level(rule)
    if rule.side == "high":
        return value >= level if rule.inclusive else value > level
    return value <= level if rule.inclusive else value < level
