// Routes that depend on a token's claims, at a gateway that checks no tokens: there they match nobody.

import type { Problem } from "../../core/problem.ts";
import { routingClaim } from "../../core/routing-claim.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { enforcedPolicyKeys } from "../enforced-policies.ts";
import { MESH_GATEWAY, qualifyGateway } from "../gateway-name.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { selectedWorkloads } from "./selected-workloads.ts";

export function* checkClaimRoutes(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const path = firstClaim(object);
  if (path === undefined) return;
  for (const name of object.spec.gateways ?? []) {
    const pod = name === MESH_GATEWAY ? undefined : uncheckedPod(name, object, context);
    if (pod === undefined) continue;
    yield problemAt(object, path, {
      code: "MLT2025",
      message: `Cannot route by a token's claims at Gateway "${name}": no RequestAuthentication is for its pod "${pod}"`,
      hint: "a RequestAuthentication for the gateway's pods checks tokens and makes their claims known",
    });
  }
}

function firstClaim({ spec }: VirtualService): string | undefined {
  for (const [index, { match = [] }] of (spec.http ?? []).entries()) {
    for (const [at, { headers = {}, withoutHeaders = {} }] of match.entries()) {
      const path = `spec.http[${index}].match[${at}]`;
      if (Object.keys(headers).some(isClaim)) return `${path}.headers`;
      if (Object.keys(withoutHeaders).some(isClaim)) return `${path}.withoutHeaders`;
    }
  }
  return undefined;
}

function isClaim(name: string): boolean {
  return routingClaim(name) !== undefined;
}

/** `namespace/name`. */
function uncheckedPod(name: string, { metadata }: VirtualService, context: CheckContext): string | undefined {
  const { read, model, sources } = context;
  const gateway = read.get(sources.Gateway, qualifyGateway(name, metadata.namespace));
  if (gateway === undefined) return undefined;
  const pod = (selectedWorkloads(gateway, context) ?? []).find(
    (each) => enforcedPolicyKeys(read, model.enforcedPolicies.RequestAuthentication, each).length === 0,
  );
  return pod === undefined ? undefined : `${pod.namespace}/${pod.name}`;
}
