// The container that puts a pod's redirect rules in force before anything else of it runs.

import { formatCaptureArgs } from "../capture/capture-args.ts";
import type { Container } from "../kinds/pod/container.ts";
import { containerNames } from "./injection-settings.ts";
import { pullPolicyOf } from "./proxy-container.ts";
import { metadataEnvironment } from "./proxy-environment.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

/** Undefined where nothing is captured, or a CNI plugin does it. */
export function buildInitContainer(plan: SidecarPlan): Container | undefined {
  if (plan.role === "router" || plan.mode === "NONE" || plan.settings.capture === "cni") return undefined;
  const env = metadataEnvironment(plan);
  return {
    name: containerNames.init,
    image: plan.settings.images.init,
    ...pullPolicyOf(plan),
    args: ["istio-iptables", ...formatCaptureArgs(plan.capture), "--log_output_level=default:info"],
    ...(env.length === 0 ? {} : { env }),
    resources: plan.settings.proxyResources,
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      readOnlyRootFilesystem: false,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}
