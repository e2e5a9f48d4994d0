// A request's path and host as a connection manager hands them to its filters: what is denied by either must not be
// walked around by another spelling.

export interface PathNormalization {
  /** `/a/../b`, `\`, and characters that need no escape. */
  readonly normalizesPath: boolean;
  readonly mergesSlashes: boolean;
  readonly escapedSlashes: "keep" | "unescape" | "reject" | "redirect";
  /** Of the host. */
  readonly stripsFinalDot: boolean;
}

/** Undefined for a path that is refused before any filter sees it. */
export function normalizedPath(path: string, normalization: PathNormalization): string | undefined {
  const at = path.search(/[?#]/);
  const [before, after] = at === -1 ? [path, ""] : [path.slice(0, at), path.slice(at).split("#", 1)[0] ?? ""];
  const unescaped = unescapeSlashes(before, normalization.escapedSlashes);
  if (unescaped === undefined) return undefined;
  const normal = normalization.normalizesPath ? withoutDots(unescaped) : unescaped;
  if (normal === undefined) return undefined;
  return `${normalization.mergesSlashes ? normal.replaceAll(/\/{2,}/g, "/") : normal}${after}`;
}

/** Without the dot that ends an absolute name; with the port, if one follows. */
export function withoutFinalDot(authority: string): string {
  return authority.replace(/\.(:\d+)?$/, "$1");
}

function unescapeSlashes(path: string, action: PathNormalization["escapedSlashes"]): string | undefined {
  if (action === "keep" || !/%(2f|5c)/i.test(path)) return path;
  if (action === "reject") return undefined;
  return path.replaceAll(/%2f/gi, "/").replaceAll(/%5c/gi, "\\");
}

/** As RFC 3986, 6.2.2, and as browsers do. */
function withoutDots(path: string): string | undefined {
  const plain = path
    // As segments of dots with parameters are read by servers that know parameters, and by Envoy; not where a dot is escaped.
    .replaceAll(/(?<=[/\\])(\.{1,2});[^/]*/g, "$1")
    .replaceAll(/%([0-9a-f]{2})/gi, (written, code: string) => {
      const character = String.fromCharCode(Number.parseInt(code, 16));
      return /[A-Za-z0-9\-._~]/.test(character) ? character : written;
    })
    .replaceAll("\\", "/");
  if (!plain.startsWith("/")) return undefined;
  const segments: string[] = [];
  const parts = plain.slice(1).split("/");
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (part === "..") segments.pop();
    if (part !== "." && part !== "..") segments.push(part);
    else if (isLast) segments.push("");
  }
  return `/${segments.join("/")}`;
}
