// The variant in which each request names all that is wanted, and a response of clusters or listeners holds them all.
// Quoted titles are sections of the specification "xDS REST and gRPC protocol".

import { createHash } from "node:crypto";
import type { StreamOrder } from "./order.ts";
import type { Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { rulesOf } from "./resource-type.ts";
import type { StreamProtocol } from "./stream-protocol.ts";
import type { Subscription } from "./subscription.ts";
import { applyStateOfTheWorld, wantedResource } from "./subscription.ts";
import type { StateOfTheWorldRequest } from "./xds-request.ts";
import { decodeStateOfTheWorldRequest } from "./xds-request.ts";

export const stateOfTheWorldProtocol: StreamProtocol<StateOfTheWorldRequest> = {
  name: "state-of-the-world",
  path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
  canRemoveByName: false,
  isVerdictCumulative: true,
  decode: decodeStateOfTheWorldRequest,
  namesOf: (request) => request.names,
  subscribe(order, request, { type, isFirst, lastNonce }) {
    // "Resource updates": a request with a stale nonce is superseded by the one that will follow the newer response.
    if (request.responseNonce !== "" && request.responseNonce !== lastNonce) return [];
    const subscription = order.subscribe(type);
    const wasWildcard = subscription.isWildcard;
    const newNames = request.names.filter((name) => name !== "*" && !subscription.names.has(name));
    applyStateOfTheWorld(subscription, order.set, request.names);
    if (isFirst) skipWhatIsHeld(subscription, order, request.version);
    return subscription.isWildcard && !wasWildcard ? ["*", ...newNames] : newNames;
  },
  encode(writer, order, { typeUrl, nonce, planned }) {
    const { type } = planned;
    const sent = planned.resources.flatMap(({ resource }) => (resource === undefined ? [] : [resource]));
    const resources = rulesOf(type).isFullState ? [...order.heldResources(type)] : sent;
    const version = versionOf(isVersionOfAll(type) ? order.heldResources(type) : sent);
    return writer.writeStateOfTheWorld({ typeUrl, nonce, version, resources });
  },
  encodeGeneric(writer, answer, { typeUrl, nonce }) {
    const { version, resources, controlPlane } = answer;
    return writer.writeStateOfTheWorld({ typeUrl, nonce, version, resources, controlPlane });
  },
};

/**
 * "ACK/NACK and resource type instance version": a client that comes back with the version of what it would get needs
 * nothing. The version is a hash of all names and versions, so an equal one means that it accepted exactly these.
 * Endpoints are always sent again: a cluster may have been warming for them when the stream broke.
 */
function skipWhatIsHeld(subscription: Subscription, order: StreamOrder, version: string): void {
  if (version === "" || !isVersionOfAll(subscription.type)) return;
  const wanted: Resource[] = [];
  for (const name of subscription.pending.keys()) {
    const resource = wantedResource(subscription, order.set, name);
    if (resource === undefined) return;
    wanted.push(resource);
  }
  if (versionOf(wanted) !== version) return;
  subscription.pending.clear();
  subscription.owesAnswer = false;
}

function isVersionOfAll(type: ResourceType): boolean {
  return rulesOf(type).isFullState || type === "route";
}

/** A hash that doesn't depend on order. */
function versionOf(resources: Iterable<Resource>): string {
  const lines: string[] = [];
  for (const { name, version } of resources) lines.push(`${name}\n${version}\n`);
  const hash = createHash("sha256");
  for (const line of lines.sort()) hash.update(line);
  return hash.digest("hex").slice(0, 16);
}
