// What the builders of clusters and of their endpoints may see: their cache keys.

import type { IpFamilies } from "../core/ip-families.ts";
import type { Protocol } from "../core/protocol.ts";
import type { TlsCompliance } from "../core/tls-compliance.ts";
import type { ClientTlsSettings } from "../kinds/destination-rule/client-tls.ts";
import type {
  LocalityLoadBalancerSettingDistribute,
  LocalityLoadBalancerSettingFailover,
} from "../kinds/destination-rule/load-balancer.ts";
import type { TrafficPolicy } from "../kinds/destination-rule/traffic-policy.ts";
import type { MeshTlsConfig } from "../kinds/mesh-config/mesh-settings.ts";
import type { Provenance } from "./provenance.ts";

/** A traffic policy for one port: port-level settings have replaced what they override. */
export type PortPolicy = Omit<TrafficPolicy, "portLevelSettings">;

/** How connections to a cluster's endpoints are secured. */
export type UpstreamTls =
  | { readonly kind: "plaintext" }
  /** mTLS to endpoints that can speak it (their `tlsMode` label), plaintext to the others. */
  | { readonly kind: "automatic"; readonly serverName: string; readonly identities: readonly string[] }
  /** DestinationRule `ISTIO_MUTUAL`: mTLS with the workload's own certificate to every endpoint. */
  | {
      readonly kind: "mesh";
      readonly serverName: string;
      readonly identities: readonly string[];
      readonly subjectAltNames: readonly string[];
    }
  /** DestinationRule `SIMPLE` and `MUTUAL`. */
  | {
      readonly kind: "configured";
      readonly settings: ClientTlsSettings;
      readonly subjectAltNames: readonly string[];
      /** MeshConfig's for all TLS but that between workloads, where it says anything. */
      readonly defaults?: MeshTlsConfig;
    };

/** How Envoy learns a cluster's endpoints. */
export type Discovery =
  | { readonly kind: "eds" }
  /** The connection's own destination. */
  | { readonly kind: "original-destination" }
  | {
      readonly kind: "dns";
      /** Addresses may be names. */
      readonly endpoints: EndpointInputs;
      readonly isLogical: boolean;
      /** The client's. */
      readonly families: IpFamilies;
    };

export interface OutboundClusterInputs {
  readonly name: string;
  /** Of its statistics, where MeshConfig gives another than the name. */
  readonly statName?: string;
  readonly hostname: string;
  readonly port: number;
  readonly subset: string;
  readonly service: { readonly name: string; readonly namespace: string };
  readonly protocol: Protocol;
  readonly discovery: Discovery;
  readonly policy: PortPolicy;
  readonly tls: UpstreamTls;
  /** MeshConfig's, where the policy has none of its own. */
  readonly connectTimeout: string;
  readonly dnsRefreshRate: string;
  /** Cleartext HTTP/1.1 is upgraded to HTTP/2 between proxies: MeshConfig's or the policy's h2UpgradePolicy. */
  readonly isHttp2Upgraded: boolean;
  /** Overrules all other limits of TLS. */
  readonly tlsCompliance?: TlsCompliance;
  /** Localities have weights of their own. */
  readonly isLocalityWeighted: boolean;
  readonly provenance: Provenance;
}

export interface InboundClusterInputs {
  readonly port: number;
  /** Of its statistics, where MeshConfig gives another than the name. */
  readonly statName?: string;
  readonly protocol: Protocol;
  readonly services: readonly {
    readonly hostname: string;
    readonly name: string;
    readonly namespace: string;
  }[];
  readonly families: IpFamilies;
  readonly connectTimeout: string;
  readonly provenance: Provenance;
}

export interface EndpointInputs {
  readonly clusterName: string;
  readonly endpoints: readonly ClusterEndpoint[];
  /** Who gets which of them, and which before others; absent: all clients are given them alike. */
  readonly placement?: EndpointPlacement;
  /** Weights of localities, where a rule distributes requests among them; else each counts its endpoints' weights. */
  readonly localityWeights?: Readonly<Record<string, number>>;
  readonly provenance: Provenance;
}

/** How a client's place decides. */
export interface EndpointPlacement {
  /** Endpoints of other nodes are left out. */
  readonly isNodeLocal: boolean;
  /** The client's node decides, in whatever way. */
  readonly looksAtNode: boolean;
  readonly distribute?: readonly LocalityLoadBalancerSettingDistribute[];
  /** Absent: no endpoint comes before another. */
  readonly failover?: {
    readonly regions: readonly LocalityLoadBalancerSettingFailover[];
    /** Labels that an endpoint should share with the client, the most important first; empty: its locality. */
    readonly labels: readonly PriorityLabel[];
  };
}

export interface PriorityLabel {
  readonly key: string;
  /** What it should be; absent: as the client's. */
  readonly value?: string;
}

export interface ClusterEndpoint {
  readonly address: string;
  /** Of the other IP family: Envoy takes whichever connects, this one second. */
  readonly additionalAddress?: string;
  readonly port: number;
  readonly weight: number;
  /** `region/zone/subzone`; empty where unknown. */
  readonly locality: string;
  /** Where the placement looks at nodes. */
  readonly nodeName?: string;
  /** Of the placement's labels, in their order. */
  readonly labelValues?: readonly string[];
  /** 0 is tried first, and absent means 0. */
  readonly priority?: number;
  /** The endpoint's sidecar takes mTLS on this port. */
  readonly isMutualTls: boolean;
  readonly isHealthy: boolean;
  /** Being drained: kept for sessions that stick to it, offered to no new request. */
  readonly isDraining: boolean;
  /** As metrics call the workload; empty where nobody knows it. */
  readonly description: string;
}
