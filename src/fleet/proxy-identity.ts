// Who a client says it is, by Istio's node id and metadata, and whether its certificate agrees.

import { parseSpiffeId } from "../core/spiffe-id.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import type { XdsClient } from "../xds/backend.ts";

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

export function identifyProxy({ nodeId, node, peer }: XdsClient): ProxyIdentification {
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
  // A certificate speaks for one namespace: with it, another's config can't be had.
  if (peer !== undefined) {
    const identity = parseSpiffeId(peer.spiffeId ?? "");
    if (identity?.namespace !== namespace) {
      return { kind: "denied", message: `The certificate's identity isn't of the namespace "${namespace}"` };
    }
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
  const proxy = { kind, name, namespace, labels, addresses, domain, locality } as const;
  return { kind: "known", proxy: capturesDns ? { ...proxy, capturesDns } : proxy, origin };
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
