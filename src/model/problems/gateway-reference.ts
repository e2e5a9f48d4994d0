// A VirtualService bound to a Gateway that doesn't exist: its rules hold nowhere.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { MESH_GATEWAY, qualifyGateway } from "../gateway-name.ts";
import { type CheckContext, nameFrom, problemAt } from "./check.ts";

export function* checkGatewayReferences(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { namespace } = object.metadata;
  for (const { gateway, path } of gatewaysIn(object)) {
    if (gateway === MESH_GATEWAY) continue;
    const key = qualifyGateway(gateway, namespace);
    if (context.read.get(context.sources.Gateway, key) !== undefined) continue;
    const known = context.read.all(context.sources.Gateway).map(([, each]) => nameFrom(namespace, each));
    const elsewhere = known.find((each) => each.endsWith(`/${gateway}`));
    yield problemAt(object, path, {
      code: "MLT2005",
      message: `Cannot bind to Gateway "${gateway}": there is none of that name in namespace "${key.split("/")[0]}"`,
      hint: elsewhere === undefined ? spellingHint(gateway, known) : `did you mean "${elsewhere}"?`,
    });
  }
}

function* gatewaysIn({
  spec,
}: VirtualService): Iterable<{ readonly gateway: string; readonly path: string }> {
  yield* places(spec.gateways, "spec.gateways");
  const lists = { http: spec.http ?? [], tls: spec.tls ?? [], tcp: spec.tcp ?? [] };
  for (const [field, rules] of Object.entries(lists)) {
    for (const [at, { match = [] }] of rules.entries()) {
      for (const [index, { gateways }] of match.entries())
        yield* places(gateways, `spec.${field}[${at}].match[${index}].gateways`);
    }
  }
}

function places(gateways: readonly string[] | undefined, path: string) {
  return (gateways ?? []).map((gateway, at) => ({ gateway, path: `${path}[${at}]` }));
}
