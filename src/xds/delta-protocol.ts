// The incremental variant: requests add and take away names, responses hold what changed.
// Quoted titles are sections of the specification "xDS REST and gRPC protocol".

import type { DeltaEntry } from "./response-writer.ts";
import type { StreamProtocol } from "./stream-protocol.ts";
import { applyDelta } from "./subscription.ts";
import type { PlannedResource } from "./type-state.ts";
import type { DeltaRequest } from "./xds-request.ts";
import { decodeDeltaRequest } from "./xds-request.ts";

export const deltaProtocol: StreamProtocol<DeltaRequest> = {
  name: "delta",
  path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
  canRemoveByName: true,
  isVerdictCumulative: false,
  decode: decodeDeltaRequest,
  namesOf: (request) => request.subscribe,
  subscribe(order, request, { type, isFirst, nowMs }) {
    const subscription = order.subscribe(type);
    if (isFirst && request.initialVersions.size > 0) order.holdRemovals(nowMs);
    const wasWildcard = subscription.isWildcard;
    const initialVersions = order.trustsVersionsOf(type)
      ? request.initialVersions
      : new Map<string, string>();
    applyDelta(subscription, order.set, { ...request, initialVersions, isFirst });
    if (type === "endpoint" && isFirst) order.oweEndpointsOfUnanswered();
    return subscription.isWildcard && !wasWildcard ? ["*", ...request.subscribe] : request.subscribe;
  },
  encode(writer, _order, { typeUrl, nonce, planned }) {
    const resources = mergeAliases(planned.resources);
    return writer.writeDelta({ typeUrl, nonce, resources, removed: planned.removed });
  },
  encodeGeneric(writer, answer, { typeUrl, nonce }) {
    const { version, controlPlane } = answer;
    const resources = answer.resources.map(({ name, body, typeUrl: bodyTypeUrl }) => ({
      name,
      resource: { name, body, version, needs: [] },
      typeUrl: bodyTypeUrl,
    }));
    return writer.writeDelta({ typeUrl, nonce, resources, removed: [], controlPlane });
  },
};

/**
 * A resource got under several names is sent once with these as its aliases ("Duplicate Resource Names", "Resource
 * names"); a virtual host that doesn't exist is an alias of itself.
 */
function mergeAliases(planned: readonly PlannedResource[]): readonly DeltaEntry[] {
  if (planned.every(({ name, resource }) => resource?.name === name)) return planned;
  const entries = new Map<
    string,
    { name: string; resource: PlannedResource["resource"]; aliases: string[] }
  >();
  for (const { name, resource } of planned) {
    const realName = resource?.name ?? name;
    const entry = entries.get(realName) ?? { name: realName, resource, aliases: [] };
    entries.set(realName, entry);
    if (resource === undefined || name !== realName) entry.aliases.push(name);
  }
  return [...entries.values()];
}
