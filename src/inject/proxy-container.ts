// The `istio-proxy` container: the agent with its Envoy, as a sidecar or as a gateway.

import type { Container, ResourceRequirements } from "../kinds/pod/container.ts";
import type { Lifecycle, Probe } from "../kinds/pod/probe.ts";
import type { ContainerSecurityContext } from "../kinds/pod/security-context.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import { containerNames } from "./injection-settings.ts";
import { proxyEnvironment } from "./proxy-environment.ts";
import { mountsOfProxy } from "./proxy-volumes.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

const PROXY_ID = 1337;
const HEALTH_PORT = 15021;
const METRICS_PORT = 15090;

export function buildProxyContainer(plan: SidecarPlan, applications: readonly Container[]): Container {
  const lifecycle = buildLifecycle(plan);
  return {
    name: containerNames.proxy,
    image: annotationOf(plan.pod, "sidecar.istio.io/proxyImage") ?? plan.settings.images.proxy,
    args: proxyArgs(plan),
    env: proxyEnvironment(plan, applications),
    ports: [{ name: "http-envoy-prom", containerPort: METRICS_PORT, protocol: "TCP" }],
    ...(plan.isNative && plan.role === "sidecar" ? { restartPolicy: "Always" } : {}),
    ...(lifecycle === undefined ? {} : { lifecycle }),
    readinessProbe: buildReadinessProbe(plan.pod),
    ...(plan.role === "sidecar" ? { startupProbe: startupProbe } : {}),
    resources: buildResources(plan),
    securityContext: buildSecurityContext(plan),
    volumeMounts: mountsOfProxy(),
  };
}

function proxyArgs({ pod, role, settings }: SidecarPlan): string[] {
  const annotated = (name: string, otherwise: string) =>
    annotationOf(pod, `sidecar.istio.io/${name}`) ?? otherwise;
  return [
    "proxy",
    role,
    "--domain",
    `$(POD_NAMESPACE).svc.${settings.clusterDomain}`,
    `--proxyLogLevel=${annotated("logLevel", "warning")}`,
    `--proxyComponentLogLevel=${annotated("componentLogLevel", "misc:error")}`,
    `--log_output_level=${annotated("agentLogLevel", "default:info")}`,
  ];
}

function buildLifecycle({ isNative, holdsApplication, role }: SidecarPlan): Lifecycle | undefined {
  if (role === "router") return undefined;
  if (isNative) {
    // kubelet stops a native sidecar after the application, so draining can begin when it is told to stop.
    return {
      preStop: { exec: { command: ["pilot-agent", "request", "--debug-port=15020", "POST", "drain"] } },
    };
  }
  return holdsApplication ? { postStart: { exec: { command: ["pilot-agent", "wait"] } } } : undefined;
}

const healthCheck = { httpGet: { path: "/healthz/ready", port: HEALTH_PORT }, timeoutSeconds: 3 };

const startupProbe: Probe = { ...healthCheck, periodSeconds: 1, failureThreshold: 600 };

function buildReadinessProbe(pod: InjectablePod): Probe {
  const annotated = (name: string, otherwise: number) =>
    Number(annotationOf(pod, `readiness.status.sidecar.istio.io/${name}`) ?? otherwise);
  return {
    ...healthCheck,
    initialDelaySeconds: annotated("initialDelaySeconds", 0),
    periodSeconds: annotated("periodSeconds", 15),
    failureThreshold: annotated("failureThreshold", 4),
  };
}

/** As in Istio, one annotation of the four puts the defaults of all out of force. */
function buildResources({ pod, settings }: SidecarPlan): ResourceRequirements {
  const cpu = annotationOf(pod, "sidecar.istio.io/proxyCPU");
  const memory = annotationOf(pod, "sidecar.istio.io/proxyMemory");
  const cpuLimit = annotationOf(pod, "sidecar.istio.io/proxyCPULimit");
  const memoryLimit = annotationOf(pod, "sidecar.istio.io/proxyMemoryLimit");
  if ([cpu, memory, cpuLimit, memoryLimit].every((quantity) => quantity === undefined)) {
    return settings.proxyResources;
  }
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) };
  const limits = { ...(cpuLimit && { cpu: cpuLimit }), ...(memoryLimit && { memory: memoryLimit }) };
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

function buildSecurityContext({ mode, role }: SidecarPlan): ContainerSecurityContext {
  // TPROXY keeps the caller's address on the connection to the app, which only root with NET_ADMIN can.
  const isTransparent = mode === "TPROXY" && role === "sidecar";
  return {
    allowPrivilegeEscalation: false,
    privileged: false,
    capabilities: { ...(isTransparent && { add: ["NET_ADMIN"] }), drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsGroup: PROXY_ID,
    runAsNonRoot: !isTransparent,
    runAsUser: isTransparent ? 0 : PROXY_ID,
    // Namespaces of the level `restricted` want it said, by the container where the pod doesn't.
    seccompProfile: { type: "RuntimeDefault" },
  };
}
