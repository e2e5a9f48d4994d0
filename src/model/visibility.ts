// Which namespaces may see an object: Istio's exportTo.

/** `public`: all; else exactly those listed, which may be none. */
export type Visibility = "public" | { readonly namespaces: readonly string[] };

/** An empty or missing list means the default of its kind. `.` is the object's own namespace, `~` nobody. */
export function resolveVisibility(
  exportTo: readonly string[] | undefined,
  namespace: string,
  defaultExportTo: readonly string[],
): Visibility {
  const words = exportTo === undefined || exportTo.length === 0 ? defaultExportTo : exportTo;
  if (words.includes("*")) return "public";
  const namespaces = words.filter((word) => word !== "~").map((word) => (word === "." ? namespace : word));
  return { namespaces: [...new Set(namespaces)].sort() };
}

/** Some namespace sees both. */
export function haveCommonViewer(a: Visibility, b: Visibility): boolean {
  if (a === "public") return b === "public" || b.namespaces.length > 0;
  return b === "public" ? a.namespaces.length > 0 : a.namespaces.some((each) => b.namespaces.includes(each));
}

export function isVisibleTo(visibility: Visibility, namespace: string): boolean {
  return visibility === "public" || visibility.namespaces.includes(namespace);
}
