// Pods whose probes come to the application by way of its proxy, as the pods were made: injection leads them through the agent,
// unless an annotation or the mesh's values say otherwise.

import type { Graph } from "../../graph/graph.ts";
import type { Container } from "../../kinds/pod/container.ts";
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
  const table = graph.derive<Workload, ProbedPod>({
    name: "pods that are probed through their proxies",
    from: workloads.table,
    rows: (key, pod, read) => {
      const object = pod.hasMutualTls ? read.get(sources.Pod, key) : undefined;
      if (object === undefined) return [];
      const passed = portsPastProxy(object.metadata.annotations ?? {});
      const probes = (object.spec?.containers ?? [])
        .flatMap((container) => probesOf(container, pod))
        .filter(({ port }) => !passed.includes(port));
      return probes.length === 0 ? [] : [[key, { namespace: pod.namespace, pod, probes }]];
    },
  });
  return declareNamespacedRows(graph, table);
}

const AGENT_PORT = 15020;

/** Not captured, or the agent's. */
export function portsPastProxy(annotations: Readonly<Record<string, string>>): readonly number[] {
  const excluded = (annotations["traffic.sidecar.istio.io/excludeInboundPorts"] ?? "").split(",");
  return [AGENT_PORT, ...excluded.map((each) => Number(each.trim()))];
}

function probesOf(
  container: Partial<Pick<Container, (typeof KINDS)[number]>>,
  pod: Workload,
): readonly PodProbe[] {
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
