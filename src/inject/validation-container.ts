// Where a CNI plugin captures the pod: the container that keeps the application from starting while it has not, and
// needs no right for it. By its exit code the plugin's repair finds the pod.

import { formatCaptureArgs } from "../capture/capture-args.ts";
import type { Container } from "../kinds/pod/container.ts";
import { containerNames } from "./injection-settings.ts";
import { metadataEnvironment } from "./proxy-environment.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

// For the proxy's user alone, a connection to its own pod is led back to the inbound port.
const PROXY_ID = 1337;

/** Undefined where nothing is captured, or the init container does it and knows. */
export function buildValidationContainer(plan: SidecarPlan): Container | undefined {
  if (plan.role === "router" || plan.mode === "NONE" || plan.settings.capture === "init") return undefined;
  const env = metadataEnvironment(plan);
  return {
    name: containerNames.validation,
    image: plan.settings.images.init,
    args: [
      "istio-iptables",
      ...formatCaptureArgs(plan.capture),
      "--log_output_level=default:info",
      "--run-validation",
      "--skip-rule-apply",
    ],
    ...(env.length === 0 ? {} : { env }),
    resources: plan.settings.proxyResources,
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsGroup: PROXY_ID,
      runAsNonRoot: true,
      runAsUser: PROXY_ID,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}
