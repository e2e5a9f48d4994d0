// A ServiceEntry whose host is a short name of a Kubernetes Service, such as `reviews.shop`: HTTP clients that call it
// mean one of the two.

import { isWildcard } from "../../core/hostname.ts";
import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { isHttp, isSniffed } from "../../core/protocol.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { findNamed } from "../host-table.ts";
import { isMadeBy, type MeshService } from "../service.ts";
import { keyOf } from "../sources.ts";
import { virtualHostDomains } from "../virtual-host-domains.ts";
import { haveCommonViewer } from "../visibility.ts";
import { type CheckContext, problemAt, shortHost } from "./check.ts";

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

/** Kubernetes' Services that clients call so, other than by their full hosts; sorted by host. */
function servicesNamed(
  host: string,
  { read, model, indexes, settings }: CheckContext,
): readonly MeshService[] {
  const { clusterDomain } = settings;
  const name = (isWildcard(host) ? host.slice("*.".length) : host).replace(/\.$/, "").toLowerCase();
  const found = name.includes(".")
    ? [name, `${name}.${clusterDomain}`, `${name}.svc.${clusterDomain}`].flatMap((hostname) =>
        findNamed(read, model.hostClaims, hostname),
      )
    : read.find(indexes.kubernetesServicesByName, name);
  return found
    .map(([, service]) => service)
    .filter((service) => service.registry === "Kubernetes" && isShortName(host, service, clusterDomain))
    .sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
}

function isShortName(host: string, service: MeshService, clusterDomain: string): boolean {
  const { hostname, namespace, resolution } = service;
  const [, ...shortNames] = virtualHostDomains({
    hostname,
    addresses: [],
    proxyDomain: `${namespace}.svc.${clusterDomain}`,
    isHeadless: resolution === "headless",
  });
  return shortNames.includes(host.toLowerCase());
}

function sharesHttpPort(a: MeshService, b: MeshService): boolean {
  const numbers = new Set(httpPorts(a));
  return httpPorts(b).some((number) => numbers.has(number));
}

function httpPorts({ ports }: MeshService): readonly number[] {
  return ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol)).map(({ number }) => number);
}
