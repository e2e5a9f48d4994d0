// A VirtualService that decides over another namespace's host, or over paths of a host that another namespace has at a
// gateway. As in Istio it may; who writes one, and whose host it is, should know.

import { hostnamesOverlap, isHostnameWithin, isWildcard } from "../../core/hostname.ts";
import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { claimants } from "../address-claims.ts";
import { MESH_GATEWAY } from "../gateway-name.ts";
import { serverHost } from "../gateway-servers.ts";
import type { HostRoutes } from "../host-routes.ts";
import { findNamed } from "../host-table.ts";
import { byAge, type MeshService } from "../service.ts";
import { rowKey } from "../sources.ts";
import { haveCommonViewer, type Visibility } from "../visibility.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { servicesNamed } from "./short-names.ts";

export function* checkCrossNamespaceHosts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { read, model, settings } = context;
  const { namespace, name } = object.metadata;
  const own = read.get(model.hostRoutes.table, rowKey(namespace, name));
  // Whoever may write there speaks for the whole mesh.
  if (own === undefined || namespace === settings.rootNamespace) return;
  for (const [at, host] of own.hosts.entries()) {
    const path = `spec.hosts[${at}]`;
    const written = object.spec.hosts?.[at] ?? host;
    if (own.gateways.includes(MESH_GATEWAY)) yield* ofSidecars(object, { own, host, written, path }, context);
    yield* ofGateways(object, { own, host, written, path }, context);
  }
}

interface RoutedHost {
  readonly own: HostRoutes;
  readonly host: string;
  readonly written: string;
  readonly path: string;
}

function* ofSidecars(
  object: VirtualService,
  { own, host, written, path }: RoutedHost,
  context: CheckContext,
): Iterable<Problem> {
  // A namespace decides for its own clients.
  if (!reachesOthers(own.visibility, own.namespace)) return;
  const services = servicesCalled(host, context).filter((each) =>
    haveCommonViewer(each.visibility, own.visibility),
  );
  const others = services.filter(({ namespace }) => namespace !== own.namespace);
  const [first] = others;
  const isShared = !isWildcard(host) && others.length < services.length;
  if (first === undefined || isShared) return;
  const more = others.length === 1 ? "" : ` and of ${others.length - 1} more services of other namespaces`;
  yield problemAt(object, path, {
    code: "MLT2023",
    message: `"${written}" is a host of ${objectKeyText(first.object)}${more}: this VirtualService routes it for clients of other namespaces too`,
    hint: 'with exportTo: ["."] it is for clients of its own namespace; else the rules belong beside the service',
  });
}

/** A server takes the host from VirtualServices of the namespace. */
function admits(gateway: Gateway | undefined, namespace: string, host: string): boolean {
  if (gateway === undefined) return false;
  return (gateway.spec.servers ?? [])
    .flatMap((server) => server.hosts)
    .map((written) => serverHost(written, gateway.metadata.namespace))
    .some((each) => ["*", namespace].includes(each.namespace) && hostnamesOverlap(each.host, host));
}

function reachesOthers(visibility: Visibility, namespace: string): boolean {
  return visibility === "public" || visibility.namespaces.some((each) => each !== namespace);
}

/** By their hosts, short names and addresses, or by names that a wildcard covers; sorted by host. */
function servicesCalled(host: string, context: CheckContext): readonly MeshService[] {
  const { read, model } = context;
  const named = isWildcard(host)
    ? read
        .all(model.services)
        .map(([, service]) => service)
        .filter(({ hostname }) => isHostnameWithin(hostname, host))
    : findNamed(read, model.hostClaims, host).map(([, service]) => service);
  const byAddress = claimants({ read, claims: model.addressClaims, address: host });
  return [...new Set([...named, ...servicesNamed(host, context), ...byAddress])].sort((a, b) =>
    a.hostname < b.hostname ? -1 : 1,
  );
}

/** Several VirtualServices of one host at a gateway add up: each says some of its paths. */
function* ofGateways(
  object: VirtualService,
  { own, host, written, path }: RoutedHost,
  { read, model }: CheckContext,
): Iterable<Problem> {
  for (const gateway of own.gateways.filter((each) => each !== MESH_GATEWAY)) {
    const [oldest] = read
      .find(model.hostRoutes.byGateway, gateway)
      .map(([, routes]) => routes)
      .filter(({ namespace, hosts }) => namespace !== own.namespace && hosts.includes(host))
      .filter((routes) => haveCommonViewer(routes.visibility, own.visibility))
      .sort(byAge);
    if (oldest === undefined || byAge(own, oldest) < 0) continue;
    if (!admits(read.get(model.gateways, gateway), own.namespace, host)) continue;
    yield problemAt(object, path, {
      code: "MLT2023",
      message: `"${written}" at Gateway "${gateway}" is a host of ${objectKeyText(oldest.object)} of another namespace, which is older: this VirtualService adds paths to it`,
      hint: "a Gateway's hosts can name the namespace that has them: namespace/host",
    });
  }
}
