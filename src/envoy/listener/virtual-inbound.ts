// The listener that takes all that comes to a workload. Filter chains are matched by port, then by whether the
// connection is mesh TLS, then by protocol: that is where PeerAuthentication's modes become true.

import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  inboundClusterName,
} from "../../core/cluster-name.ts";
import { wildcardsOf } from "../../core/ip-families.ts";
import { isHttp, isSniffed, type Protocol } from "../../core/protocol.ts";
import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import { peerAuthenticationKind } from "../../kinds/peer-authentication.ts";
import type { InboundListenerInputs, InboundPort, ListenerSettings } from "../../view/listener-inputs.ts";
import { MESH_HTTP_ALPN, MESH_TCP_ALPN } from "../application-protocol.ts";
import { buildRefusedConnectionLogs } from "./access-log.ts";
import { meshServerTls } from "./downstream-tls.ts";
import { buildFilterChain, forwardTo } from "./filter-chain.ts";
import type { FilterChainInit, FilterChainMatchInit, HttpForward, ProxySide } from "./filter-chain-inputs.ts";
import { buildListener, type ListenerInit } from "./listener.ts";
import type { InspectedPorts } from "./listener-filters.ts";

export const virtualInboundFields: readonly ClaimedField[] = [
  ...claims(peerAuthenticationKind, ["spec.mtls.mode", "spec.portLevelMtls.*.mode"]),
  ...claims(meshConfigKind, ["spec.proxyInboundListenPort"]),
];

const HTTP_SERVER_ALPN = ["h2", "http/1.1"];
const PLAINTEXT_HTTP_ALPN = ["http/1.1", "h2c"];

export function buildVirtualInbound(inputs: InboundListenerInputs, port: number): ListenerInit {
  const { ports, families, settings } = inputs;
  return buildListener({
    name: "virtualInbound",
    addresses: wildcardsOf(families),
    port,
    direction: TrafficDirection.INBOUND,
    inspection: {
      originalDestination: true,
      tls: portsWithTls(inputs),
      // Where the protocol is known, waiting for the client's first bytes would only harm: the server may speak first.
      http: { except: ports.filter(({ protocol }) => !isSniffed(protocol)).map((each) => each.port) },
    },
    inspectionTimeout: settings.protocolDetectionTimeout,
    refusedConnectionLogs: buildRefusedConnectionLogs(settings),
    chains: [
      blackHole(port, settings),
      ...ports.flatMap((each) => portChains(declaredPort(each, inputs), settings)),
      ...inputs.otherPorts.flatMap((each) => portChains({ ...UNDECLARED, ...each }, settings)),
      ...portChains(anyOtherPort(inputs), settings),
    ],
  });
}

/** A connection to the capturing port itself would loop. */
function blackHole(port: number, settings: ListenerSettings): FilterChainInit {
  return buildFilterChain({
    name: "virtualInbound-blackhole",
    match: { destinationPort: port },
    forward: forwardTo(BLACK_HOLE_CLUSTER, "inbound-plaintext"),
    settings,
  });
}

/** Where no TLS of the mesh is taken, the application's own passes as the bytes that it is. */
function portsWithTls({ ports, otherPorts, otherPortsMode }: InboundListenerInputs): InspectedPorts {
  const known = [...ports, ...otherPorts].sort((a, b) => a.port - b.port);
  const isDisabled = ({ mode }: Pick<InboundPort, "mode">) => mode === "DISABLE";
  const numbers = (found: typeof known) => found.map(({ port }) => port);
  return otherPortsMode === "DISABLE"
    ? { only: numbers(known.filter((each) => !isDisabled(each))) }
    : { except: numbers(known.filter(isDisabled)) };
}

/** What the chains of a port, or of all ports that have none of their own, have in common. */
interface PortChains extends Pick<InboundPort, "mode" | "generation"> {
  /** Absent: every port without chains of its own. */
  readonly port?: number;
  readonly protocol: Protocol;
  readonly cluster: string;
  readonly httpName: string;
  readonly tcpName: string;
  readonly statPrefix: string;
}

function declaredPort(port: InboundPort, { families }: InboundListenerInputs): PortChains {
  const name = `${wildcardsOf(families)[0]}_${port.port}`;
  return {
    ...port,
    cluster: inboundClusterName(port.port),
    httpName: name,
    tcpName: name,
    statPrefix: `inbound_${name}`,
  };
}

function anyOtherPort({ otherPortsMode: mode, otherPortsGeneration: generation }: InboundListenerInputs) {
  return { ...UNDECLARED, mode, ...(generation === undefined ? {} : { generation }) };
}

/** Ports that no service names: their protocol is found by the first bytes. */
const UNDECLARED: Omit<PortChains, "mode"> = {
  protocol: "UnsupportedProtocol",
  cluster: INBOUND_PASSTHROUGH_CLUSTER,
  httpName: "virtualInbound-catchall-http",
  tcpName: "virtualInbound",
  statPrefix: INBOUND_PASSTHROUGH_CLUSTER,
};

/** How a chain is matched beside its port, what it speaks, and whether it is mTLS. */
interface ChainForm {
  readonly match: FilterChainMatchInit;
  readonly isMutualTls: boolean;
  readonly isHttp: boolean;
}

function portChains(port: PortChains, settings: ListenerSettings): FilterChainInit[] {
  const ofPort = port.port === undefined ? {} : { destinationPort: port.port };
  return chainForms(port).map((form) =>
    buildFilterChain({
      name: form.isHttp ? port.httpName : port.tcpName,
      match: { ...ofPort, ...form.match },
      forward: form.isHttp ? httpForward(port, form) : forwardTo(port.cluster, sideOf(form)),
      ...(form.isMutualTls && {
        transportSocket: meshServerTls({ alpnProtocols: form.isHttp ? HTTP_SERVER_ALPN : [], settings }),
      }),
      ...(port.generation === undefined ? {} : { generation: port.generation }),
      settings,
    }),
  );
}

function chainForms(port: PortChains): readonly ChainForm[] {
  const mutual = mutualForms(port);
  const plaintext = isSniffed(port.protocol) ? SNIFFED_PLAINTEXT_FORMS : [plaintextForm(port)];
  switch (port.mode) {
    case "STRICT":
      return mutual;
    case "PERMISSIVE":
      return [...mutual, ...plaintext, ...applicationTlsForms(port)];
    case "DISABLE":
      return plaintext;
  }
}

/**
 * The chains for the mesh's own ALPN are the same whether plaintext is taken or not, so that a change between the two
 * closes no connection of the mesh. Where all must be mTLS, TLS of clients that offer no such ALPN is mTLS as well.
 */
function mutualForms({ protocol, mode }: PortChains): readonly ChainForm[] {
  const form = (applicationProtocols: readonly string[], isHttpForm: boolean): ChainForm => ({
    match: { transportProtocol: "tls", applicationProtocols: [...applicationProtocols] },
    isMutualTls: true,
    isHttp: isHttpForm,
  });
  const ofMesh = isSniffed(protocol)
    ? [form(MESH_HTTP_ALPN, true), form(MESH_TCP_ALPN, false)]
    : [form([...MESH_TCP_ALPN, ...MESH_HTTP_ALPN], isHttp(protocol))];
  return mode === "STRICT" ? [...ofMesh, form([], isHttp(protocol))] : ofMesh;
}

function plaintextForm({ protocol }: PortChains): ChainForm {
  return { match: { transportProtocol: "raw_buffer" }, isMutualTls: false, isHttp: isHttp(protocol) };
}

const SNIFFED_PLAINTEXT_FORMS: readonly ChainForm[] = [
  {
    match: { transportProtocol: "raw_buffer", applicationProtocols: PLAINTEXT_HTTP_ALPN },
    isMutualTls: false,
    isHttp: true,
  },
  { match: { transportProtocol: "raw_buffer" }, isMutualTls: false, isHttp: false },
];

/** TLS that isn't the mesh's, to a port that isn't known to be HTTP: the application terminates it. */
function applicationTlsForms({ protocol }: PortChains): readonly ChainForm[] {
  if (isHttp(protocol)) return [];
  return [{ match: { transportProtocol: "tls" }, isMutualTls: false, isHttp: false }];
}

function sideOf({ isMutualTls }: ChainForm): ProxySide {
  return isMutualTls ? "inbound-mutual-tls" : "inbound-plaintext";
}

function httpForward(port: PortChains, form: ChainForm): HttpForward {
  return {
    kind: "http",
    side: sideOf(form),
    statPrefix: port.statPrefix,
    routeName: port.cluster,
    hasGrpcWeb: port.protocol === "GRPC-Web",
  };
}
