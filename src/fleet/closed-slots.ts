// Slots of policies that one proxy refuses and has no older version of: for it they are closed. Else its listeners would
// wait for them for ever, and to leave a policy out would let everybody in.

import { parseObjectKey } from "../core/object-key.ts";
import { refusedName } from "../envoy/authorization/policies.ts";
import { buildClosedSlot } from "../envoy/policy-slot/closed-slot.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Provenance } from "../view/provenance.ts";
import type { Resource } from "../xds/resource.ts";
import { buildResource } from "./built-resource.ts";

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

/** `refused-NAMESPACE-NAME` of the policy at fault, or of the slot where it isn't known. */
function policyName(slot: string, [first, another]: Provenance): string {
  if (first === undefined || another !== undefined) return `refused-${slot}`;
  return refusedName(parseObjectKey(first.object));
}
