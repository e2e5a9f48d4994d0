// Where a CNI plugin captures the pod: the container that keeps the application from starting while it has not, and
// needs no right for it. By its exit code the plugin's repair finds the pod.

import { formatCaptureArgs } from "../capture/capture-args.ts";
import type { Container } from "../kinds/pod/container.ts";
import { containerNames } from "./injection-settings.ts";
import { pullPolicyOf } from "./proxy-container.ts";
import { metadataEnvironment } from "./proxy-environment.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

/** Undefined where nothing is captured, or the init container does it and knows. */
export function buildValidationContainer(plan: SidecarPlan): Container | undefined {
  if (plan.role === "router" || plan.mode === "NONE" || plan.settings.capture === "init") return undefined;
  const env = metadataEnvironment(plan);
  const { images, proxyIds, proxyResources, seccompProfile } = plan.settings;
  return {
    name: containerNames.validation,
    image: images.init,
    ...pullPolicyOf(plan),
    args: [
      "istio-iptables",
      ...formatCaptureArgs(plan.capture),
      "--log_output_level=default:info",
      "--run-validation",
      "--skip-rule-apply",
    ],
    ...(env.length === 0 ? {} : { env }),
    resources: proxyResources,
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsGroup: proxyIds.gid,
      runAsNonRoot: true,
      // For the proxy's user alone, a connection to its own pod is led back to the inbound port.
      runAsUser: proxyIds.uid,
      ...(seccompProfile === undefined ? {} : { seccompProfile }),
    },
  };
}
