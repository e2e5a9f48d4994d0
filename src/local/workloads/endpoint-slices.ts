// EndpointSlices from a Service and the pods that it selects, as Kubernetes' controller makes them. Pure.

import { matchesLabels } from "../../core/label-selector.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service, ServicePort } from "../../kinds/service.ts";
import { isFinished, isReady, isTerminating } from "./pod-condition.ts";
import { stableJson, templateHash } from "./template-hash.ts";

export const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
export const MANAGED_BY = "local.meltemi.dev";
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/**
 * One slice for each set of resolved ports (pods of one Service may name different numbers alike), at least one.
 * Empty for a Service without a selector: its endpoints are the user's to say.
 */
export function buildEndpointSlices(service: Service, pods: Iterable<Pod>): readonly EndpointSlice[] {
  if (!hasSelector(service)) return [];
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (!isSelected(service, pod)) continue;
    const endpoint = buildEndpoint(service, pod);
    if (endpoint === undefined) continue;
    const ports = resolvePorts(service, pod);
    const key = stableJson(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  if (groups.size === 0) groups.set("", { ports: [], endpoints: [] });
  return [...groups.values()].map((group) => buildSlice(service, group));
}

function hasSelector({ spec }: Service): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0;
}

export function isSelected(service: Service, pod: Pod): boolean {
  if (pod.metadata.namespace !== service.metadata.namespace || !hasSelector(service)) return false;
  return matchesLabels(service.spec?.selector ?? {}, pod.metadata.labels);
}

function buildEndpoint(service: Service, pod: Pod): Endpoint | undefined {
  const ip = pod.status?.podIP;
  if (ip === undefined || isFinished(pod)) return undefined;
  const isServing = isReady(pod);
  const isLeaving = isTerminating(pod);
  const isNamedByService = pod.spec.hostname !== undefined && pod.spec.subdomain === service.metadata.name;
  return {
    addresses: [ip],
    conditions: {
      ready: service.spec?.publishNotReadyAddresses === true || (isServing && !isLeaving),
      serving: isServing,
      terminating: isLeaving,
    },
    ...(isNamedByService && pod.spec.hostname !== undefined ? { hostname: pod.spec.hostname } : {}),
    nodeName: pod.spec.nodeName ?? "local",
    targetRef: { kind: "Pod", name: pod.metadata.name, namespace: pod.metadata.namespace },
  };
}

function resolvePorts(service: Service, pod: Pod): readonly EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = resolveTargetPort(port, pod);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? "",
      port: number,
      protocol: port.protocol ?? "TCP",
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}

function resolveTargetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  if (/^\d+$/.test(target)) return Number(target);
  const sidecars = (pod.spec.initContainers ?? []).filter(
    (container) => container.restartPolicy === "Always",
  );
  const protocol = port.protocol ?? "TCP";
  return [...pod.spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .find((candidate) => candidate.name === target && (candidate.protocol ?? "TCP") === protocol)
    ?.containerPort;
}

function buildSlice(
  service: Service,
  group: { ports: readonly EndpointPort[]; endpoints: readonly Endpoint[] },
): EndpointSlice {
  const { name, namespace, uid = "", labels } = service.metadata;
  const headless = service.spec?.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${templateHash(group.ports).slice(0, 5)}`,
      namespace,
      labels: { ...labels, ...headless, [SERVICE_NAME_LABEL]: name, [MANAGED_BY_LABEL]: MANAGED_BY },
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name, uid, controller: true }],
    },
    addressType: "IPv4",
    endpoints: group.endpoints.toSorted((left, right) =>
      (left.targetRef?.name ?? "").localeCompare(right.targetRef?.name ?? ""),
    ),
    ports: group.ports,
  };
}
