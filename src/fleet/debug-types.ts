// The debug types that Istio's tools ask for over xDS: which proxies are connected and how far each is in step, what one
// of them was given, and the pages of the debug interface.

import { Buffer } from "node:buffer";
import type { GenericAnswer, GenericRequest, GenericResource } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import { type ResourceType, typeUrlOf } from "../xds/resource-type.ts";
import { buildResource } from "./built-resource.ts";
import type { FleetSession } from "./fleet-session.ts";
import type { SyncState } from "./session-ledger.ts";

export interface DebugAccess {
  /** Whose workloads may ask over TLS. */
  readonly namespaces: readonly string[];
  /** Who answers, as JSON of Istio's form; people see it beside each proxy. */
  readonly controlPlane: string;
  /** What other control planes gave a proxy that they serve, as sections of a dump; undefined where none does. */
  dumpElsewhere(proxyId: string): Promise<readonly DumpSection[] | undefined>;
  /** The text of a page of the debug interface, by path and query under `/debug/`. */
  page(path: string): Promise<string>;
}

/** One of Envoy's dump messages. */
export interface DumpSection {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export const noDebugAccess: Omit<DebugAccess, "page"> = {
  ...{ namespaces: [], controlPlane: "" },
  dumpElsewhere: async () => undefined,
};

/** What proxies are asked for, of whatever holds them. */
export interface DebuggedFleet {
  sessions(): Iterable<FleetSession>;
  resourcesOf(session: FleetSession, type: ResourceType): readonly Resource[];
}

const SYNC_STATUS = "istio.io/debug/syncz";
const CONFIG_DUMP = "istio.io/debug/config_dump";
const PAGE = "istio.io/debug";

/** In the order of Istio's own answer. */
const reportedTypes: readonly ResourceType[] = [
  "listener",
  "route",
  "endpoint",
  "cluster",
  "extension-config",
];

/** Istio's identifier of a control plane's instance. */
export function controlPlaneIdentifier(id: string, version: string): string {
  return JSON.stringify({ Component: "istiod", ID: id, Info: { version } });
}

/** Undefined for types that aren't known here, and for acknowledgements of an earlier answer. */
export async function debugAnswer(
  { typeUrl, names, responseNonce }: GenericRequest,
  fleet: DebuggedFleet,
  access: Omit<DebugAccess, "namespaces">,
): Promise<GenericAnswer | undefined> {
  if (responseNonce !== "") return undefined;
  const [name = ""] = names;
  const { controlPlane, page } = access;
  const who = controlPlane === "" ? {} : { controlPlane };
  switch (typeUrl) {
    case SYNC_STATUS:
      return { version: "", resources: await syncStatuses(fleet), ...who };
    case CONFIG_DUMP:
      return { version: "", resources: await configDump(name, fleet, access), ...who };
    case PAGE:
      return { version: "", resources: [textResource(name, await page(name))], ...who };
    default:
      return undefined;
  }
}

/** Who was sent nothing is no Envoy, but perhaps the one who asks. */
function hasAskedForConfig({ ledger }: FleetSession): boolean {
  return reportedTypes.some((type) => ledger.stateOf(type) !== "not-sent");
}

/** `POD.NAMESPACE`, as Istio's tools name a proxy. */
export function proxyIdOf({ proxy }: Pick<FleetSession, "proxy">): string {
  return `${proxy.name}.${proxy.namespace}`;
}

/** Where none has this very id, the first whose id begins with it: Istio's tools let people leave out the rest. */
export function findProxy(proxyId: string, fleet: Pick<DebuggedFleet, "sessions">): FleetSession | undefined {
  const proxies = connectedProxies(fleet);
  return (
    proxies.find((session) => proxyIdOf(session) === proxyId) ??
    proxies.find((session) => proxyId !== "" && proxyIdOf(session).startsWith(proxyId))
  );
}

/** By id, each once: of two that say they are the same, the one that is proven to be it. */
export function connectedProxies(fleet: Pick<DebuggedFleet, "sessions">): readonly FleetSession[] {
  const newest = new Map<string, FleetSession>();
  for (const session of fleet.sessions()) {
    if (!hasAskedForConfig(session)) continue;
    const id = proxyIdOf(session);
    if (session.proxy.pod !== undefined || newest.get(id)?.proxy.pod === undefined) newest.set(id, session);
  }
  return [...newest.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, session]) => session);
}

async function syncStatuses(fleet: DebuggedFleet): Promise<readonly GenericResource[]> {
  // It brings all of Envoy's admin messages along, which nothing else needs.
  const { ClientConfigSchema } = await import("../gen/envoy/service/status/v3/csds_pb.ts");
  return connectedProxies(fleet).map((session) => {
    const message = clientConfigOf(session);
    const typeUrl = `type.googleapis.com/${ClientConfigSchema.typeName}`;
    return { ...buildResource(ClientConfigSchema, message, { name: message.node.id }), typeUrl };
  });
}

// envoy.service.status.v3.ConfigStatus
const statuses: Readonly<Record<SyncState, number>> = { synced: 1, "not-sent": 2, stale: 3 };

function clientConfigOf(session: FleetSession) {
  const { proxy, origin, ledger } = session;
  return {
    node: {
      id: proxyIdOf(session),
      metadata: {
        CLUSTER_ID: origin.clusterId,
        ISTIO_VERSION: origin.meshVersion,
        NAMESPACE: proxy.namespace,
      },
    },
    genericXdsConfigs: reportedTypes.map((type) => ({
      typeUrl: typeUrlOf(type),
      configStatus: statuses[ledger.stateOf(type)],
    })),
  };
}

/** Undefined where the proxy isn't connected here. */
export async function dumpSections(
  proxyId: string,
  fleet: DebuggedFleet,
): Promise<readonly DumpSection[] | undefined> {
  const session = findProxy(proxyId, fleet);
  if (session === undefined) return undefined;
  const { buildConfigDump } = await import("./config-dump.ts");
  const sections = buildConfigDump((type) => fleet.resourcesOf(session, type), { hasEndpoints: false });
  return sections.map(({ typeUrl = "", value = new Uint8Array() }) => ({ typeUrl, value }));
}

async function configDump(
  proxyId: string,
  fleet: DebuggedFleet,
  { dumpElsewhere, page }: Pick<DebugAccess, "dumpElsewhere" | "page">,
): Promise<readonly GenericResource[]> {
  const sections = (await dumpSections(proxyId, fleet)) ?? (await dumpElsewhere(proxyId));
  // The page says in words that the proxy isn't here; who asks takes this for a sign to ask the next replica.
  if (sections === undefined) {
    return [textResource(proxyId, await page(`config_dump?proxyID=${encodeURIComponent(proxyId)}`))];
  }
  return sections.map(({ typeUrl, value }) => ({ name: typeUrl, typeUrl, body: [value] }));
}

function textResource(name: string, text: string): GenericResource {
  return { name, typeUrl: PAGE, body: [Buffer.from(text)] };
}
