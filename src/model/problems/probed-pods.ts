// Pods whose probes come to the application by way of its proxy, as the pods were made: injection leads them through the agent,
// unless an annotation or the mesh's values say otherwise.

import type { Graph } from "../../graph/graph.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Model } from "../model.ts";
import type { Sources } from "../sources.ts";
import type { Workload } from "../workloads.ts";
import { declareNamespacedRows, type NamespacedRows } from "./namespaced-rows.ts";

export interface ProbedPod {
  readonly namespace: string;
  readonly pod: Workload;
  readonly probes: readonly PodProbe[];
}

/** A request of kubelet's. */
export interface PodProbe {
  readonly kind: (typeof KINDS)[number];
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly port: number;
}

const KINDS = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

export function declareProbedPods(
  graph: Graph,
  sources: Sources,
  { workloads }: Model,
): NamespacedRows<ProbedPod> {
  const table = graph.derive<Pod, ProbedPod>({
    name: "pods that are probed through their proxies",
    from: sources.Pod,
    rows: (key, { metadata: { annotations = {} }, spec }, read) => {
      const containers = (spec?.containers ?? []).filter(isProbedPastAgent);
      if (containers.length === 0) return [];
      const pod = read.get(workloads.table, key);
      if (pod?.hasMutualTls !== true) return [];
      const passed = portsPastProxy(annotations);
      const probes = containers
        .flatMap((container) => probesOf(container, pod))
        .filter(({ port }) => !passed.includes(port));
      return probes.length === 0 ? [] : [[key, { namespace: pod.namespace, pod, probes }]];
    },
  });
  return declareNamespacedRows(graph, table);
}

const AGENT_PORT = 15020;

/** Of nearly all pods, injection has led every probe through the agent. */
function isProbedPastAgent(container: ProbedContainer): boolean {
  return KINDS.some((kind) => {
    const { httpGet, grpc } = container[kind] ?? {};
    return grpc !== undefined || (httpGet !== undefined && httpGet.port !== AGENT_PORT);
  });
}

/** Not captured, or the agent's. */
export function portsPastProxy(annotations: Readonly<Record<string, string>>): readonly number[] {
  const excluded = (annotations["traffic.sidecar.istio.io/excludeInboundPorts"] ?? "").split(",");
  return [AGENT_PORT, ...excluded.map((each) => Number(each.trim()))];
}

type ProbedContainer = Partial<Pick<Container, (typeof KINDS)[number]>>;

function probesOf(container: ProbedContainer, pod: Workload): readonly PodProbe[] {
  return KINDS.flatMap((kind): readonly PodProbe[] => {
    const { httpGet, grpc } = container[kind] ?? {};
    if (grpc !== undefined)
      return [{ kind, method: "POST", path: "/grpc.health.v1.Health/Check", port: grpc.port }];
    // Of TLS that the proxy doesn't open it knows no path.
    if (httpGet === undefined || httpGet.scheme === "HTTPS") return [];
    const port = pod.portNumbers[String(httpGet.port)] ?? Number(httpGet.port);
    const [path = "/"] = (httpGet.path ?? "/").split("?", 1);
    return Number.isInteger(port) ? [{ kind, method: "GET", path, port }] : [];
  });
}
