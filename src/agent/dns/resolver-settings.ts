// Reads resolv.conf: whom to ask, and which domains names are tried in.

import { isIP } from "node:net";

export interface ResolverSettings {
  readonly servers: readonly string[];
  /** In lower case, without the dot at the end. */
  readonly searchDomains: readonly string[];
}

/** As libc does: the last `search` or `domain` counts. Lines that can't be read are passed over. */
export function parseResolverSettings(text: string): ResolverSettings {
  const servers: string[] = [];
  let searchDomains: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    const [first = ""] = words;
    if (keyword === "nameserver" && isIP(first) !== 0) servers.push(first);
    else if (keyword === "search" || keyword === "domain")
      searchDomains = words
        .map((word) => word.replace(/\.$/, "").toLowerCase())
        .filter((word) => word !== "");
  }
  return { servers, searchDomains };
}
