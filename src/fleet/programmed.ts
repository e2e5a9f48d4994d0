// How many proxies have in use what was made of one object. It counts what is there now, and remembers nothing: a
// proxy that comes back says what it has.

import type { XdsStreamHandle } from "../xds/backend.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { FleetSession } from "./fleet.ts";
import type { MadeResource } from "./layered-rows.ts";
import type { ProxySet } from "./proxy-set.ts";
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

interface ProgrammedSession extends FleetSession {
  readonly stream: XdsStreamHandle;
}

export function programmedOf<Session extends ProgrammedSession>(
  made: readonly MadeResource[],
  sessions: readonly Session[],
  views: SharedViews<Session>,
): Programmed {
  const refusedBy: string[] = [];
  const awaited: string[] = [];
  let acknowledgedCount = 0;
  const versions = versionsByName(made);
  const concernsByView = new Map<string, readonly Concern[]>();
  for (const session of made.length === 0 ? [] : sessions) {
    const concerns = concernsByView.get(session.view) ?? concernsOf(versions, views.setOf(session.view));
    concernsByView.set(session.view, concerns);
    const standing = standingOf(concerns, session);
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

/** What was made under one name, in all layers. */
interface NamedVersions {
  readonly type: ResourceType;
  readonly name: string;
  readonly resources: Set<Resource>;
}

function versionsByName(made: readonly MadeResource[]): readonly NamedVersions[] {
  const byName = new Map<string, NamedVersions>();
  for (const { type, resource } of made) {
    const { name } = resource;
    const key = `${type} ${name}`;
    const versions = byName.get(key) ?? { type, name, resources: new Set() };
    byName.set(key, versions);
    versions.resources.add(resource);
  }
  return [...byName.values()];
}

/** What a proxy of a view is to have. */
interface Concern {
  readonly type: ResourceType;
  readonly resource: Resource;
  /** Its newest version was refused elsewhere, so that nobody is given it. */
  readonly isHeldBack: boolean;
}

/** Of the layers of one name, the one that is in force for the view. */
function concernsOf(versions: readonly NamedVersions[], set: ProxySet | undefined): readonly Concern[] {
  return versions.flatMap(({ type, name, resources }) => {
    const resource = set?.built(type, name);
    if (set === undefined || resource === undefined || !resources.has(resource)) return [];
    return [{ type, resource, isHeldBack: set.get(type, name)?.version !== resource.version }];
  });
}

/** The worst of all that concern the proxy. */
function standingOf(
  concerns: readonly Concern[],
  { stream, ledger }: ProgrammedSession,
): ReturnType<XdsStreamHandle["standing"]> {
  const rejections = ledger.rejections();
  let worst: ReturnType<XdsStreamHandle["standing"]> = "unwanted";
  for (const { type, resource, isHeldBack } of concerns) {
    const standing = stream.standing({ type, name: resource.name });
    const isRefused = rejections.some((each) => each.type === type && holds(each.resources, resource));
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
