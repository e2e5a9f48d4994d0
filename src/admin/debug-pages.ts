// The pages under `/debug/`, with the names and in the JSON of Istio's control plane, for its tools and their users.
// They answer with what they are given, and show neither private keys nor Secrets.

import { OWN_CLUSTER } from "../core/workload-description.ts";
import type { FleetSession } from "../fleet/fleet-session.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { debugIndex } from "./debug-index.ts";
import { endpointShards, type RegistryFacts, registeredServices } from "./registry-report.ts";
import { syncStatuses } from "./sync-status.ts";

export interface DebugFacts extends RegistryFacts {
  /** Connected proxies by id, each once. */
  proxies(): readonly FleetSession[];
  /** By `POD.NAMESPACE`, or how it begins. */
  findProxy(proxyId: string): FleetSession | undefined;
  /** What it was given, as Envoy's own config dump. */
  configDump(proxy: FleetSession, options: { readonly hasEndpoints: boolean }): Promise<unknown>;
  loadAssignments(proxy: FleetSession): Promise<unknown>;
  /** The names that it has of each type, by type URL. */
  watchesOf(proxy: FleetSession): Readonly<Record<string, readonly string[]>>;
  /** Those of Istio's kinds. */
  objects(): Iterable<KubernetesObject>;
  /** With every default filled in. */
  meshConfig(): unknown;
}

export interface DebugPage {
  readonly status: 200 | 400 | 404;
  readonly contentType: "application/json" | "text/html; charset=utf-8" | "text/plain; charset=utf-8";
  readonly text: string;
}

export type PageKind =
  | { readonly of: "mesh"; readonly summary: string; readonly answer: (facts: DebugFacts) => unknown }
  | { readonly of: "proxy"; readonly summary: string; readonly answer: AnswerOfProxy };

type AnswerOfProxy = (facts: DebugFacts, proxy: FleetSession, query: URLSearchParams) => unknown;

const pages: Readonly<Record<string, PageKind>> = {
  adsz: {
    of: "mesh",
    summary: "Connected proxies, and what each asked for",
    answer: (facts) => connections(facts, (proxy) => ({ watches: facts.watchesOf(proxy) })),
  },
  // One, whose objects are read.
  clusterz: {
    of: "mesh",
    summary: "Clusters whose objects are read",
    answer: () => [{ id: OWN_CLUSTER, syncStatus: "synced" }],
  },
  config_dump: {
    of: "proxy",
    summary: "What a proxy was given, as Envoy's config dump; with endpoints if `include_eds` is asked for",
    answer: (facts, proxy, query) => facts.configDump(proxy, { hasEndpoints: query.has("include_eds") }),
  },
  configz: {
    of: "mesh",
    summary: "Objects of Istio's kinds in force",
    answer: (facts) => [...facts.objects()],
  },
  connections: {
    of: "mesh",
    summary: "Connected proxies",
    answer: (facts) => connections(facts, () => ({})),
  },
  edsz: {
    of: "proxy",
    summary: "Endpoints that a proxy was given",
    answer: (facts, proxy) => facts.loadAssignments(proxy),
  },
  endpointShardz: { of: "mesh", summary: "Endpoints of every service", answer: endpointShards },
  endpointz: { of: "mesh", summary: "The same, by its former name", answer: endpointShards },
  list: { of: "mesh", summary: "Names of these pages", answer: () => Object.keys(pages) },
  mesh: {
    of: "mesh",
    summary: "MeshConfig with every default filled in",
    answer: (facts) => facts.meshConfig(),
  },
  registryz: { of: "mesh", summary: "Every service", answer: registeredServices },
  syncz: {
    of: "mesh",
    summary: "How far each proxy is in step",
    answer: (facts) => syncStatuses(facts.proxies()),
  },
};

// By these words Istio's tools know what to do next: show the list of pages, ask for an id, ask another replica.
const NO_SUCH_PAGE = "404 page not found";
const NO_PROXY_NAMED = "You must provide a proxyID in the query string";
const NOT_CONNECTED = "Proxy not connected to this Pilot instance. It may be connected to another instance.";

/** `path` is what follows `/debug/`, such as `config_dump?proxyID=web-1.shop`; empty for the index. */
export async function debugPage(path: string, facts: DebugFacts): Promise<DebugPage> {
  const { pathname, searchParams } = new URL(path, "http://debug/");
  const name = pathname.slice(1);
  if (name === "") return { status: 200, contentType: "text/html; charset=utf-8", text: debugIndex(pages) };
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  if (page === undefined) return failure(404, NO_SUCH_PAGE);
  if (page.of === "mesh") return json(await page.answer(facts));
  const proxyId = searchParams.get("proxyID") ?? "";
  if (proxyId === "") return failure(400, NO_PROXY_NAMED);
  const proxy = facts.findProxy(proxyId);
  return proxy === undefined
    ? failure(404, NOT_CONNECTED)
    : json(await page.answer(facts, proxy, searchParams));
}

function json(value: unknown): DebugPage {
  return { status: 200, contentType: "application/json", text: JSON.stringify(value, undefined, 2) };
}

function failure(status: 400 | 404, text: string): DebugPage {
  return { status, contentType: "text/plain; charset=utf-8", text };
}

function connections(facts: DebugFacts, more: (proxy: FleetSession) => object) {
  const clients = facts.proxies().map((session) => ({
    connectionId: session.nodeId,
    connectedAt: new Date(session.connectedAtMs).toISOString(),
    address: session.proxy.addresses[0] ?? "",
    labels: session.proxy.labels,
    ...more(session),
  }));
  return { totalClients: clients.length, clients };
}
