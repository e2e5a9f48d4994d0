// Services by the host that an object names, as its namespace sees them, and the host that was probably meant.

import { isWildcard, qualifyHostname } from "../../core/hostname.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import { clientIn } from "../client.ts";
import { everyServiceCalled, ownsHost } from "../host-owner.ts";
import { findByHost, findNamed } from "../host-table.ts";
import type { MeshService } from "../service.ts";
import type { CheckContext } from "./check.ts";

export interface HostReference {
  /** As written. */
  readonly host: string;
  /** Of the object that it is written in. */
  readonly namespace: string;
}

/** What clients of some of the namespaces reach by a host: its service, and those that have a wildcard over it. */
export function servicesOf(
  reference: HostReference,
  clients: readonly string[],
  context: CheckContext,
): readonly MeshService[] {
  const { read, model } = context;
  return everyServiceOf(reference, context).filter((service) =>
    clients.some((namespace) =>
      ownsHost(service, { read, claims: model.hostClaims, client: clientIn(namespace) }),
    ),
  );
}

/** Also those that only clients of other namespaces reach. */
export function everyServiceOf(
  { host, namespace }: HostReference,
  { read, model, settings }: CheckContext,
): readonly MeshService[] {
  const hostname = qualifyHostname(host, namespace, settings.clusterDomain);
  const covering = findByHost(read, model.hostClaims, hostname).map(([, service]) => service);
  return [...new Set([...everyServiceCalled(hostname, { read, claims: model.hostClaims }), ...covering])];
}

/** A name that lacks the rest of its domain, a kind of Service that can't be called through the mesh, or a slip. */
export function hostHint({ host, namespace }: HostReference, context: CheckContext): string | undefined {
  const { read, model, sources, settings } = context;
  const { clusterDomain } = settings;
  const completed = [`${host}.svc.${clusterDomain}`, `${host}.${clusterDomain}`].find(
    (candidate) => !isWildcard(host) && findNamed(read, model.hostClaims, candidate).length > 0,
  );
  if (completed !== undefined) return `a name with a dot is taken as it is: write "${completed}"`;
  const [name = "", ofNamespace = namespace] = host.split(".");
  if (read.get(sources.Service, `${ofNamespace}/${name}`)?.spec?.type === "ExternalName")
    return `Service "${name}" is of type ExternalName: name the host that it stands for`;
  const hosts = new Set(read.all(model.services).map(([, { hostname }]) => hostname));
  const [elsewhere] = [...hosts].filter((each) => isSameNameElsewhere(each, host, clusterDomain)).sort();
  if (elsewhere !== undefined)
    return `a short name is of the object's own namespace "${namespace}": did you mean "${elsewhere}"?`;
  const suffix = `.${namespace}.svc.${clusterDomain}`;
  const local = [...hosts]
    .filter((each) => each.endsWith(suffix))
    .map((each) => each.slice(0, -suffix.length));
  return spellingHint(host, host.includes(".") ? hosts : local);
}

/** Of a short name: whether the host is a Service of that name in some namespace. */
function isSameNameElsewhere(hostname: string, name: string, clusterDomain: string): boolean {
  const suffix = `.svc.${clusterDomain}`;
  if (!hostname.startsWith(`${name}.`) || !hostname.endsWith(suffix)) return false;
  const namespace = hostname.slice(name.length + 1, -suffix.length);
  return namespace !== "" && !namespace.includes(".");
}
