// ALLOW policies that shut out kubelet's probes: those that injection didn't lead through the agent come to the proxy from
// the node, without a certificate. A probe that only connects passes, since the proxy takes the connection itself.

import { matchesLabels } from "../../core/label-selector.ts";
import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { allows, createLetsIn, podName } from "./allow-rules.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { rowsFor } from "./namespaced-rows.ts";
import type { PodProbe } from "./probed-pods.ts";
import { matchesPattern } from "./rule-callers.ts";

export function* checkShutOutProbes(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  if (!allows(object)) return;
  const labels = object.spec?.selector?.matchLabels ?? {};
  const letsIn = createLetsIn(object, context);
  for (const [, { pod, probes }] of rowsFor(object, context.indexes.probedPods, context)) {
    if (!matchesLabels(labels, pod.labels)) continue;
    const refused = probes.find((probe) => {
      const about = `${probe.method} ${probe.port} ${probe.path}`;
      const isFor = (rule: AuthorizationRule) => mayBeFor(rule, probe);
      return letsIn(pod, { callers: [undefined], about, isFor }) === false;
    });
    if (refused === undefined) continue;
    const { kind, method, path, port } = refused;
    yield problemAt(object, "spec.rules", {
      code: "MLT2044",
      message: `No ALLOW policy lets in the ${kind} ${method} ${path} at port ${port} of pod "${podName(pod, object)}", which comes from kubelet without a certificate`,
      hint: `a rule for ${path} lets it in; where the pod's probes are rewritten (sidecar.istio.io/rewriteAppHTTPProbers), the agent is asked, past all policies`,
    });
    return;
  }
}

function mayBeFor({ to = [] }: AuthorizationRule, { method, path, port }: PodProbe): boolean {
  if (to.length === 0) return true;
  return to.some(({ operation = {} }) => {
    const { ports, notPorts, methods, notMethods, paths, notPaths } = operation;
    return (
      isAmong(String(port), ports, notPorts) &&
      isAmong(method, methods, notMethods) &&
      isAmong(path, paths, notPaths)
    );
  });
}

function isAmong(value: string, wanted: readonly string[] = [], unwanted: readonly string[] = []): boolean {
  // A template of a path may match.
  const isOneOf = (patterns: readonly string[], ofTemplate: boolean) =>
    patterns.some((each) => (each.includes("{") ? ofTemplate : matchesPattern(each, value)));
  return (wanted.length === 0 || isOneOf(wanted, true)) && !isOneOf(unwanted, false);
}
