// What an injected pod's author should hear: the pod starts, but perhaps not as meant.

import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { whyWithoutEffect } from "./annotation-reference.ts";
import { containerNames } from "./injection-settings.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

export function injectionWarnings(plan: SidecarPlan): Problem[] {
  return [
    ...idleAnnotations(plan),
    ...unsupportedNative(plan),
    ...strandedContainers(plan),
    ...uncapturedContainers(plan),
  ];
}

function* idleAnnotations({ pod }: SidecarPlan): Iterable<Problem> {
  for (const name of Object.keys(pod.metadata.annotations ?? {})) {
    const reason = whyWithoutEffect(name);
    if (reason === undefined) continue;
    const path = `metadata.annotations["${name}"]`;
    yield problem("MLT1021", { path, message: `Annotation ${name} has no effect: ${reason}` });
  }
}

function* unsupportedNative({ annotations, settings }: SidecarPlan): Iterable<Problem> {
  if (annotations.isNative !== true || settings.supportsNativeSidecars) return;
  yield problem("MLT1021", {
    path: 'metadata.annotations["sidecar.istio.io/nativeSidecar"]',
    message:
      "The sidecar is a classic one: a node's kubelet is older than 1.29 and would never start the app",
  });
}

/** A plugin captures before any container runs, and a classic sidecar isn't there before all init containers are done. */
function* strandedContainers(plan: SidecarPlan): Iterable<Problem> {
  const { capture, isNative, mode, pod, settings, templates } = plan;
  const capturesNothing = mode === "NONE" || capture.outboundRanges.length === 0;
  const isSidecar = templates.role === "sidecar";
  if (settings.capture !== "cni" || !isSidecar || isNative || capturesNothing) return;
  const { uid } = settings.proxyIds;
  const stranded = (pod.spec.initContainers ?? []).filter(
    ({ name, restartPolicy, securityContext }) =>
      name !== containerNames.proxy && restartPolicy !== "Always" && securityContext?.runAsUser !== uid,
  );
  if (stranded.length === 0) return;
  const names = stranded.map(({ name }) => `"${name}"`).join(", ");
  yield problem("MLT2031", {
    path: "spec.initContainers",
    message: `Init containers ${names} have no network and no DNS, since the sidecar starts after them`,
    hint: settings.supportsNativeSidecars
      ? `set the annotation sidecar.istio.io/nativeSidecar to "true", or their runAsUser to ${uid}`
      : `set their runAsUser to ${uid}`,
  });
}

/**
 * Interception knows the proxy's own traffic by its user and group. Init containers that end before the app may want just
 * that, with a plugin that captures before they run.
 */
function* uncapturedContainers({ mode, pod, settings, templates }: SidecarPlan): Iterable<Problem> {
  if (templates.role !== "sidecar" || mode === "NONE") return;
  const { uid, gid } = settings.proxyIds;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const { name, securityContext } of [...pod.spec.containers, ...sidecars]) {
    const { runAsUser, runAsGroup } = { ...pod.spec.securityContext, ...securityContext };
    if (name === containerNames.proxy || (runAsUser !== uid && runAsGroup !== gid)) continue;
    yield problem("MLT2032", {
      path: "spec.containers",
      message: `Container "${name}" runs as user or group ${uid}, the proxy's: its requests bypass the mesh, and it can reach what is the proxy's alone`,
      hint: "choose another runAsUser and runAsGroup",
    });
  }
}
