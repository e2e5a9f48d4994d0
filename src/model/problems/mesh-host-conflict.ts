// VirtualServices that speak of the same host to sidecars: they don't add up, the oldest one holds.

import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { MESH_GATEWAY } from "../gateway-name.ts";
import type { HostRoutes } from "../host-routes.ts";
import { findNamed } from "../host-table.ts";
import { byAge } from "../service.ts";
import { rowKey } from "../sources.ts";
import { haveCommonViewer } from "../visibility.ts";
import { type CheckContext, problemAt, quoted, shortHost } from "./check.ts";

export function* checkMeshHostConflicts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const own = read.get(model.hostRoutes.table, rowKey(object.metadata.namespace, object.metadata.name));
  if (own === undefined || !own.gateways.includes(MESH_GATEWAY)) return;
  for (const [at, host] of own.hosts.entries()) {
    const rivals = findNamed(read, model.hostRoutes.ofSidecars, host)
      .map(([, routes]) => routes)
      .filter((routes) => routes.object !== own.object && haveCommonViewer(routes.visibility, own.visibility))
      .sort(byAge);
    const [oldest] = rivals;
    if (oldest === undefined) continue;
    const isInForce = byAge(own, oldest) < 0;
    const outcome = isInForce
      ? "this one is the oldest, and holds"
      : `${nameOf(oldest, own)} is older, and holds`;
    const others = quoted(rivals.map((each) => nameOf(each, own)));
    yield problemAt(object, `spec.hosts[${at}]`, {
      code: "MLT2006",
      severity: isInForce ? "warning" : "error",
      message: `"${shortHost(host, settings)}" is also routed for sidecars by VirtualService ${others}: ${outcome}`,
      hint: "sidecars take one VirtualService for each host: merge them, or delegate",
    });
  }
}

function nameOf({ namespace, name }: HostRoutes, { namespace: own }: HostRoutes): string {
  return namespace === own ? name : `${namespace}/${name}`;
}
