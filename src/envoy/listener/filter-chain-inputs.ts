// What a filter chain is built from, whatever its listener; features of network and HTTP filters see this and no more.

import type { AccessLogSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type {
  FilterChainMatchSchema,
  FilterChainSchema,
} from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { ListenerSettings, TcpDestination } from "../../view/listener-inputs.ts";
import type { Provenance } from "../../view/provenance.ts";
import type { Plain } from "../encode.ts";

export type FilterChainInit = Plain<typeof FilterChainSchema>;
export type AccessLogInit = Plain<typeof AccessLogSchema>;
export type FilterChainMatchInit = Plain<typeof FilterChainMatchSchema>;

/** Which side of which proxy speaks: it decides what is believed of a client, and whether policies are enforced. */
export type ProxySide = "outbound" | "inbound-mutual-tls" | "inbound-plaintext" | "gateway";

export interface HttpForward {
  readonly kind: "http";
  readonly side: ProxySide;
  readonly statPrefix: string;
  /** Of the route configuration, which comes by RDS. */
  readonly routeName: string;
  readonly hasGrpcWeb: boolean;
}

export interface TcpForward {
  readonly kind: "tcp";
  readonly side: ProxySide;
  /** At least one; by weight where there are several. */
  readonly destinations: readonly TcpDestination[];
}

export interface FilterChainInputs {
  readonly name?: string;
  /** Absent: whatever no other chain takes. */
  readonly match?: FilterChainMatchInit;
  readonly forward: HttpForward | TcpForward;
  readonly transportSocket?: FilterChainInit["transportSocket"];
  /**
   * What decided what the chain does. A change of it closes the chain's connections as any other change does, so what
   * made no difference isn't in it.
   */
  readonly provenance?: Provenance;
  /** Of inbound chains: another one closes the chain's connections, though nothing else of it differs. */
  readonly generation?: string;
  readonly settings: ListenerSettings;
}
