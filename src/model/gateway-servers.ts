// The servers of all Gateways that select a proxy, by the port they open there; servers that share a port share
// its listener.

import { isUnspecifiedAddress } from "../core/cidr.ts";
import { canonicalHostname } from "../core/hostname.ts";
import { type IpFamilies, wildcardsOf } from "../core/ip-families.ts";
import { matchesLabels } from "../core/label-selector.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { objectKey } from "../core/object-key.ts";
import { isHttp, isTls, type Protocol, parseProtocol } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { type Gateway, gatewayKind } from "../kinds/gateway/gateway.ts";
import type { Server } from "../kinds/gateway/server.ts";
import { gatewayTargetPorts } from "./gateway-target-port.ts";
import type { Model } from "./model.ts";
import { isReservedInGateway } from "./reserved-ports.ts";
import { byAge } from "./service.ts";
import { rowKey } from "./sources.ts";
import type { WorkloadPlace } from "./workload-ports.ts";

export interface GatewayServer {
  /** `namespace/name` of its Gateway. */
  readonly gateway: string;
  readonly namespace: string;
  readonly server: Server;
  readonly protocol: Protocol;
  /** Hosts without the `namespace/` in front. */
  readonly hosts: readonly ServerHost[];
  readonly object: ObjectKey;
  readonly path: string;
}

export interface ServerHost {
  readonly host: string;
  /** The namespace whose VirtualServices it takes; `*` for all. */
  readonly namespace: string;
}

export interface GatewayPort {
  /** Where the proxy listens: the target of its Service's port, or the server's own number. */
  readonly listenPort: number;
  /** The number that the servers name. */
  readonly port: number;
  readonly bind: string;
  /** On every address of the proxy. */
  readonly isEveryAddress: boolean;
  /** Oldest Gateway first. */
  readonly servers: readonly GatewayServer[];
  /** Of the same port, but not served there. */
  readonly dropped: readonly DroppedServer[];
}

export interface DroppedServer {
  readonly server: GatewayServer;
  /** The one that has the port. */
  readonly winner: GatewayServer;
}

type OpenPort = GatewayPort & { readonly servers: GatewayServer[]; readonly dropped: DroppedServer[] };

export const gatewayServerFields: readonly ClaimedField[] = [
  ...claims(gatewayKind, ["spec.selector.*", "spec.servers[].tls.httpsRedirect"]),
  ...claims(gatewayKind, "spec.servers[]", ["bind", "hosts"]),
  ...claims(gatewayKind, "spec.servers[].port", ["number", "protocol", "name"]),
];

/** The ports that a pod opens, as far as its Gateways say so. */
export function gatewayPorts(
  pod: WorkloadPlace,
  families: IpFamilies,
  { model, read }: { readonly model: Model; readonly read: Read },
): readonly GatewayPort[] {
  const [everyAddress] = wildcardsOf(families);
  const { reservedPorts } = read.one(model.settings);
  const gateways = read
    .all(model.gateways)
    .map(([, gateway]) => gateway)
    .filter(({ spec }) => spec.selector === undefined || matchesLabels(spec.selector, pod.labels))
    .sort((a, b) => byAge(ageOf(a), ageOf(b)));
  const byListener = new Map<string, OpenPort>();
  for (const gateway of gateways) {
    for (const [at, server] of (gateway.spec.servers ?? []).entries()) {
      const { bind: written = "" } = server;
      const isEveryAddress = written === "" || isUnspecifiedAddress(written);
      const bind = isEveryAddress ? everyAddress : written;
      for (const listenPort of gatewayTargetPorts(pod, server.port.number, { model, read })) {
        if (isReservedInGateway(reservedPorts, listenPort)) continue;
        const key = `${bind}_${listenPort}`;
        const port = { listenPort, bind, isEveryAddress, port: server.port.number, servers: [], dropped: [] };
        const found = byListener.get(key) ?? port;
        byListener.set(key, found);
        add(found, gatewayServer(gateway, server, at));
      }
    }
  }
  return [...byListener.values()].sort((a, b) => a.listenPort - b.listenPort || (a.bind < b.bind ? -1 : 1));
}

/** As in Istio, the oldest server of plain bytes has its port to itself, and comes to no port that another has. */
function add({ servers, dropped }: OpenPort, server: GatewayServer): void {
  const isAlone = (each: GatewayServer) => !isHttpServer(each) && !hasTls(each);
  const [first] = servers;
  if (first === undefined || !(isAlone(first) || isAlone(server))) servers.push(server);
  else dropped.push({ server, winner: first });
}

/** What a server forwards: requests by their host, or bytes. */
export function isHttpServer({ protocol, server }: GatewayServer): boolean {
  if (isHttp(protocol)) return true;
  // HTTPS that the gateway terminates is HTTP inside.
  return protocol === "HTTPS" && !isPassthrough(server);
}

export function isPassthrough({ tls }: Server): boolean {
  return tls?.mode === "PASSTHROUGH" || tls?.mode === "AUTO_PASSTHROUGH";
}

/** The server speaks TLS towards the client, whoever ends it. */
export function hasTls({ protocol, server }: GatewayServer): boolean {
  return isTls(protocol) && (server.tls !== undefined || protocol === "TLS");
}

function ageOf({ metadata: { creationTimestamp, namespace, name } }: Gateway) {
  return { createdAt: creationTimestamp ?? "", namespace, name };
}

function gatewayServer(gateway: Gateway, server: Server, at: number): GatewayServer {
  const { namespace, name } = gateway.metadata;
  return {
    gateway: rowKey(namespace, name),
    namespace,
    server,
    protocol: parseProtocol(server.port.protocol),
    hosts: server.hosts.map((host) => serverHost(host, namespace)),
    object: objectKey({ kind: "Gateway", namespace, name }),
    path: `spec.servers[${at}]`,
  };
}

/** `namespace` is the Gateway's, which `.` stands for. */
export function serverHost(written: string, namespace: string): ServerHost {
  const slash = written.indexOf("/");
  const host = canonicalHostname(written.slice(slash + 1));
  if (slash < 0) return { host, namespace: "*" };
  const scope = written.slice(0, slash);
  return { host, namespace: scope === "." ? namespace : scope };
}
