// Tables in plain text: columns as wide as their widest cell, three spaces apart, nothing after the last.

const GAP = "   ";

/** One line per row under a line of titles; a cell that isn't known is `-`. */
export function renderTable(
  titles: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const lines = [
    titles,
    ...rows.map((row) => row.map((cell) => (cell === undefined || cell === "" ? "-" : cell))),
  ];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => `${renderLine(line as readonly string[], widths)}\n`).join("");
}

function renderLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join(GAP)
    .trimEnd();
}

/** `3.5 MiB`; undefined stays so. */
export function formatBytes(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const mebibytes = bytes / 1_048_576;
  return mebibytes >= 100 ? `${Math.round(mebibytes)} MiB` : `${mebibytes.toFixed(1)} MiB`;
}

/** `42s`, `5m`, `3h`, `2d`: the largest unit alone. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
