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

interface ClosedSlot {
  /** Any other version is offered. */
  readonly refusedVersion: string;
  readonly standIn: Resource;
}

export class ClosedSlots {
  readonly #slots = new Map<string, ClosedSlot>();

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  close({ name, version }: Resource, blamed: Provenance): void {
    const message = buildClosedSlot(name, policyName(name, blamed));
    if (message === undefined) return;
    const standIn = buildResource(TypedExtensionConfigSchema, message, { name });
    this.#slots.set(name, { refusedVersion: version, standIn });
  }

  /** By name, what the proxy gets in place of the newest versions; a slot that has another one is closed no more. */
  standIns(newestOf: (name: string) => Resource | undefined): ReadonlyMap<string, Resource> {
    const standIns = new Map<string, Resource>();
    for (const [name, { refusedVersion, standIn }] of this.#slots) {
      if (newestOf(name)?.version === refusedVersion) standIns.set(name, standIn);
      else this.#slots.delete(name);
    }
    return standIns;
  }

  isStandIn({ name, version }: Pick<Resource, "name" | "version">): boolean {
    return this.#slots.get(name)?.standIn.version === version;
  }
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
