// A request or connection as a tap shows it, and what a tap asks for: between the agent, which alone sees the proxy's
// lines, and the command.

import { quoted } from "./quoted.ts";
import type { TapHeader } from "./tap-record.ts";
import { tapHeaders } from "./tap-record.ts";

export interface TapEnd {
  /** Absent where the mesh knows nobody. */
  readonly workload?: string;
  readonly namespace?: string;
  /** SPIFFE id, under mutual TLS. */
  readonly principal?: string;
  readonly address?: string;
}

export interface TapEvent {
  readonly kind: "http" | "tcp";
  /** Of the tapped proxy: `in` is what it was called, `out` what it called. */
  readonly direction: "in" | "out";
  /** When it began, in ISO 8601. */
  readonly at: string;
  readonly durationMs: number;
  readonly caller: TapEnd;
  readonly called: TapEnd;
  readonly isMutualTls: boolean;
  /** Host of the service that was called. */
  readonly service?: string;
  /** Of HTTP; a path ends in `?…` where it has a query that isn't shown. */
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly protocol?: string;
  /** 0 where no answer came. */
  readonly status?: number;
  readonly grpcStatus?: number;
  /** Those that were asked for and were sent. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a connection: `open` when it is connected and every five seconds, `closed` at its end. */
  readonly state?: "open" | "closed";
  readonly connection?: string;
  /** In TLS that the proxy passes on. */
  readonly serverName?: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Envoy's response flags, such as `UO`. */
  readonly flags: readonly string[];
  /** Envoy's words for what became of it. */
  readonly details?: string;
  /** Why the connection to the called failed, in Envoy's words. */
  readonly failure?: string;
  readonly route?: TapDecision;
  readonly cluster?: TapDecision;
}

/** A piece of config, and the objects that made it. */
export interface TapDecision {
  readonly name: string;
  /** `VirtualService/shop/reviews spec.http[0]`, the most specific first. */
  readonly from: readonly string[];
}

/** What a tap's stream has instead of events that its reader was too slow for. */
export interface TapLoss {
  readonly dropped: number;
}

/** Empty text and lists: whatever. All that is given must hold. */
export interface TapQuery {
  /** A workload, service account or namespace: `web`, `shop/web`, `shop/`. */
  readonly from: string;
  /** The same, or a service's host or its first label. */
  readonly to: string;
  /** The path begins so. */
  readonly path: string;
  readonly method: string;
  /** `503`, `5xx` */
  readonly status: string;
  /** Whose values are shown. */
  readonly headers: readonly TapHeader[];
  /** The query of a path may hold secrets: it is shown to who says that he wants it. */
  readonly isQueryShown: boolean;
}

/** As the query of an address. */
export function tapSearch({ headers, isQueryShown, ...texts }: TapQuery): Readonly<Record<string, string>> {
  const shown = { header: headers.join(), query: isQueryShown ? "show" : "" };
  return Object.fromEntries(Object.entries({ ...texts, ...shown }).filter(([, value]) => value !== ""));
}

const MAX_TEXT_LENGTH = 256;
const STATUS = /^(?:[1-5]xx|[1-5]\d\d|0)$/;

/** Text is what is wrong. */
export function parseTapSearch(search: URLSearchParams): TapQuery | string {
  const text = (name: string) => search.get(name) ?? "";
  const texts = {
    from: text("from"),
    to: text("to"),
    path: text("path"),
    method: text("method"),
    status: text("status"),
  };
  const headers = text("header")
    .toLowerCase()
    .split(",")
    .filter((header) => header !== "");
  if (Object.values(texts).some((value) => value.length > MAX_TEXT_LENGTH))
    return `a text has more than ${MAX_TEXT_LENGTH} characters`;
  if (texts.status !== "" && !STATUS.test(texts.status))
    return `status ${quoted(texts.status)} isn't one such as 503, 5xx, or 0 for no answer`;
  const unknown = headers.find((header) => !tapHeaders.some((known) => known === header));
  if (unknown !== undefined) return `header ${quoted(unknown)} can't be shown: ${tapHeaders.join(", ")} can`;
  return {
    ...texts,
    headers: headers as readonly TapHeader[],
    isQueryShown: search.get("query") === "show",
  };
}

/** Whether the query asks for it; headers play no part. */
export function isAskedFor(event: TapEvent, { from, to, path, method, status }: TapQuery): boolean {
  if (from !== "" && !isEnd(event.caller, from)) return false;
  if (to !== "" && !isEnd(event.called, to) && !isService(event.service, to)) return false;
  if (path !== "" && event.path?.startsWith(path) !== true) return false;
  if (method !== "" && event.method !== method.toUpperCase()) return false;
  return status === "" || isStatus(event.status, status);
}

function isEnd({ workload, namespace, principal }: TapEnd, wanted: string): boolean {
  const account = /\/sa\/([^/]+)$/.exec(principal ?? "")?.[1];
  const [first = "", ...rest] = wanted.split("/");
  if (rest.length === 0) return [workload, account].includes(first);
  const name = rest.join("/");
  return namespace === first && (name === "" || [workload, account].includes(name));
}

function isService(host: string | undefined, wanted: string): boolean {
  if (host === undefined) return false;
  const [name, namespace] = host.split(".");
  return [host, name, `${name}.${namespace}`, `${namespace}/${name}`].includes(wanted);
}

function isStatus(status: number | undefined, wanted: string): boolean {
  if (status === undefined) return false;
  return wanted.endsWith("xx") ? Math.floor(status / 100) === Number(wanted[0]) : status === Number(wanted);
}
