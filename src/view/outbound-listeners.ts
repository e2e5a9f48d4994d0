// The listeners behind virtualOutbound: one on every address for each port that some service has, and one for each
// service address whose protocol can't be told apart by a Host header. Rows by layer and name.

import { isUnspecifiedAddress } from "../core/cidr.ts";
import { wildcardsOf } from "../core/ip-families.ts";
import { isHttp, isSniffed } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { ownsHost } from "../model/host-owner.ts";
import type { MeshSettings } from "../model/mesh-settings.ts";
import type { Model } from "../model/model.ts";
import { addressesForProxy, automaticAddresses } from "../model/proxy-addresses.ts";
import { isReservedInSidecar } from "../model/reserved-ports.ts";
import {
  addressRanges,
  byAge,
  hasOwnListener,
  type MeshService,
  type MeshServicePort,
} from "../model/service.ts";
import { addressesWithin, declareRangedServices, type RangedServices } from "./address-ranges.ts";
import type { ScopeClient } from "./client-questions.ts";
import type { ClientScopes } from "./client-scope.ts";
import type { ListenerSettings, OutboundListenerInputs } from "./listener-inputs.ts";
import { ownAddresses, sharersOf } from "./own-addresses.ts";
import { addressChains, portChains } from "./port-chains.ts";
import { declareImportedShares, declarePortShares, type PortShares } from "./port-shares.ts";
import { deriveRowsOfFamilies, type Scoped, type ScopedRows } from "./scoped-rows.ts";
import { type RowsOfServices, rowsOfServices } from "./service-rows.ts";
import { type SideTelemetry, telemetryOfMesh } from "./workload-telemetry.ts";

export function listenerSettings(settings: MeshSettings, telemetry: SideTelemetry): ListenerSettings {
  const { meshTls, tlsDefaults, tlsCompliance } = settings;
  return {
    ...(Object.keys(meshTls).length > 0 && { meshTls }),
    ...(Object.keys(tlsDefaults).length > 0 && { tlsDefaults }),
    ...(tlsCompliance && { tlsCompliance }),
    pathNormalization: settings.pathNormalization,
    protocolDetectionTimeout: settings.protocolDetectionTimeout,
    ...telemetry,
    ...(settings.ignoresRefusedConnections && { ignoresRefusedConnections: true as const }),
  };
}

/** Of listeners of clients for whom no Telemetry of a namespace or workload says another thing. */
export function clientSettings(
  read: Read,
  model: Model,
): Pick<OutboundListenerInputs, "settings" | "provenance"> {
  const { client, provenance } = telemetryOfMesh(read, model);
  return { settings: listenerSettings(read.one(model.settings), client), provenance };
}

export function declareOutboundListeners(
  graph: Graph,
  model: Model,
  scopes: ClientScopes,
): Table<Scoped<OutboundListenerInputs>> {
  const { ofPorts, ofAddresses } = outboundListenerRows(graph, model, scopes);
  return graph.union("outbound listeners", [
    deriveRowsOfFamilies(graph, { ...ofPorts, scopes }),
    deriveRowsOfFamilies(graph, { ...ofAddresses, scopes }),
  ]);
}

interface ListenerRows {
  readonly ofPorts: ScopedRows<PortShares, OutboundListenerInputs>;
  readonly ofAddresses: RowsOfServices<OutboundListenerInputs>;
}

export function outboundListenerRows(
  graph: Graph,
  model: Model,
  { imported }: Pick<ClientScopes, "imported">,
): ListenerRows {
  const ranged = declareRangedServices(graph, model);
  const importedShares = declareImportedShares(graph, imported.services);
  const ofPorts: ListenerRows["ofPorts"] = {
    name: "listeners of ports",
    from: declarePortShares(graph, model),
    imported: () => importedShares,
    build: ({ key, input, client, read }) => portListener(Number(key), input, { read, model, client }),
  };
  const ofAddresses = rowsOfServices<OutboundListenerInputs>(model, {
    name: "listeners of service addresses",
    reached: "by its host",
    build: ({ key, input, client, read }) =>
      addressListeners(input, addressesOf(key, input, model, read), { read, model, client, ranged }),
  });
  return { ofPorts, ofAddresses };
}

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
}

/** The listener of a port on every address: HTTP of all services, and TCP of those that have no address. */
function portListener(
  port: number,
  { hasHttp, hasGrpcWeb, varying }: PortShares,
  context: Context,
): ReadonlyMap<string, OutboundListenerInputs> {
  const { read, model, client } = context;
  const settings = read.one(model.settings);
  const [address, additionalAddress] = wildcardsOf(client.families());
  if (isReservedInSidecar(settings.reservedPorts, address, port)) return new Map();
  const lookup = { read, claims: model.hostClaims, client };
  const reached = varying.flatMap((service) => {
    if (!ownsHost(service, lookup)) return [];
    const servicePort = service.ports.find(({ number }) => number === port);
    return servicePort === undefined ? [] : [{ service, port: servicePort }];
  });
  const tcp = reached
    .filter(({ service, port: { protocol } }) => !isHttp(protocol) && !isElsewhere(service, client))
    .sort((a, b) => byAge(a.service, b.service));
  const http = [
    ...reached.filter(({ port: { protocol } }) => isHttp(protocol)),
    ...tcp.filter(({ port: { protocol }, service }) => isSniffed(protocol) && !hasOwnListener(service)),
  ];
  if (!hasHttp && http.length === 0 && tcp.length === 0) return new Map();
  const name = `${address}_${port}`;
  const speaksGrpcWeb = hasGrpcWeb || http.some((each) => each.port.protocol === "GRPC-Web");
  const listener: OutboundListenerInputs = {
    name,
    address,
    ...(additionalAddress === undefined ? {} : { additionalAddress }),
    port,
    ...(hasHttp || http.length > 0 ? { http: { routeName: String(port), hasGrpcWeb: speaksGrpcWeb } } : {}),
    tcp: portChains(tcp, context),
    ...clientSettings(read, model),
  };
  return new Map([[name, listener]]);
}

/** Its address tells its traffic from that of others: one of its own, or the one that the client's DNS gives it. */
function isElsewhere(service: MeshService, client: ScopeClient): boolean {
  if (addressRanges(service).length > 0) return false;
  return hasOwnListener(service) || (service.automaticAddress !== undefined && client.capturesDns());
}

/** Virtual addresses; for a headless service the addresses of its endpoints, each with the port they listen on. */
function addressesOf(
  key: string,
  service: MeshService,
  model: Model,
  read: Read,
): ReadonlyMap<number, readonly string[]> {
  const virtual = service.addresses.filter((address) => !address.includes("/"));
  const found = new Map<number, readonly string[]>();
  for (const { number } of service.ports) {
    if (service.resolution !== "headless") found.set(number, [...virtual, ...automatic(service)]);
    else {
      const endpoints = (read.get(model.endpoints, key) ?? []).filter(
        ({ servicePort }) => servicePort === number,
      );
      found.set(number, [...new Set(endpoints.map(({ address }) => address))]);
    }
  }
  return found;
}

/** For clients that capture DNS; others come to the port's listener on every address. */
function automatic({ automaticAddress }: MeshService): readonly string[] {
  return automaticAddress === undefined ? [] : automaticAddresses(automaticAddress);
}

function addressListeners(
  service: MeshService,
  addressesByPort: ReadonlyMap<number, readonly string[]>,
  context: Context & { readonly ranged: RangedServices },
): ReadonlyMap<string, OutboundListenerInputs> {
  const listeners = new Map<string, OutboundListenerInputs>();
  const meshSettings = context.read.one(context.model.settings);
  for (const port of service.ports) {
    const all = addressesForProxy(addressesByPort.get(port.number) ?? [], context.client.families());
    // HTTP of all addresses is the port's listener's, unless a range there would take it.
    const addresses = isHttp(port.protocol) ? addressesWithin(all, port.number, context) : all;
    if (addresses.length === 0) continue;
    const chainsAt = (address: string) =>
      isHttp(port.protocol)
        ? portChains([], context)
        : addressChains({ service, port }, sharersOf({ service, port, address }, context), context);
    const content = { ...httpOf(service, port), ...clientSettings(context.read, context.model) };
    const own = ownAddresses({ service, port, addresses }, context);
    for (const { address, ...additional } of listeningPairs(service, own)) {
      if (isTaken(address, port.number, meshSettings)) continue;
      const name = `${address}_${port.number}`;
      const tcp = chainsAt(address);
      listeners.set(name, { name, address, ...additional, port: port.number, ...content, tcp });
    }
  }
  return listeners;
}

/** A sniffed port's address has chosen the service; HTTP is told apart by hosts there too. */
function httpOf(
  { hostname }: MeshService,
  { protocol, number }: MeshServicePort,
): Pick<OutboundListenerInputs, "http"> {
  if (isHttp(protocol)) return { http: { routeName: String(number), hasGrpcWeb: protocol === "GRPC-Web" } };
  return isSniffed(protocol) ? { http: { routeName: `${hostname}:${number}`, hasGrpcWeb: false } } : {};
}

/** By a listener of the proxy, or by the port's listener on every address. */
function isTaken(address: string, port: number, { reservedPorts }: MeshSettings): boolean {
  return isUnspecifiedAddress(address) || isReservedInSidecar(reservedPorts, address, port);
}

/** A Service's two addresses share a listener; a ServiceEntry's may be another's too, so each has its own. */
function listeningPairs(
  { registry, resolution }: MeshService,
  addresses: readonly string[],
): readonly Pick<OutboundListenerInputs, "address" | "additionalAddress">[] {
  const [address, additionalAddress] = addresses;
  const isPair = registry === "Kubernetes" && resolution !== "headless" && addresses.length === 2;
  if (isPair && address !== undefined && additionalAddress !== undefined)
    return [{ address, additionalAddress }];
  return addresses.map((one) => ({ address: one }));
}
