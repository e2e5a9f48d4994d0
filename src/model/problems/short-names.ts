// Kubernetes' Services by the short names that their clients call them by, such as `reviews.shop`.

import { isWildcard } from "../../core/hostname.ts";
import { findNamed } from "../host-table.ts";
import type { MeshService } from "../service.ts";
import { virtualHostDomains } from "../virtual-host-domains.ts";
import type { CheckContext } from "./check.ts";

/** Those that clients call so, other than by their full hosts; sorted by host. */
export function servicesNamed(
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
