// ALLOW policies that shut out who has to get in: the gateways whose routes lead to their workloads, and Prometheus.

import { matchesLabels } from "../../core/label-selector.ts";
import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { MESH_GATEWAY, qualifyGateway } from "../gateway-name.ts";
import type { MeshService } from "../service.ts";
import { rowKey } from "../sources.ts";
import type { Workload } from "../workloads.ts";
import { allows, createLetsIn, podName } from "./allow-rules.ts";
import { type CheckContext, problemAt, shortHost } from "./check.ts";
import { rowsFor } from "./namespaced-rows.ts";
import { labelKey, routedHostKeys } from "./problem-indexes.ts";
import type { RuleCaller } from "./rule-callers.ts";
import { selectedWorkloads } from "./selected-workloads.ts";

export function* checkShutOutGateways(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  if (!allows(object)) return;
  const letsIn = createLetsIn(object, context);
  for (const [, service] of rowsFor(object, context.indexes.routedServices, context)) {
    const pod = podOf(service, object, context);
    const isShutOut = (caller: Workload) =>
      pod !== undefined && letsIn(pod, { callers: [caller], about: accountOf(caller) }) === false;
    const route = pod && routeThatIsShutOut(service, isShutOut, context);
    if (route === undefined) continue;
    const { virtualService, gateway, caller } = route;
    yield problemAt(object, "spec.rules", {
      code: "MLT2041",
      message: `No ALLOW policy lets in Gateway "${gateway}", whose pods run as "${caller.namespace}/${caller.serviceAccount}": what VirtualService "${virtualService}" routes to ${shortHost(service.hostname, context.settings)} is refused`,
      hint: `a rule with from[].source.serviceAccounts: ["${caller.namespace}/${caller.serviceAccount}"] lets it in`,
    });
    return;
  }
}

/** A scrape of the application's own port comes through its proxy; merged metrics are the agent's and don't. */
export function* checkShutOutPrometheus(
  object: AuthorizationPolicy,
  context: CheckContext,
): Iterable<Problem> {
  if (!allows(object)) return;
  const labels = object.spec?.selector?.matchLabels ?? {};
  const letsIn = createLetsIn(object, context);
  const callers: readonly RuleCaller[] = [undefined, ...ofDistinctAccounts(prometheusPods(context))];
  for (const [, { pod, port }] of rowsFor(object, context.indexes.scrapedPods, context)) {
    if (!matchesLabels(labels, pod.labels)) continue;
    const isFor = (rule: AuthorizationRule) => isForPort(rule, port);
    if (letsIn(pod, { callers, about: String(port), isFor }) !== false) continue;
    yield problemAt(object, "spec.rules", {
      code: "MLT2042",
      message: `No ALLOW policy lets Prometheus in at port ${port} of pod "${podName(pod, object)}", which its annotation prometheus.io/port names`,
      hint: "merged metrics, at the agent's port, are scraped past all policies; else a rule for the port lets it in",
    });
    return;
  }
}

/** With a proxy, of the service and of the policy. */
function podOf(service: MeshService, { spec = {} }: AuthorizationPolicy, { read, indexes }: CheckContext) {
  const wanted = { ...service.selector, ...spec.selector?.matchLabels };
  const [first] = Object.entries(service.selector ?? {});
  if (first === undefined) return undefined;
  return read
    .find(indexes.workloadsByLabel, labelKey(first))
    .map(([, pod]) => pod)
    .find(
      (pod) =>
        pod.namespace === service.namespace &&
        pod.hasMutualTls &&
        pod.proxyKind === "sidecar" &&
        matchesLabels(service.selector ?? {}, pod.labels) &&
        matchesLabels(wanted, pod.labels),
    );
}

function routeThatIsShutOut(
  service: MeshService,
  isShutOut: (caller: Workload) => boolean,
  context: CheckContext,
) {
  const { read, indexes, sources } = context;
  const routes = routedHostKeys(service).flatMap((key) => read.find(indexes.gatewayRoutesByHost, key));
  for (const [, { metadata, spec }] of routes) {
    for (const written of spec.gateways ?? []) {
      if (written === MESH_GATEWAY) continue;
      const gateway = qualifyGateway(written, metadata.namespace);
      const object = read.get(sources.Gateway, gateway);
      const pods = object === undefined ? [] : (selectedWorkloads(object, context) ?? []);
      const caller = ofDistinctAccounts(pods).find(isShutOut);
      if (caller !== undefined)
        return { virtualService: rowKey(metadata.namespace, metadata.name), gateway, caller };
    }
  }
  return undefined;
}

/** Pods of one account are let in or not together. */
function ofDistinctAccounts(pods: readonly Workload[]): readonly Workload[] {
  return [...new Map(pods.map((pod) => [accountOf(pod), pod] as const)).values()];
}

function accountOf({ namespace, serviceAccount }: Workload): string {
  return rowKey(namespace, serviceAccount);
}

function isForPort({ to = [] }: AuthorizationRule, port: number): boolean {
  if (to.length === 0) return true;
  return to.some(({ operation: { ports = [], notPorts = [], methods = [] } = {} }) => {
    const isMethod = methods.length === 0 || methods.some((method) => method === "GET" || method === "*");
    return (
      isMethod && (ports.length === 0 || ports.includes(String(port))) && !notPorts.includes(String(port))
    );
  });
}

/** By the labels that its charts give it. */
function prometheusPods({ read, indexes }: CheckContext): readonly Workload[] {
  return ["app.kubernetes.io/name=prometheus", "app=prometheus"].flatMap((label) =>
    read.find(indexes.workloadsByLabel, label).map(([, pod]) => pod),
  );
}
