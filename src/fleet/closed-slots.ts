// Slots that one proxy refuses for a policy of which it has no older version: for it they are closed. Else its listeners
// might wait for them for ever, and to leave a policy out would let everybody in.

import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";
import { refusedName } from "../envoy/authorization/policies.ts";
import { buildClosedSlot } from "../envoy/policy-slot/closed-slot.ts";
import { isEmptySlot, rulesInSlot } from "../envoy/policy-slot/slot-rules.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Provenance } from "../view/provenance.ts";
import type { Held } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";
import type { VersionStandIn } from "./version-stand-ins.ts";

/** Undefined where the proxy's older version will do, and for a name that is no slot's. */
export function closedSlot(
  refused: BuiltResource,
  { inUse, blamed }: { readonly inUse: Held; readonly blamed: Provenance },
): VersionStandIn | undefined {
  if (isAsStrict(refused, inUse)) return undefined;
  const { name } = refused;
  const message = buildClosedSlot(name, policyName(name, blamed));
  if (message === undefined) return undefined;
  return { resource: buildResource(TypedExtensionConfigSchema, message, { name }) };
}

/**
 * Whether every policy that decides in a refused slot is there, if only in an older version, in what the proxy goes on
 * using. What a proxy has of a control plane before this one isn't known, and is the last good version.
 */
export function isAsStrict(refused: BuiltResource, inUse: Held): boolean {
  if (inUse === "unknown") return true;
  if (inUse === "nothing") return false;
  const kept = decidingIn(inUse);
  return [...decidingIn(refused)].every((object) => kept.has(object));
}

/** Where a slot doesn't show it, any policy that has made it may decide. */
function decidingIn(slot: Resource): ReadonlySet<ObjectKey> {
  if (isEmptySlot(slot.body)) return new Set();
  const rules = rulesInSlot(slot.body);
  const { provenance = [] } = slot as Partial<BuiltResource>;
  const deciding = rules.length > 0 ? rules.filter(({ decides }) => decides) : provenance;
  return new Set(deciding.map(({ object }) => object));
}

/** `refused-NAMESPACE-NAME` of the policy at fault, or of the slot where it isn't known. */
function policyName(slot: string, [first, another]: Provenance): string {
  if (first === undefined || another !== undefined) return `refused-${slot}`;
  return refusedName(parseObjectKey(first.object));
}
