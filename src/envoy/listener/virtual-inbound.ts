// The listener that takes all that comes to a workload. Filter chains are matched by port, then by whether the
// connection is mesh TLS, then by protocol: that is where PeerAuthentication's modes become true.

import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  inboundClusterName,
} from "../../core/cluster-name.ts";
import { wildcardsOf } from "../../core/ip-families.ts";
import { isHttp, isSniffed } from "../../core/protocol.ts";
import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { InboundListenerInputs, InboundPort, ListenerSettings } from "../../view/listener-inputs.ts";
import { bothAddresses } from "../address.ts";
import { MESH_HTTP_ALPN, MESH_TCP_ALPN } from "../application-protocol.ts";
import { durationMessage } from "../duration-message.ts";
import { provenanceMetadata } from "../provenance.ts";
import { buildInboundRouteConfiguration } from "../route/route-configuration.ts";
import { meshServerTls } from "./downstream-tls.ts";
import { type FilterChainInit, type FilterChainMatchInit, tcpFilterChain } from "./filter-chain.ts";
import { httpConnectionManagerFilter } from "./http-connection-manager.ts";
import { httpInspectorFilter, originalDestinationFilter, tlsInspectorFilter } from "./listener-filters.ts";
import type { ListenerInit } from "./outbound-listener.ts";

export const virtualInboundFields: readonly string[] = [
  "PeerAuthentication.spec.mtls.mode",
  "PeerAuthentication.spec.portLevelMtls.*",
  "MeshConfig.proxyInboundListenPort",
];

const HTTP_SERVER_ALPN = ["h2", "http/1.1"];
const PLAINTEXT_HTTP_ALPN = ["http/1.1", "h2c"];

export function buildVirtualInbound(inputs: InboundListenerInputs, port: number): ListenerInit {
  const { ports, families, settings } = inputs;
  return {
    name: "virtualInbound",
    ...bothAddresses(wildcardsOf(families), port),
    trafficDirection: TrafficDirection.INBOUND,
    filterChains: [
      blackHole(port, settings),
      ...ports.flatMap((each) => portChains(each, inputs)),
      ...otherPorts(inputs),
    ],
    listenerFilters: [
      originalDestinationFilter(),
      tlsInspectorFilter(),
      // Where the protocol is known, waiting for the client's first bytes would only harm: the server may speak first.
      httpInspectorFilter(ports.filter(({ protocol }) => !isSniffed(protocol)).map((each) => each.port)),
    ],
    listenerFiltersTimeout: durationMessage(settings.protocolDetectionTimeout),
    continueOnListenerFiltersTimeout: true,
  };
}

/** A connection to the capturing port itself would loop. */
function blackHole(port: number, settings: ListenerSettings): FilterChainInit {
  return {
    ...tcpFilterChain("virtualInbound-blackhole", [{ cluster: BLACK_HOLE_CLUSTER, weight: 1 }], settings),
    filterChainMatch: { destinationPort: port },
  };
}

/** How a chain is matched beside its port, what it speaks, and whether it is mTLS. */
interface ChainForm {
  readonly match: FilterChainMatchInit;
  readonly isMutualTls: boolean;
  readonly isHttp: boolean;
}

function portChains(port: InboundPort, { families, settings }: InboundListenerInputs): FilterChainInit[] {
  const name = `${wildcardsOf(families)[0]}_${port.port}`;
  return chainForms(port).map((form) => ({
    name,
    filterChainMatch: { destinationPort: port.port, ...form.match },
    filters: form.isHttp ? [httpFilter(port, form, { name, settings })] : tcpFilters(port, settings),
    ...(form.isMutualTls ? { transportSocket: meshServerTls(form.isHttp ? HTTP_SERVER_ALPN : []) } : {}),
    metadata: provenanceMetadata(port.source, {}),
  }));
}

function chainForms(port: InboundPort): readonly ChainForm[] {
  const mutual = isSniffed(port.protocol) ? sniffedMutualForms(port) : [mutualForm(port)];
  const plaintext = isSniffed(port.protocol) ? SNIFFED_PLAINTEXT_FORMS : [plaintextForm(port)];
  switch (port.mode) {
    case "STRICT":
      return mutual;
    case "PERMISSIVE":
      return [...mutual, ...plaintext, ...applicationTlsForms(port)];
    case "DISABLE":
      // No TLS of the mesh: an application's own TLS passes as bytes.
      return isSniffed(port.protocol)
        ? [{ ...SNIFFED_HTTP_FORM, match: { applicationProtocols: PLAINTEXT_HTTP_ALPN } }, ANY_TCP_FORM]
        : [{ match: {}, isMutualTls: false, isHttp: isHttp(port.protocol) }];
  }
}

function mutualForm({ protocol, mode }: InboundPort): ChainForm {
  const applicationProtocols = mode === "STRICT" ? [] : [...MESH_TCP_ALPN, ...MESH_HTTP_ALPN];
  return {
    match: { transportProtocol: "tls", applicationProtocols },
    isMutualTls: true,
    isHttp: isHttp(protocol),
  };
}

function sniffedMutualForms({ mode }: InboundPort): readonly ChainForm[] {
  return [
    {
      match: { transportProtocol: "tls", applicationProtocols: [...MESH_HTTP_ALPN] },
      isMutualTls: true,
      isHttp: true,
    },
    {
      match: { transportProtocol: "tls", applicationProtocols: mode === "STRICT" ? [] : [...MESH_TCP_ALPN] },
      isMutualTls: true,
      isHttp: false,
    },
  ];
}

function plaintextForm({ protocol }: InboundPort): ChainForm {
  return { match: { transportProtocol: "raw_buffer" }, isMutualTls: false, isHttp: isHttp(protocol) };
}

const SNIFFED_HTTP_FORM: ChainForm = {
  match: { transportProtocol: "raw_buffer", applicationProtocols: PLAINTEXT_HTTP_ALPN },
  isMutualTls: false,
  isHttp: true,
};
const ANY_TCP_FORM: ChainForm = { match: {}, isMutualTls: false, isHttp: false };
const SNIFFED_PLAINTEXT_FORMS: readonly ChainForm[] = [
  SNIFFED_HTTP_FORM,
  { match: { transportProtocol: "raw_buffer" }, isMutualTls: false, isHttp: false },
];

/** TLS that isn't the mesh's, to a port that isn't known to be HTTP: the application terminates it. */
function applicationTlsForms({ protocol }: InboundPort): readonly ChainForm[] {
  if (isHttp(protocol)) return [];
  return [{ match: { transportProtocol: "tls" }, isMutualTls: false, isHttp: false }];
}

function httpFilter(
  port: InboundPort,
  form: ChainForm,
  { name, settings }: { readonly name: string; readonly settings: ListenerSettings },
) {
  return httpConnectionManagerFilter({
    side: form.isMutualTls ? "inbound-mutual-tls" : "inbound-plaintext",
    statPrefix: `inbound_${name}`,
    routes: { kind: "inline", routeConfiguration: buildInboundRouteConfiguration(port.port, port.route) },
    hasGrpcWeb: port.protocol === "GRPC-Web",
    settings,
  });
}

function tcpFilters(port: InboundPort, settings: ListenerSettings) {
  return tcpFilterChain("", [{ cluster: inboundClusterName(port.port), weight: 1 }], settings).filters ?? [];
}

/** Ports that no service names: bytes pass to the application under the workload's own mode. */
function otherPorts({ otherPortsMode, settings }: InboundListenerInputs): FilterChainInit[] {
  const chain = tcpFilterChain(
    "virtualInbound",
    [{ cluster: INBOUND_PASSTHROUGH_CLUSTER, weight: 1 }],
    settings,
  );
  const mutual = (applicationProtocols: string[]): FilterChainInit => ({
    ...chain,
    filterChainMatch: { transportProtocol: "tls", applicationProtocols },
    transportSocket: meshServerTls([]),
  });
  switch (otherPortsMode) {
    case "STRICT":
      return [mutual([])];
    case "PERMISSIVE":
      return [
        mutual([...MESH_TCP_ALPN, ...MESH_HTTP_ALPN]),
        { ...chain, filterChainMatch: { transportProtocol: "raw_buffer" } },
        { ...chain, filterChainMatch: { transportProtocol: "tls" } },
      ];
    case "DISABLE":
      return [chain];
  }
}
