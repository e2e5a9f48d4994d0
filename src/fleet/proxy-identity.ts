// What a client says of itself, by Istio's node id and metadata. Whether it is so is for src/view/recognition.ts to say.

import { quoted } from "../core/quoted.ts";
import type { StreamIdentity } from "../core/stream-identity.ts";
import { OWN_CLUSTER } from "../core/workload-description.ts";
import type { ProxyClaim } from "../view/recognition.ts";
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

export type ReadClaim =
  | { readonly kind: "claim"; readonly claim: ProxyClaim; readonly origin: ProxyOrigin }
  | { readonly kind: "invalid" | "contradictory"; readonly message: string };

// sidecar~10.0.0.7~reviews-v1-abc.shop~shop.svc.cluster.local
const NODE_ID_PARTS = 4;
const MAX_NODE_ID_LENGTH = 1_024;

export function readClaim({ nodeId, node }: Pick<XdsClient, "nodeId" | "node">): ReadClaim {
  const parts = nodeId.split("~");
  const [kind, address = "", workload = "", domain = ""] = parts;
  const isLong = nodeId.length > MAX_NODE_ID_LENGTH;
  if (isLong || parts.length !== NODE_ID_PARTS || (kind !== "sidecar" && kind !== "router")) {
    return {
      kind: "invalid",
      message: `Cannot serve the node ${quoted(nodeId)}: its id must be "sidecar~IP~NAME.NAMESPACE~DOMAIN" or "router~…"`,
    };
  }
  const dot = workload.lastIndexOf(".");
  const namespace = (dot < 0 ? domain.split(".")[0] : workload.slice(dot + 1)) ?? "";
  const name = dot < 0 ? workload : workload.slice(0, dot);
  const { NAME = name, NAMESPACE = namespace } = node.metadata;
  if (NAME !== name || NAMESPACE !== namespace) {
    return {
      kind: "contradictory",
      message: `Cannot serve the node ${quoted(nodeId)}: its metadata says that it is ${quoted(`${NAME}.${NAMESPACE}`)}`,
    };
  }
  const { region, zone, subZone } = node.locality;
  const locality = `${region}/${zone}/${subZone}`.replace(/\/+$/, "");
  const labels = labelsOf(node.metadata.LABELS);
  const addresses = [...new Set([address, ...wordsOf(node.metadata.INSTANCE_IPS)])];
  const origin = {
    clusterId: textOf(node.metadata.CLUSTER_ID) ?? OWN_CLUSTER,
    meshVersion: textOf(node.metadata.ISTIO_VERSION) ?? "",
  };
  const capturesDns = textOf(node.metadata.DNS_CAPTURE) === "true";
  // As Istio's agents on virtual machines say it: ISTIO_META_AUTO_REGISTER_GROUP.
  const workloadGroup = textOf(node.metadata.AUTO_REGISTER_GROUP);
  const claim = { kind, name, namespace, labels, address, addresses, domain, locality } as const;
  const own = { ...(capturesDns && { capturesDns }), ...(workloadGroup !== undefined && { workloadGroup }) };
  return { kind: "claim", claim: { ...claim, ...own }, origin };
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
