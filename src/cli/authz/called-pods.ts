// Which pods a call may come to, and at which port: those behind the Service that its host names, those that `--to`
// names, or gateways that have a server for its host.

import { canonicalHostname, isHostnameWithin } from "../../core/hostname.ts";
import { matchesLabels } from "../../core/label-selector.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import type { AskedCall } from "./asked-call.ts";
import { findPodObjects, isGateway, type MeshPods, podPort, podsBehind } from "./mesh-pods.ts";

export interface CalledPod {
  readonly pod: Pod;
  /** Its own. */
  readonly port: number;
}

export interface CallTarget {
  /** A WORKLOAD: only its pods, at the pod's own port where the host is no Service. */
  readonly to: string | undefined;
  /** In which short names are looked for. */
  readonly namespace: string | undefined;
}

/** At least one. */
export function findCalledPods(
  call: AskedCall,
  { to, namespace }: CallTarget,
  meshPods: MeshPods,
): readonly CalledPod[] {
  const service = findService(call.host, namespace, meshPods.services);
  if (to !== undefined) {
    const pods = findPodObjects(meshPods, to, undefined);
    if (pods.length === 0) throw new CommandFailure(exitCodes.no, `No pod of "${to}" runs`);
    return service === undefined
      ? pods.map((pod) => ({ pod, port: portAt(pod, call.port, meshPods.services) }))
      : podsOfPort(service, call, pods);
  }
  const byAddress = meshPods.pods.filter(({ status }) => status?.podIP === call.host);
  if (byAddress.length > 0) return byAddress.map((pod) => ({ pod, port: call.port }));
  if (service === undefined) throw unknownHost(call.host, namespace, meshPods.services);
  return podsOfPort(service, call, podsBehind(service, meshPods.pods));
}

/** Whether the host is a Service's or a pod's, of the mesh. */
export function isHostOfMesh(host: string, namespace: string | undefined, meshPods: MeshPods): boolean {
  const isAddress = meshPods.pods.some(({ status }) => status?.podIP === host);
  return isAddress || findService(host, namespace, meshPods.services) !== undefined;
}

/** Of the gateways that have a server for the host, at the port where their Service takes it; perhaps none. */
export function findGatewayPods(
  { host, port }: AskedCall,
  gateways: readonly Gateway[],
  { pods, services }: MeshPods,
): readonly CalledPod[] {
  const serving = gateways.filter(({ spec }) =>
    (spec.servers ?? []).some((server) => server.port?.number === port && isServed(host, server.hosts ?? [])),
  );
  return pods
    .filter(
      (pod) =>
        isGateway(pod) && serving.some(({ spec }) => matchesLabels(spec.selector ?? {}, pod.metadata.labels)),
    )
    .map((pod) => ({ pod, port: portAt(pod, port, services) }));
}

/** Hosts of a Gateway may say of which namespace routes are taken: `shop/*.example.com`. */
function isServed(host: string, hosts: readonly string[]): boolean {
  return hosts.some((each) =>
    isHostnameWithin(canonicalHostname(host), canonicalHostname(each.slice(each.indexOf("/") + 1))),
  );
}

/** A gateway is called at a Service's port, whichever port that is in its pod; others are named by their own. */
function portAt(pod: Pod, port: number, services: readonly Service[]): number {
  if (!isGateway(pod)) return port;
  const ports = services
    .filter((service) => podsBehind(service, [pod]).length > 0)
    .flatMap(({ spec }) => spec?.ports ?? []);
  const ofService = ports.find((each) => each.port === port);
  return (ofService && podPort(ofService, pod)) ?? port;
}

function podsOfPort(service: Service, { port }: AskedCall, pods: readonly Pod[]): readonly CalledPod[] {
  const ports = service.spec?.ports ?? [];
  const wanted = ports.find((each) => each.port === port);
  const { name, namespace } = service.metadata;
  if (wanted === undefined) {
    const known = ports.map((each) => each.port).join(", ");
    throw new CommandFailure(
      exitCodes.usage,
      `Service "${name}.${namespace}" has no port ${port}`,
      `its ports: ${known}`,
    );
  }
  const found = pods.flatMap((pod) => {
    const own = podPort(wanted, pod);
    return own === undefined ? [] : [{ pod, port: own }];
  });
  if (found.length > 0) return found;
  throw new CommandFailure(
    exitCodes.no,
    `No running pod is behind port ${port} of Service "${name}.${namespace}"`,
    "name a workload: --to WORKLOAD",
  );
}

/** `reviews`, `reviews.shop`, `reviews.shop.svc…`, or the Service's address. A short name may be any namespace's if one alone has it. */
function findService(
  host: string,
  namespace: string | undefined,
  services: readonly Service[],
): Service | undefined {
  const [name, place, svc] = host.toLowerCase().split(".");
  const byAddress = services.find(({ spec }) =>
    [spec?.clusterIP, ...(spec?.clusterIPs ?? [])].includes(host),
  );
  if (byAddress !== undefined) return byAddress;
  const named = services.filter(({ metadata }) => metadata.name === name);
  if (place !== undefined) {
    const isOfMesh = svc === undefined || svc === "svc";
    return isOfMesh ? named.find(({ metadata }) => metadata.namespace === place) : undefined;
  }
  if (namespace !== undefined) return named.find(({ metadata }) => metadata.namespace === namespace);
  return named.length === 1 ? named[0] : undefined;
}

function unknownHost(
  host: string,
  namespace: string | undefined,
  services: readonly Service[],
): CommandFailure {
  const elsewhere = services.filter(({ metadata }) => metadata.name === host);
  const [other] = elsewhere;
  if (other !== undefined) {
    const names = elsewhere.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
    const place = namespace === undefined ? "is in several namespaces" : `isn't in namespace "${namespace}"`;
    return new CommandFailure(
      exitCodes.usage,
      `Service "${host}" ${place}`,
      `did you mean ${names.join(" or ")}?`,
    );
  }
  const names = services.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
  const hint = spellingHint(host, [...names, ...services.map(({ metadata }) => metadata.name)]);
  const message = `"${host}" is no Service of the mesh, and no address of its pods`;
  return new CommandFailure(exitCodes.no, message, hint ?? "name a workload: --to WORKLOAD");
}
