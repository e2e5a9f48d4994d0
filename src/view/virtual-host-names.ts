// The names by which clients call a virtual host: those of its own namespace know it by short names too.

import { virtualHostDomains } from "../model/virtual-host-domains.ts";
import { type Scoped, splitLayerKey } from "./scoped-rows.ts";
import type { SidecarVirtualHost } from "./virtual-hosts.ts";

export interface HostNames {
  readonly routeName: string;
  readonly isPresent: boolean;
  readonly createdAt: string;
  /** As clients of its own namespace and of all others call it. */
  readonly near: readonly string[];
  readonly far: readonly string[];
  readonly namespaceSuffix: string;
}

/** `key` is the virtual host's row key. */
export function hostNames(key: string, row: Scoped<SidecarVirtualHost>, clusterDomain: string): HostNames {
  if (row.kind === "absent") {
    const { name } = splitLayerKey(key);
    const routeName = name.slice(0, name.indexOf(" "));
    return { routeName, isPresent: false, createdAt: "", near: [], far: [], namespaceSuffix: "" };
  }
  const { hostname, addresses, isHeadless, routeName, createdAt } = row.inputs;
  const namespaceSuffix = hostname.slice(hostname.indexOf(".") + 1);
  const domains = (proxyDomain: string) =>
    virtualHostDomains({ hostname, addresses, proxyDomain, isHeadless });
  return {
    routeName,
    isPresent: true,
    createdAt,
    near: domains(namespaceSuffix),
    far: domains(`-.svc.${clusterDomain}`),
    namespaceSuffix,
  };
}
