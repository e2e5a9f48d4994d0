// What a bootstrap is made from.

import type { IpFamilies } from "../../core/ip-families.ts";
import type { ProxyPorts } from "../../core/proxy-ports.ts";
import type { ProxyNode } from "./proxy-node.ts";
import type { HistogramBuckets, StatsSelection } from "./stats-config.ts";

export interface BootstrapOptions {
  readonly node: ProxyNode;
  readonly controlPlane: ControlPlaneAddress;
  readonly sockets: ProxySockets;
  readonly ports?: Partial<ProxyPorts>;
  /** The pod's. Default `ipv4`. */
  readonly families?: IpFamilies;
  readonly stats?: StatsSelection;
  readonly histogramBuckets?: HistogramBuckets;
  /** What Envoy counts of a cluster's traffic takes memory from the first request to it on. Default true. */
  readonly hasDeferredStats?: boolean;
  /** ProxyConfig.runtimeValues: they win over the defaults. */
  readonly runtimeValues?: Readonly<Record<string, string>>;
  /** SO_MARK on all that Envoy sends, where capture can't tell the proxy by its user id. */
  readonly socketMark?: number;
}

export type ControlPlaneAddress = (
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
) & {
  /** The DNS name that the control plane's certificate must carry. Without it the stream is plaintext. */
  readonly tlsServerName?: string;
};

/** Paths of unix sockets, each at most 107 bytes. */
export interface ProxySockets {
  /** The agent's SDS server. */
  readonly sds: string;
  /** The agent's status server. */
  readonly agent: string;
  /** Envoy's admin interface. */
  readonly admin: string;
  /** Takes CONNECT for any port of the pod and dials it from 127.0.0.6 or ::6, past inbound capture. */
  readonly app: string;
}
