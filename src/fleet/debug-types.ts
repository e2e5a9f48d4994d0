// The debug type that Istio's tools ask for over xDS: which proxies are connected, and how far each is in step.

import type { GenericAnswer, GenericRequest } from "../xds/backend.ts";
import { type ResourceType, typeUrlOf } from "../xds/resource-type.ts";
import { buildResource } from "./built-resource.ts";
import type { FleetSession } from "./fleet.ts";
import type { SyncState } from "./session-ledger.ts";

export interface DebugAccess {
  /** Whose workloads may ask over TLS. */
  readonly namespaces: readonly string[];
  /** Who answers, as JSON of Istio's form; people see it beside each proxy. */
  readonly controlPlane: string;
}

export const noDebugAccess: DebugAccess = { namespaces: [], controlPlane: "" };

const SYNC_STATUS = "istio.io/debug/syncz";
const CLIENT_CONFIG = "type.googleapis.com/envoy.service.status.v3.ClientConfig";

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
  { typeUrl, responseNonce }: GenericRequest,
  sessions: Iterable<FleetSession>,
  controlPlane: string,
): Promise<GenericAnswer | undefined> {
  if (typeUrl !== SYNC_STATUS || responseNonce !== "") return undefined;
  // It brings all of Envoy's admin messages along, which nothing else needs.
  const { ClientConfigSchema } = await import("../gen/envoy/service/status/v3/csds_pb.ts");
  const resources = [...sessions].filter(hasAskedForConfig).map((session) => {
    const message = clientConfigOf(session);
    return buildResource(ClientConfigSchema, message, { name: message.node.id });
  });
  const who = controlPlane === "" ? {} : { controlPlane };
  return { version: "", bodyTypeUrl: CLIENT_CONFIG, resources, ...who };
}

/** Who was sent nothing is no Envoy, but perhaps the one who asks. */
export function hasAskedForConfig({ ledger }: FleetSession): boolean {
  return reportedTypes.some((type) => ledger.stateOf(type) !== "not-sent");
}

// envoy.service.status.v3.ConfigStatus
const statuses: Readonly<Record<SyncState, number>> = { synced: 1, "not-sent": 2, stale: 3 };

/** Named `POD.NAMESPACE`, as Istio's tools show it. */
function clientConfigOf({ proxy, ledger, envoyVersion }: FleetSession) {
  const id = `${proxy.name}.${proxy.namespace}`;
  const metadata = { CLUSTER_ID: "Kubernetes", ISTIO_VERSION: envoyVersion, NAMESPACE: proxy.namespace };
  return {
    node: { id, metadata },
    genericXdsConfigs: reportedTypes.map((type) => ({
      typeUrl: typeUrlOf(type),
      configStatus: statuses[ledger.stateOf(type)],
    })),
  };
}
