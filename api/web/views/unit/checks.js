// Why: every check of a product on one unit, what is allowed, what was found, and what follows. Nothing here draws.

const ORDER = ["pass", "review", "indeterminate", "hold"];
// The gravity of reasons that do not get theirs from a rule.
const GRAVITY = {
  frozen: "hold", budget: "hold", expired: "hold", effective_expiry: "hold", model_range: "indeterminate",
};
const OF_COVERAGE = ["unmonitored", "sensor_silent", "freeze_possible", "no_readings"];

/** The rules of a product, with those that follow from storage limits no rule is about. */
export function rulesOf(product) {
  const rules = [...(product.rules ?? [])];
  for (const quantity of ["temperature", "humidity"]) {
    const limits = product.storage?.[quantity === "temperature" ? "temperature_c" : "humidity_pct"] ?? [null, null];
    for (const [side, limit] of [["low", limits[0]], ["high", limits[1]]]) {
      if (limit === null || rules.some((rule) => rule.quantity === quantity && rule.side === side)) continue;
      rules.push({ id: `storage.${quantity}.${side}`, quantity, side, limit, comparator: side === "high" ? "gt" : "lt", mode: "single", delay_s: 0, severity: "hold" });
    }
  }
  if (product.freeze) rules.push({ id: "freeze", quantity: "temperature", side: "low", limit: product.freeze.limit_c, comparator: "le", mode: "single", delay_s: product.freeze.delay_s, severity: "hold" });
  return rules;
}

/** The quantity a rule of a product limits; a product that is not known may still have limits of storage. */
export const quantityOf = (product, id) =>
  (product && rulesOf(product).find((rule) => rule.id === id)?.quantity) ?? (String(id).startsWith("storage.humidity.") ? "humidity" : "temperature");

/** The gravity of a reason: what of the verdict it makes. */
export function gravity(reason, product) {
  if (GRAVITY[reason.code]) return GRAVITY[reason.code];
  if (reason.code === "mkt") return product.mkt?.severity ?? "review";
  if (reason.code !== "excursion") return "review";
  return rulesOf(product).find((rule) => rule.id === reason.rule)?.severity ?? "hold";
}

/** All checks in order; every reason of the assessment belongs to one of them. */
export function checks(known, product) {
  const left = new Set(known.reasons);
  const take = (belongs) => {
    const taken = [...left].filter(belongs);
    for (const reason of taken) left.delete(reason);
    return taken;
  };
  const rows = rulesOf(product).map((rule) => ({
    kind: "rule", rule,
    excursions: known.excursions.filter((one) => one.rule === rule.id),
    alarms: known.alarms.filter((one) => one.rule === rule.id),
    reasons: take((reason) => reason.rule === rule.id || (rule.id === "freeze" && reason.code === "frozen")),
  }));
  const bands = product.budget?.bands ?? [];
  const ofBudget = take((reason) => reason.code === "budget");
  for (const band of bands) {
    const used = known.budget?.bands.find((one) => one.above_c === band.above_c);
    rows.push({ kind: "band", band, used, reasons: (used?.fraction ?? 0) >= 1 ? ofBudget : [] });
  }
  if (bands.length > 0) rows.push({ kind: "budget", used: known.budget?.used_fraction, combine: product.budget.combine, reasons: ofBudget });
  rows.push({ kind: "coverage", coverage: known.coverage, allowed: product.max_unmonitored_s, reasons: take((reason) => OF_COVERAGE.includes(reason.code)) });
  if (product.mkt) rows.push({ kind: "mkt", mkt: known.mkt, limit: product.mkt.limit_c, reasons: take((reason) => reason.code === "mkt") });
  if (product.kinetics?.valid_c) rows.push({ kind: "model", valid: product.kinetics.valid_c, temperature: known.temperature, reasons: take((reason) => reason.code === "model_range") });
  rows.push({ kind: "expiry", known, reasons: take((reason) => reason.code === "expired" || reason.code === "effective_expiry") });
  for (const reason of left) rows.push({ kind: "other", reasons: [reason] });
  return rows.map((row) => ({ ...row, result: worst(row.reasons.map((reason) => gravity(reason, product))) }));
}

const worst = (grades) => grades.reduce((one, other) => (ORDER.indexOf(other) > ORDER.indexOf(one) ? other : one), "pass");
