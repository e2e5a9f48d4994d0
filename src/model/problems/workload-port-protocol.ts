// Services that lead to one port of the same pods and call its protocol by different names: the oldest holds.

import { parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { isSniffed, type Protocol } from "../../core/protocol.ts";
import type { Service } from "../../kinds/service.ts";
import { byAge, type MeshService, type MeshServicePort, serviceKey } from "../service.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { workloadPort, workloadPortKeys } from "./problem-indexes.ts";

export function* checkWorkloadPortProtocols(object: Service, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const { namespace, name } = object.metadata;
  const hostname = `${name}.${namespace}.svc.${settings.clusterDomain}`;
  const own = read.get(model.services, serviceKey({ namespace, hostname }));
  if (own === undefined) return;
  for (const port of own.ports) {
    const older = olderRival(own, port, context);
    if (older === undefined) continue;
    const at = (object.spec?.ports ?? []).findIndex((each) => each.port === port.number);
    const target = workloadPort(port);
    const { name: rival } = parseObjectKey(older.service.object);
    yield problemAt(object, `spec.ports[${at}]`, {
      code: "MLT2013",
      message: `Port ${target} of the pods is ${word(port.protocol)} here and ${word(older.port.protocol)} in Service "${rival}", which is older and holds`,
    });
  }
}

function olderRival(own: MeshService, port: MeshServicePort, { read, indexes }: CheckContext) {
  const target = workloadPort(port);
  const rivals = workloadPortKeys(own, port).flatMap((key) =>
    read.find(indexes.servicesByWorkloadPort, key).map(([, service]) => service),
  );
  return rivals
    .filter(
      (service) =>
        service.object !== own.object && mayShareWorkloads(service, own) && byAge(service, own) < 0,
    )
    .sort(byAge)
    .flatMap((service) => {
      const found = service.ports.find((each) => workloadPort(each) === target);
      return found === undefined || found.protocol === port.protocol ? [] : [{ service, port: found }];
    })[0];
}

/** No label that both select has two values. */
function mayShareWorkloads(
  { selector: one = {} }: MeshService,
  { selector: other = {} }: MeshService,
): boolean {
  return Object.entries(one).every(([key, value]) => other[key] === undefined || other[key] === value);
}

function word(protocol: Protocol): string {
  return isSniffed(protocol) ? "of no protocol" : protocol;
}
