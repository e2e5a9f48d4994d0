// What the fleet knows, in the words of the admin's contract: who is connected, how far each proxy is in step, and
// what Envoys refused, tied to the objects that caused it.

import type { Location } from "../core/location.ts";
import { type ObjectKey, objectKeyText } from "../core/object-key.ts";
import { formatLocation, type Problem, problem } from "../core/problem.ts";
import type { Fleet, FleetSession } from "../fleet/fleet.ts";
import type { SyncState as LedgerState } from "../fleet/session-ledger.ts";
import type { Source } from "../view/source.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { ProxyStatus, Rejection, SyncedType, SyncState } from "./contract/control-plane.ts";

export type Locate = (key: ObjectKey, path?: string) => Location | undefined;

const TYPE_BY_SHORT_NAME: Readonly<Record<Exclude<SyncedType, "ecds">, ResourceType>> = {
  cds: "cluster",
  lds: "listener",
  eds: "endpoint",
  rds: "route",
};

const STATE_WORDS: Readonly<Record<LedgerState, SyncState>> = {
  synced: "SYNCED",
  stale: "STALE",
  "not-sent": "NOT SENT",
};

/** By namespace and name. */
export function proxyStatuses(fleet: Fleet, locate: Locate): readonly ProxyStatus[] {
  return [...fleet.sessions()]
    .map((session) => proxyStatus(fleet, session, locate))
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

function proxyStatus(fleet: Fleet, session: FleetSession, locate: Locate): ProxyStatus {
  const { proxy, ledger } = session;
  const acked: Partial<Record<SyncedType, SyncState>> = {};
  for (const [shortName, type] of Object.entries(TYPE_BY_SHORT_NAME)) {
    acked[shortName as SyncedType] = STATE_WORDS[ledger.stateOf(type)];
  }
  return {
    name: proxy.name,
    namespace: proxy.namespace,
    nodeId: session.nodeId,
    type: proxy.kind,
    version: session.envoyVersion,
    view: session.view,
    acked,
    nacks: rejectionsOf(fleet, session, locate),
  };
}

/** What stands refused, though Envoy has got and taken what was before; and the last word of each type. */
function rejectionsOf(fleet: Fleet, session: FleetSession, locate: Locate): readonly Rejection[] {
  const standing = fleet.refusalsFor(session);
  const isStanding = (type: ResourceType) => standing.some((each) => each.type === type);
  return [
    ...standing.map(({ type, detail, source }) => ({
      type: shortNameOf(type),
      message: detail,
      ...blamed(source, locate),
    })),
    ...session.ledger
      .rejections()
      .filter(({ type }) => !isStanding(type))
      .map(({ type, detail }) => ({ type: shortNameOf(type), message: detail })),
  ];
}

function shortNameOf(type: ResourceType): string {
  return Object.entries(TYPE_BY_SHORT_NAME).find(([, each]) => each === type)?.[0] ?? type;
}

function blamed(source: Source, locate: Locate): Pick<Rejection, "object" | "location"> {
  const [first] = source;
  if (first === undefined) return {};
  const location = locate(first.object, first.path);
  return {
    object: objectKeyText(first.object),
    ...(location === undefined ? {} : { location: formatLocation(location) }),
  };
}

/** What is wrong between objects, with the places where files say it. */
export function locatedProblems(found: Iterable<readonly Problem[]>, locate: Locate): readonly Problem[] {
  return [...found].flat().map((each) => {
    const location = each.object === undefined ? undefined : locate(each.object, each.path);
    return location === undefined ? each : { ...each, location };
  });
}

/** One Problem for each resource that stands refused. */
export function refusalProblems(fleet: Fleet, locate: Locate): readonly Problem[] {
  return fleet.refusals().map(({ type, name, detail, source, envoyVersion }) => {
    const [first] = source;
    const location = first === undefined ? undefined : locate(first.object, first.path);
    return problem("MLT4101", {
      message: `Envoy ${envoyVersion} refused the ${type} "${name}": ${detail}`,
      hint: "what was there before it stays in force; where that isn't known, such as after a restart, the object is left out",
      ...(first === undefined ? {} : { object: first.object }),
      ...(first?.path === undefined ? {} : { path: first.path }),
      ...(location === undefined ? {} : { location }),
    });
  });
}
