// What the holds' own records do not say: how many there are in which state, what each unit is, and where it is now.

const UNITS = `SELECT h.id, u.gtin, u.lot, u.quantity, c.place, p.name AS product FROM holds h
 LEFT JOIN units u ON u.id = h.unit LEFT JOIN custody c ON c.unit = h.unit AND c.to_at IS NULL
 LEFT JOIN products p ON p.gtin = u.gtin`;

/** By SQL. The server's clock may not be the reader's. */
export async function bySql(api) {
  const [counts, [clock], units] = await Promise.all([
    api.sql("SELECT state, count(*) AS n FROM holds GROUP BY state"), api.sql("SELECT now() AS now"), api.sql(UNITS),
  ]);
  return { now: Date.parse(clock.now), counts, units };
}

/** By lists, for whoever is limited to sites: SQL is closed to them. */
export async function byLists(api) {
  const [holds, units, products] = await Promise.all([api.every("/v1/holds"), api.every("/v1/units"), api.every("/v1/products")]);
  const counts = new Map();
  for (const { state } of holds) counts.set(state, (counts.get(state) ?? 0) + 1);
  const unitOf = new Map(units.map((unit) => [unit.id, unit]));
  const nameOf = new Map(products.map((product) => [product.gtin, product.name]));
  const about = holds.map(({ id, unit }) => ({ id, ...unitOf.get(unit) && { ...unitOf.get(unit), id, product: nameOf.get(unitOf.get(unit).gtin) } }));
  return { now: Date.now(), counts: [...counts].map(([state, n]) => ({ state, n })), units: about };
}
