// A ServiceEntry whose host is a short name of a Kubernetes Service, such as `reviews.shop`: HTTP clients that call it
// mean one of the two.

import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { isHttp, isSniffed } from "../../core/protocol.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { isMadeBy, type MeshService } from "../service.ts";
import { keyOf } from "../sources.ts";
import { haveCommonViewer } from "../visibility.ts";
import { type CheckContext, problemAt, shortHost } from "./check.ts";
import { servicesNamed } from "./short-names.ts";

export function* checkShortNameConflicts(object: ServiceEntry, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const { namespace } = object.metadata;
  const own = read
    .find(model.servicesByNamespace, namespace)
    .map(([, service]) => service)
    .find((service) => isMadeBy(service, keyOf(object)));
  if (own === undefined) return;
  for (const [at, host] of object.spec.hosts.entries()) {
    const named = servicesNamed(host, context).filter(
      (service) => sharesHttpPort(service, own) && haveCommonViewer(service.visibility, own.visibility),
    );
    const service = named.find((each) => each.namespace === namespace) ?? named[0];
    if (service === undefined) continue;
    const others = named.length === 1 ? "" : ` (and of ${named.length - 1} more)`;
    const isOwn = service.namespace === namespace;
    yield problemAt(object, `spec.hosts[${at}]`, {
      code: "MLT2015",
      severity: "warning",
      message: `"${host}" is a short name of ${objectKeyText(service.object)}${others} too: ${isOwn ? "all HTTP clients reach this one by it" : outcomeElsewhere(host)}`,
      hint: isOwn
        ? `DNS leads the name to the Service: call the Service "${shortHost(service.hostname, settings)}.svc.${settings.clusterDomain}", or name another host`
        : "DNS leads the name to the Service: name another host",
    });
  }
}

/** A single word is a name for clients of the Service's namespace only. */
function outcomeElsewhere(host: string): string {
  return host.includes(".")
    ? "HTTP clients in this namespace reach this one by it, all others the Service"
    : "HTTP clients in the Service's namespace reach the Service by it, all others this one";
}

function sharesHttpPort(a: MeshService, b: MeshService): boolean {
  const numbers = new Set(httpPorts(a));
  return httpPorts(b).some((number) => numbers.has(number));
}

function httpPorts({ ports }: MeshService): readonly number[] {
  return ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol)).map(({ number }) => number);
}
