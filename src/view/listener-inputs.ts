// What the builders of listeners may see: their cache keys.

import type { IpFamilies } from "../core/ip-families.ts";
import type { Protocol } from "../core/protocol.ts";
import type { TlsCompliance } from "../core/tls-compliance.ts";
import type { ServerTlsSettings } from "../kinds/gateway/server.ts";
import type { MeshTlsConfig } from "../kinds/mesh-config/mesh-settings.ts";
import type { ForwardClientCertDetails } from "../kinds/mesh-config/proxy-headers.ts";
import type { AccessLog } from "../model/log-providers.ts";
import type { MutualTlsMode } from "../model/mutual-tls-modes.ts";
import type { SideTracing } from "../model/tracing.ts";
import type { Provenance } from "./provenance.ts";

/** What all filter chains of a listener depend on, nearly all of it MeshConfig's. */
export interface ListenerSettings {
  /** Absent or empty: no access log. */
  readonly accessLogs?: readonly AccessLog[];
  /** Of requests. */
  readonly tracing?: SideTracing;
  /** Connections that no filter chain takes aren't logged. */
  readonly ignoresRefusedConnections?: true;
  readonly pathNormalization: "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";
  /** How long a sniffing listener waits for a client's first bytes; `0s` waits for ever. */
  readonly protocolDetectionTimeout: string;
  /** Of mutual TLS between workloads, where MeshConfig says anything of it. */
  readonly meshTls?: MeshTlsConfig;
  /** Of all other TLS, for servers that don't say it themselves. */
  readonly tlsDefaults?: MeshTlsConfig;
  /** Overrules all other limits of TLS. */
  readonly tlsCompliance?: TlsCompliance;
  /** The workload's policies have several providers asked about connections that aren't HTTP. */
  readonly asksSeveralProviders?: true;
  /** Of gateways: what is before them, where anything is said of it. */
  readonly topology?: GatewayTopology;
}

export interface GatewayTopology {
  /** Proxies before this one whose word on a client's address is believed. */
  readonly trustedProxyCount: number;
  readonly clientCertificates: ClientCertificateForwarding;
  /** Connections begin with a header of the PROXY protocol. */
  readonly speaksProxyProtocol: boolean;
}

export type ClientCertificateForwarding = Exclude<ForwardClientCertDetails, "UNDEFINED">;

export interface TcpDestination {
  readonly cluster: string;
  readonly weight: number;
}

/** A filter chain that forwards bytes. */
export interface TcpChain {
  /** TLS server names that it takes; empty: any, TLS or not. */
  readonly serverNames: readonly string[];
  /** Destination CIDRs that it takes; empty: any. */
  readonly destinationSubnets: readonly string[];
  /** The route configuration of HTTP to these CIDRs; absent: HTTP is bytes as any. */
  readonly httpRouteName?: string;
  readonly destinations: readonly TcpDestination[];
  readonly provenance: Provenance;
}

/** Of plaintext HTTP on a port. */
export interface OutboundHttp {
  readonly routeName: string;
  readonly hasGrpcWeb: boolean;
}

/** Of the listener that takes all that a workload sends. */
export interface VirtualOutboundInputs {
  readonly name: string;
  /** 15001 unless MeshConfig says otherwise. */
  readonly port: number;
  /** PassthroughCluster, or BlackHoleCluster under REGISTRY_ONLY. */
  readonly otherwise: string;
  readonly families: IpFamilies;
  readonly settings: ListenerSettings;
  readonly provenance: Provenance;
}

export interface OutboundListenerInputs {
  /** `0.0.0.0_9080` or `10.96.0.12_6379`. */
  readonly name: string;
  readonly address: string;
  /** Of the other IP family, for clients that have both. */
  readonly additionalAddress?: string;
  readonly port: number;
  /** The route configuration of HTTP on this port; absent where there is none. */
  readonly http?: OutboundHttp;
  /** What isn't HTTP, most specific match first; the last one without a match takes the rest. */
  readonly tcp: readonly TcpChain[];
  readonly settings: ListenerSettings;
  /** Of what isn't a chain's. */
  readonly provenance: Provenance;
}

/** A port of the application that a service names. */
export interface InboundPort {
  readonly port: number;
  readonly protocol: Protocol;
  readonly mode: MutualTlsMode;
  /** Another one closes the port's connections; absent: no policy ever asks for that. */
  readonly generation?: string;
}

/**
 * Holds nothing of the services and policies that it follows from: a connection through a port is closed when a byte
 * of its filter chains changes, so one more Service over the port must not change any.
 */
export interface InboundListenerInputs {
  /** By number. */
  readonly ports: readonly InboundPort[];
  /** For ports of the application that no service names. */
  readonly otherPortsMode: MutualTlsMode;
  readonly otherPortsGeneration?: string;
  /** Those of them that a policy gives another mode, by number. */
  readonly otherPorts: readonly Omit<InboundPort, "protocol">[];
  readonly families: IpFamilies;
  readonly settings: ListenerSettings;
}

/** A filter chain of a gateway's listener. */
export interface GatewayChain {
  /** TLS server names; empty where the port isn't TLS, or takes any. */
  readonly serverNames: readonly string[];
  readonly tls?: {
    readonly settings: ServerTlsSettings;
    /** Names of the secrets with certificates, as the control plane serves them. */
    readonly secrets: readonly string[];
    /** The secret with the CA for client certificates. */
    readonly caSecret?: string;
  };
  readonly forward:
    | { readonly kind: "http"; readonly routeName: string }
    | {
        readonly kind: "tcp";
        readonly destinations: readonly TcpDestination[];
        readonly isPassthroughTls: boolean;
      };
  readonly provenance: Provenance;
}

export interface GatewayListenerInputs {
  readonly name: string;
  readonly address: string;
  /** Of the other IP family, for gateways that have both. */
  readonly additionalAddress?: string;
  readonly port: number;
  readonly chains: readonly GatewayChain[];
  readonly settings: ListenerSettings;
  /** Of what isn't a chain's. */
  readonly provenance: Provenance;
}
