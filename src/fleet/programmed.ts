// How many proxies have in use what was made of one object. It counts what is there now, and remembers nothing: a
// proxy that comes back says what it has.

import type { XdsStreamHandle } from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { FleetSession } from "./fleet.ts";
import type { MadeResource } from "./layered-rows.ts";
import type { SharedViews } from "./shared-views.ts";

export interface Programmed {
  /** Proxies that asked for something that the object is a source of. */
  readonly proxyCount: number;
  /** Of these, those that acknowledged all of it. */
  readonly acknowledgedCount: number;
  /** Node ids of those that refuse some of it: they keep what was before. */
  readonly refusedBy: readonly string[];
  /** Node ids of those that haven't answered yet. */
  readonly awaited: readonly string[];
}

export function programmedOf<Session extends FleetSession>(
  made: readonly MadeResource[],
  sessions: readonly Session[],
  views: SharedViews<Session>,
): Programmed {
  const refusedBy: string[] = [];
  const awaited: string[] = [];
  let acknowledgedCount = 0;
  for (const session of made.length === 0 ? [] : sessions) {
    const standing = standingOf(made, session, views);
    if (standing === "refused") refusedBy.push(session.nodeId);
    else if (standing === "on-its-way") awaited.push(session.nodeId);
    else if (standing === "in-use") acknowledgedCount += 1;
  }
  return {
    proxyCount: acknowledgedCount + refusedBy.length + awaited.length,
    acknowledgedCount,
    refusedBy,
    awaited,
  };
}

/** Whose newest version isn't in force anywhere, because of this refusal: who asked for the refused resource is kept from it. */
export function keptFrom({ type, name }: ResourceReference, sessions: readonly FleetSession[]): Programmed {
  const concerned = sessions.filter(({ stream }) => stream.standing({ type, name }) !== "unwanted");
  const refusedBy = concerned.map(({ nodeId }) => nodeId);
  return { proxyCount: refusedBy.length, acknowledgedCount: 0, refusedBy, awaited: [] };
}

/** The worst of all that concern the proxy. */
function standingOf<Session extends FleetSession>(
  made: readonly MadeResource[],
  { view, stream, ledger }: Session,
  views: SharedViews<Session>,
): ReturnType<XdsStreamHandle["standing"]> {
  const set = views.setOf(view);
  let worst: ReturnType<XdsStreamHandle["standing"]> = "unwanted";
  for (const { type, resource } of made) {
    const { name } = resource;
    // Another layer of the same name is in force for this proxy.
    if (set?.built(type, name) !== resource) continue;
    const standing = stream.standing({ type, name });
    const isHeldBack = set.get(type, name)?.version !== resource.version;
    const isRefused = ledger
      .rejections()
      .some((each) => each.type === type && holds(each.resources, resource));
    if (isHeldBack || isRefused || standing === "refused") return "refused";
    if (standing === "on-its-way" || worst === "unwanted") worst = standing;
  }
  return worst;
}

function holds(
  resources: readonly { readonly name: string; readonly version: string }[],
  { name, version }: Resource,
): boolean {
  return resources.some((each) => each.name === name && each.version === version);
}
