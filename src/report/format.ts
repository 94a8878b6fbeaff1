/** Numbers as people read them. */

/** A share or reward with two decimals; `-` for nothing. */
export function share(value: number | null | undefined, digits: number = 2): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? "-"
    : value.toFixed(digits);
}

/** A count in at most four characters: 950, 9.5k, 12k, 1.2M; `-` for nothing. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  let [scaled, unit] = [value, ""];
  for (const next of ["k", "M", "G", "T"]) {
    if (Math.abs(scaled) < 999.5) break;
    [scaled, unit] = [scaled / 1000, next];
  }
  return scaled.toFixed(unit !== "" && Math.abs(scaled) < 9.95 ? 1 : 0) + unit;
}

/** Seconds as a clock, `1:05` or `2:03:10`; `-` for nothing. */
export function clock(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Seconds in words, `12 s`, `3 min 5 s` or `2 h 3 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes in binary units, `0.8 MiB` or `9.4 GiB`. */
export function bytes(value: number): string {
  return value < 1e9
    ? `${(value / 2 ** 20).toFixed(1)} MiB`
    : `${(value / 2 ** 30).toFixed(1)} GiB`;
}

/** A whole number with its thousands apart: 1,234,567. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Columns aligned by spaces, the first to the left, the others to the right; the first row is the head. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    ).join("  ").trimEnd()
  ).join("\n");
}
