// How many proxies have in use what was made of one object. It counts what is there now, and remembers nothing: a
// proxy that comes back says what it has.

import type { ObjectKey } from "../core/object-key.ts";
import type { Standing, XdsStreamHandle } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { FleetSession } from "./fleet-session.ts";
import type { MadeResource } from "./layered-rows.ts";
import type { ProxySet } from "./proxy-set.ts";
import type { SessionRefusal } from "./session-refusals.ts";
import type { SharedViews } from "./shared-views.ts";

export interface Programmed {
  /** Proxies that asked for something that the object is a source of. */
  readonly proxyCount: number;
  /** Of these, those that acknowledged all of it. */
  readonly acknowledgedCount: number;
  /** Those that refuse some of it: they keep what they had. */
  readonly refusals: readonly ProxyRefusal[];
  /** Node ids of those that haven't answered yet. */
  readonly awaited: readonly string[];
}

export interface ProxyRefusal {
  readonly nodeId: string;
  /** What of the object it refuses, where it said so on this stream. */
  readonly refused: readonly SessionRefusal[];
}

interface ProgrammedSession extends FleetSession {
  readonly stream: XdsStreamHandle;
}

export function programmedOf<Session extends ProgrammedSession>(
  { object, made }: { readonly object: ObjectKey; readonly made: readonly MadeResource[] },
  sessions: readonly Session[],
  views: SharedViews<Session>,
): Programmed {
  const refusals: ProxyRefusal[] = [];
  const awaited: string[] = [];
  let acknowledgedCount = 0;
  const versions = versionsByName(made);
  const concernsByView = new Map<string, readonly Concern[]>();
  for (const session of made.length === 0 ? [] : sessions) {
    const concerns = concernsByView.get(session.view) ?? concernsOf(versions, views.setOf(session.view));
    concernsByView.set(session.view, concerns);
    const set = views.setOf(session.view);
    const standing = standingOf({ object, concerns }, session, set);
    if (standing === "refused") refusals.push(refusalOf({ object, concerns }, session, set));
    else if (standing === "on-its-way") awaited.push(session.nodeId);
    else if (standing === "in-use") acknowledgedCount += 1;
  }
  return {
    proxyCount: acknowledgedCount + refusals.length + awaited.length,
    acknowledgedCount,
    refusals,
    awaited,
  };
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
}

/** Of the layers of one name, the one that the view has. */
function concernsOf(versions: readonly NamedVersions[], set: ProxySet | undefined): readonly Concern[] {
  return versions.flatMap(({ type, name, resources }) => {
    const resource = set?.get(type, name);
    return resource === undefined || !resources.has(resource) ? [] : [{ type, resource }];
  });
}

interface ConcernedObject {
  readonly object: ObjectKey;
  readonly concerns: readonly Concern[];
}

/** The worst of all that concern the proxy. */
function standingOf(
  { object, concerns }: ConcernedObject,
  { stream, refusals }: ProgrammedSession,
  set: ProxySet | undefined,
): Standing {
  let worst: Standing = "unwanted";
  for (const { type, resource } of concerns) {
    const reference = { type, name: resource.name };
    const ofStream = stream.standing(reference);
    const ofObject = set && ofStream !== "unwanted" ? refusals.standingOf(object, reference, set) : undefined;
    const standing = ofObject ?? ofStream;
    if (standing === "refused") return "refused";
    if (standing === "on-its-way" || worst === "unwanted") worst = standing;
  }
  return worst;
}

/** In the proxy's words; nobody is said to be at fault of whom that isn't known. */
function refusalOf(
  { object, concerns }: ConcernedObject,
  { nodeId, refusals }: ProgrammedSession,
  set: ProxySet | undefined,
): ProxyRefusal {
  const refused = (set === undefined ? [] : refusals.list(set)).filter(
    ({ type, name, provenance }) =>
      concerns.some((concern) => concern.type === type && concern.resource.name === name) &&
      (provenance.length === 0 || provenance.some((part) => part.object === object)),
  );
  return { nodeId, refused };
}
