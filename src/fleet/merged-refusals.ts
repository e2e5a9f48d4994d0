// What proxies refuse, told once for each thing that is refused for one reason, however many proxies refuse it.

import type { Provenance } from "../view/provenance.ts";
import type { ResourceReference } from "../xds/resource.ts";
import type { FleetSession } from "./fleet-session.ts";
import type { SessionRefusal } from "./session-refusals.ts";

export interface Refusal extends ResourceReference {
  /** Stays the same whoever else refuses it. */
  readonly key: string;
  /** The proxies' own words. */
  readonly detail: string;
  /** What is to blame; empty where it isn't known. */
  readonly provenance: Provenance;
  /** Who refuses it, first whoever came first. */
  readonly sessions: readonly FleetSession[];
}

export function mergeRefusals(
  found: readonly { readonly refusal: SessionRefusal; readonly session: FleetSession }[],
): readonly Refusal[] {
  const merged = new Map<string, Refusal & { readonly sessions: FleetSession[] }>();
  for (const { refusal, session } of found) {
    const { type, name, detail, provenance } = refusal;
    const key = JSON.stringify([type, name, detail, provenance]);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { key, type, name, detail, provenance, sessions: [session] });
    else if (!known.sessions.includes(session)) known.sessions.push(session);
  }
  return [...merged.values()];
}
