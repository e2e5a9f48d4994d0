// VirtualServices that speak of the same host to sidecars: they don't add up, the nearest to the client holds, then the
// oldest. That a namespace has its own in place of one for all is no conflict.

import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { clientIn } from "../client.ts";
import { MESH_GATEWAY } from "../gateway-name.ts";
import { byNearness, distance, type HostRoutes } from "../host-routes.ts";
import { findNamed } from "../host-table.ts";
import { byAge } from "../service.ts";
import { rowKey } from "../sources.ts";
import { type CheckContext, problemAt, quoted, shortHost } from "./check.ts";

export function* checkMeshHostConflicts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const own = read.get(model.hostRoutes.table, rowKey(object.metadata.namespace, object.metadata.name));
  if (own === undefined || !own.gateways.includes(MESH_GATEWAY)) return;
  for (const [at, host] of own.hosts.entries()) {
    const rivals = findNamed(read, model.hostRoutes.ofSidecars, host)
      .map(([, routes]) => routes)
      .filter((routes) => routes.object !== own.object && isContested(own, routes))
      .sort(byAge);
    const winner = rivals.find((rival) => !winsOver(own, rival));
    if (rivals.length === 0) continue;
    const isInForce = winner === undefined;
    const outcome = isInForce ? "this one is the oldest, and holds" : reason(own, winner);
    const others = quoted(rivals.map((each) => nameOf(each, own)));
    yield problemAt(object, `spec.hosts[${at}]`, {
      code: "MLT2006",
      severity: isInForce ? "warning" : "error",
      message: `"${shortHost(host, settings)}" is also routed for sidecars by VirtualService ${others}: ${outcome}`,
      hint: "sidecars take one VirtualService for each host: merge them, or delegate",
    });
  }
}

/** Where a client sees both: the rules were meant for it, and neither gives way by `exportTo`, or these do. */
function isContested(own: HostRoutes, rival: HostRoutes): boolean {
  return commonViewers(own, rival).some((viewer) => {
    const farther = distance(own, clientIn(viewer)) - distance(rival, clientIn(viewer));
    return farther === 0 || (farther > 0 && own.visibility !== "public");
  });
}

function winsOver(own: HostRoutes, rival: HostRoutes): boolean {
  return commonViewers(own, rival).every((viewer) => byNearness(clientIn(viewer))(own, rival) < 0);
}

function reason(own: HostRoutes, winner: HostRoutes): string {
  const nearer = commonViewers(own, winner).find(
    (viewer) => distance(winner, clientIn(viewer)) < distance(own, clientIn(viewer)),
  );
  if (nearer === undefined) return `${nameOf(winner, own)} is older, and holds`;
  return `${nameOf(winner, own)} is nearer to clients in "${nearer}", and holds there`;
}

/** Namespaces that stand for all that see both. */
function commonViewers(one: HostRoutes, other: HostRoutes): readonly string[] {
  const lists = [one, other].flatMap(({ visibility }) =>
    visibility === "public" ? [] : [visibility.namespaces],
  );
  const [first, second] = lists;
  if (first === undefined) return [ANYWHERE];
  return second === undefined ? first : first.filter((namespace) => second.includes(namespace));
}

/** No namespace's name. */
const ANYWHERE = "*";

function nameOf({ namespace, name }: HostRoutes, { namespace: own }: HostRoutes): string {
  return namespace === own ? name : `${namespace}/${name}`;
}
