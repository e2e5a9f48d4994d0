// What the fleet knows, in the words of the admin's contract: who is connected, how far each proxy is in step, and
// what Envoys refused, tied to the objects that caused it.

import type { Location } from "../core/location.ts";
import { type ObjectKey, objectKeyText } from "../core/object-key.ts";
import { formatLocation, type Problem, problem } from "../core/problem.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { FleetSession } from "../fleet/fleet-session.ts";
import type { SyncState as LedgerState } from "../fleet/session-ledger.ts";
import type { Provenance } from "../view/provenance.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { ProxyStatus, Rejection, SyncedType, SyncState } from "./contract/control-plane.ts";

export type Locate = (key: ObjectKey, path?: string) => Location | undefined;

const TYPE_BY_SHORT_NAME: Readonly<Record<SyncedType, ResourceType>> = {
  cds: "cluster",
  lds: "listener",
  eds: "endpoint",
  rds: "route",
  ecds: "extension-config",
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
    isPod: proxy.pod !== undefined,
    view: session.view,
    acked,
    nacks: rejectionsOf(fleet, session, locate),
  };
}

/** What it refuses, though it has got and taken what stands in for that; and the last word of each other type. */
function rejectionsOf(fleet: Fleet, session: FleetSession, locate: Locate): readonly Rejection[] {
  const refusals = fleet.refusalsOf(session);
  const isKnown = (type: ResourceType) => refusals.some((each) => each.type === type);
  return [
    ...refusals.map(({ type, detail, provenance }) => ({
      type: shortNameOf(type),
      message: detail,
      ...blamed(provenance, locate),
    })),
    ...session.ledger
      .rejections()
      .filter(({ type }) => !isKnown(type))
      .map(({ type, detail }) => ({ type: shortNameOf(type), message: detail })),
  ];
}

function shortNameOf(type: ResourceType): string {
  return Object.entries(TYPE_BY_SHORT_NAME).find(([, each]) => each === type)?.[0] ?? type;
}

function blamed(provenance: Provenance, locate: Locate): Pick<Rejection, "object" | "location"> {
  const [first] = provenance;
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

// Who writes his own refusals must not fill the list of what is wrong.
const MAX_PROBLEMS = 100;

/** One Problem for each thing that is refused, however many proxies refuse it. */
export function refusalProblems(fleet: Fleet, locate: Locate): readonly Problem[] {
  return fleet
    .refusals()
    .slice(0, MAX_PROBLEMS)
    .map(({ type, name, detail, provenance, sessions: [first] }) => {
      const [part] = provenance;
      const location = part === undefined ? undefined : locate(part.object, part.path);
      const who = first === undefined ? "" : `${proxyText(first)} (Envoy ${first.envoyVersion}) `;
      return problem("MLT4101", {
        message: `${who}refused the ${type} "${name}": ${detail}`,
        hint: `${consequenceOf(type)}; see which do: meltemi proxy-status`,
        ...(part === undefined ? {} : { object: part.object }),
        ...(part?.path === undefined ? {} : { path: part.path }),
        ...(location === undefined ? {} : { location }),
      });
    });
}

function consequenceOf(type: ResourceType): string {
  switch (type) {
    case "extension-config":
      return "a proxy that refuses it keeps the last good version of the policy, and without one refuses all traffic";
    case "listener":
      return "a proxy that refuses it for its logs or spans gets it with those that it had, or else keeps what it had";
    default:
      return "a proxy that refuses it keeps what it had";
  }
}

function proxyText({ proxy: { namespace, name } }: FleetSession): string {
  return `${namespace}/${name}`;
}
