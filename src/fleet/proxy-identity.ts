// Who a client says it is, by Istio's node id and metadata, and whether what it proved agrees.

import type { StreamIdentity } from "../core/stream-identity.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import type { XdsClient, XdsOpening, XdsStreamHandle } from "../xds/backend.ts";

/** A client together with what its credentials prove. */
export interface IdentifiedClient extends XdsClient {
  readonly identity: StreamIdentity;
}

export interface IdentifiedBackend {
  /** As XdsBackend's, of a client whose identity is known. */
  open(client: IdentifiedClient, stream: XdsStreamHandle): XdsOpening | Promise<XdsOpening>;
}

/** What a proxy says of itself for people alone: nothing that it is served depends on it. */
export interface ProxyOrigin {
  /** The mesh's name of its cluster. */
  readonly clusterId: string;
  /** Of the mesh's release whose agent runs it, not of its Envoy. */
  readonly meshVersion: string;
}

export type ProxyIdentification =
  | { readonly kind: "known"; readonly proxy: ConnectedProxy; readonly origin: ProxyOrigin }
  | { readonly kind: "invalid"; readonly message: string }
  | { readonly kind: "denied"; readonly message: string };

// sidecar~10.0.0.7~reviews-v1-abc.shop~shop.svc.cluster.local
const NODE_ID_PARTS = 4;
const DEFAULT_CLUSTER_ID = "Kubernetes";

export function identifyProxy({ nodeId, node, identity }: IdentifiedClient): ProxyIdentification {
  const parts = nodeId.split("~");
  const [kind, address = "", workload = "", domain = ""] = parts;
  if (parts.length !== NODE_ID_PARTS || (kind !== "sidecar" && kind !== "router")) {
    return {
      kind: "invalid",
      message: `Cannot serve the node "${nodeId}": its id must be "sidecar~IP~NAME.NAMESPACE~DOMAIN" or "router~…"`,
    };
  }
  const dot = workload.lastIndexOf(".");
  const namespace =
    textOf(node.metadata.NAMESPACE) ?? (dot < 0 ? domain.split(".")[0] : workload.slice(dot + 1)) ?? "";
  const name = textOf(node.metadata.NAME) ?? (dot < 0 ? workload : workload.slice(0, dot));
  // Credentials speak for one namespace: with them, another's config can't be had.
  if (identity.proof !== "none" && identity.namespace !== namespace) {
    const message = `The ${identity.proof} is of the namespace "${identity.namespace}", not of "${namespace}"`;
    return { kind: "denied", message };
  }
  const { region, zone, subZone } = node.locality;
  const locality = `${region}/${zone}/${subZone}`.replace(/\/+$/, "");
  const labels = labelsOf(node.metadata.LABELS);
  const addresses = [...new Set([address, ...wordsOf(node.metadata.INSTANCE_IPS)])];
  const origin = {
    clusterId: textOf(node.metadata.CLUSTER_ID) ?? DEFAULT_CLUSTER_ID,
    meshVersion: textOf(node.metadata.ISTIO_VERSION) ?? "",
  };
  const capturesDns = textOf(node.metadata.DNS_CAPTURE) === "true";
  const proxy = { kind, name, namespace, labels, addresses, domain, locality, ...podOf(identity) } as const;
  return { kind: "known", proxy: capturesDns ? { ...proxy, capturesDns } : proxy, origin };
}

function podOf(identity: StreamIdentity): Pick<ConnectedProxy, "pod"> {
  if (identity.proof === "none" || identity.pod === undefined) return {};
  const { namespace, serviceAccount, pod } = identity;
  return { pod: { key: `${namespace}/${pod.name}`, uid: pod.uid, serviceAccount } };
}

/** Istio's metadata holds lists as text, parted by commas. */
function wordsOf(value: unknown): readonly string[] {
  return textOf(value)?.split(",") ?? [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
