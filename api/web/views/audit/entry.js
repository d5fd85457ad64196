// What an entry of the audit trail is about, and how entries are found.

/** Kinds of entries that are looked for. */
export const KINDS = [
  "registry", "hold.placed", "hold.evidence", "hold.placed_together", "hold.evidence_together", "hold.under_review", "hold.released", "hold.rejected", "review.accepted", "alarm.raised", "alarm.raised_together", "alarm.cleared", "alarm.acknowledged",
  "token.created", "token.revoked", "user.created", "user.changed", "user.password", "user.locked", "session.began", "session.ended", "sign_in.failed", "system",
];

/** The question that finds entries, newest first. Of a unit its holds and alarms are found too. */
export function question({ who, what, subject, from, to }) {
  const asked = new URLSearchParams({ order: "newest" });
  const parts = { who, kind: what, subject, from: from && `${from}:00Z`, to: to && `${to}:00Z` };
  for (const [key, value] of Object.entries(parts)) if (value) asked.set(key, value);
  return `/v1/audit?${asked}`;
}

// What a spreadsheet would take for a formula, quoted or not: an apostrophe goes before it, as in CSV from the server.
const LIVE = /^[' ]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Entries as a table for other programs. */
export function csv(entries) {
  const columns = ["seq", "at", "actor", "kind", "body", "previous_hash", "hash"];
  const cell = (value) => {
    const told = typeof value === "object" ? JSON.stringify(value) : String(value);
    const text = typeof value === "string" && LIVE.test(told) ? `'${told}` : told;
    return /[",\r\n]|^'/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...entries.map((one) => columns.map((column) => one[column]))].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/** The id, and the first of the units it is about, where they are listed. */
function together(body) {
  const units = body.units ?? [];
  return [body.id, units.length > 0 && `${units.slice(0, 3).join(", ")}${units.length > 3 ? " …" : ""}`].filter(Boolean).join(" · ");
}

/** What an entry is about (`subject`), more exactly what was done (`what`), and why. */
export function subjectOf(kind, body) {
  const why = body.reason ?? body.detail?.reason ?? null;
  const said = (what, subject) => ({ what, subject: subject ?? "", why: typeof why === "string" ? why : null });
  if (kind === "registry") return said(`${body.kind} ${body.before === null ? "+" : "→"} v${body.version}`, String(body.key));
  if (kind === "hold.placed") return said(null, [body.id, body.scope?.unit ?? body.scope?.place ?? body.scope?.lot?.lot ?? body.scope?.lot].filter(Boolean).join(" · "));
  if (kind === "hold.evidence" || kind === "hold.evidence_together") return said(`v${body.after}`, body.hold);
  if (kind === "hold.placed_together") return said(body.cause?.rule ?? body.cause?.code ?? null, together(body));
  if (kind.startsWith("hold.")) return said(body.disposition ?? null, (body.holds ?? []).map((one) => one.hold).join(", "));
  if (kind === "review.accepted") return said(null, body.unit);
  if (kind === "alarm.raised_together") return said(body.code ?? null, together(body));
  if (kind.startsWith("alarm.")) return said(body.code ?? null, [body.id ?? body.alarm, body.unit ?? body.sensor ?? body.place ?? body.channel].filter(Boolean).join(" · "));
  return said(body.role ?? body.what ?? null, body.name ?? body.account ?? body.user ?? body.id ?? "");
}
