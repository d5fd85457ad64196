// What a code leads to, and whether each unit may go out: nothing here draws.

import { path } from "../../shell/api.js";

// What separates the parts of a GS1 element string.
export const FNC1 = "\u001d";
// Units of a lot or a pallet asked about at once.
const AT_ONCE = 4;

/**
 * The answer to a code. `kind`: `yes` (all of it may go out), `no`, `some`, `product` (a product alone), `unknown` (nothing is known
 * under it), `unreadable`, `failed`. `scan` is what the code says, `checks` are `{unit, blocks}` of every unit.
 */
export async function ask(api, code, { to, at }) {
  let scan;
  try {
    scan = await api.get(`/v1/scan?code=${encodeURIComponent(code)}`);
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { kind: error.status === 400 ? "unreadable" : "failed", code, error };
  }
  const { units, keys } = scan;
  if (units.length === 0) return { kind: keys.gtin && !keys.lot && !keys.sscc && scan.fefo.length > 0 ? "product" : "unknown", code, scan, checks: [] };
  const where = new URLSearchParams(Object.entries({ to, at }).filter(([, value]) => value));
  const checks = [];
  const waiting = [...units];
  const worker = async () => {
    for (let unit = waiting.shift(); unit; unit = waiting.shift()) {
      const { blocks } = await api.get(`${path`/v1/units/${unit.id}/dispatch-check`}?${where}`);
      checks.push({ unit, blocks });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { kind: "failed", code, scan, error };
  }
  // units that have ended are nowhere to be issued from
  const free = checks.filter(({ unit, blocks }) => blocks.length === 0 && !unit.closed_at);
  // of a large lot not every unit was asked about
  const whole = free.length === checks.length && scan.unit_count === units.length;
  checks.sort((one, other) => expiry(one.unit).localeCompare(expiry(other.unit)) || one.unit.id.localeCompare(other.unit.id));
  return { kind: whole ? "yes" : free.length > 0 ? "some" : "no", code, scan, checks, free: free.length };
}

const expiry = (unit) => unit.effective_expiry ?? unit.labelled_expiry ?? "";
