// Which pods a call may come to, and at which port: those behind the Service that its host names, or those that `--to`
// names.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import type { AskedCall } from "./asked-call.ts";
import { findPodObjects, type MeshPods, podPort, podsBehind } from "./mesh-pods.ts";

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
      ? pods.map((pod) => ({ pod, port: call.port }))
      : podsOfPort(service, call, pods);
  }
  const byAddress = meshPods.pods.filter(({ status }) => status?.podIP === call.host);
  if (byAddress.length > 0) return byAddress.map((pod) => ({ pod, port: call.port }));
  if (service === undefined) throw unknownHost(call.host, namespace, meshPods.services);
  return podsOfPort(service, call, podsBehind(service, meshPods.pods));
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
