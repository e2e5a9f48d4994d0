// Who may see the pages of the admin interface that tell of the mesh: whoever is on the machine or in the pod, as a
// port-forward is. A page in a browser there is no such person: a name of its own that leads to loopback (DNS rebinding)
// is refused by the Host that the browser then sends, and what it loads from another origin by the headers that tell so.

import { isIPv4 } from "node:net";
import { quoted } from "./quoted.ts";

/** Of a request, as far as they tell who asks. */
interface AskingHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly "sec-fetch-site"?: string | string[] | undefined;
  readonly "sec-fetch-mode"?: string | string[] | undefined;
}

/** As an answer; undefined where the request may be answered. */
export function refusalOfForeignPage(headers: AskingHeaders): string | undefined {
  const { host, origin } = headers;
  if (host !== undefined && !isLoopbackHost(host)) {
    return `Cannot answer to the host ${quoted(host)}: ask localhost or 127.0.0.1`;
  }
  if (origin !== undefined && !isLoopbackHost(origin.replace(/^https?:\/\//, ""))) {
    return `Cannot answer a page of ${quoted(origin)}`;
  }
  // Following a link is what a person does; loading is what a page does.
  if (headers["sec-fetch-site"] === "cross-site" && headers["sec-fetch-mode"] !== "navigate") {
    return "Cannot answer a page of another site";
  }
  return undefined;
}

/** A name of loopback that no DNS is asked for, or its address, with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const [, name = ""] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host) ?? [];
  const plain = name.toLowerCase();
  return plain === "localhost" || plain === "[::1]" || (isIPv4(plain) && plain.startsWith("127."));
}
