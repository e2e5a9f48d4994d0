// The `istio-proxy` container: the agent with its Envoy, as a sidecar or as a gateway.

import type { Container } from "../kinds/pod/container.ts";
import type { Lifecycle, Probe } from "../kinds/pod/probe.ts";
import type { ContainerSecurityContext } from "../kinds/pod/security-context.ts";
import { containerNames } from "./injection-settings.ts";
import { proxyEnvironment } from "./proxy-environment.ts";
import { proxyImage } from "./proxy-image.ts";
import { proxyResources } from "./proxy-resources.ts";
import { mountsOfProxy } from "./proxy-volumes.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

const HEALTH_PORT = 15021;
const METRICS_PORT = 15090;

export function buildProxyContainer(plan: SidecarPlan, applications: readonly Container[]): Container {
  const { annotations, proxyConfig, settings } = plan;
  const lifecycle = buildLifecycle(plan);
  const imageType = proxyConfig.image?.imageType;
  return {
    name: containerNames.proxy,
    image: proxyImage({ ofMesh: settings.images.proxy, annotations, imageType }),
    ...pullPolicyOf(plan),
    args: proxyArgs(plan),
    env: proxyEnvironment(plan, applications),
    ports: [{ name: "http-envoy-prom", containerPort: METRICS_PORT, protocol: "TCP" }],
    ...(plan.isNative ? { restartPolicy: "Always" } : {}),
    ...(lifecycle === undefined ? {} : { lifecycle }),
    ...buildProbes(plan),
    resources: proxyResources(annotations, settings.proxyResources),
    securityContext: buildSecurityContext(plan),
    volumeMounts: mountsOfProxy(plan),
  };
}

/** Of any container that injection adds. */
export function pullPolicyOf({ settings }: SidecarPlan): Pick<Container, "imagePullPolicy"> {
  const { imagePullPolicy } = settings;
  return imagePullPolicy === undefined
    ? {}
    : { imagePullPolicy: imagePullPolicy as NonNullable<Container["imagePullPolicy"]> };
}

function proxyArgs({ annotations, role, settings }: SidecarPlan): string[] {
  const { clusterDomain, logLevels } = settings;
  return [
    "proxy",
    role,
    "--domain",
    `$(POD_NAMESPACE).svc.${clusterDomain}`,
    `--proxyLogLevel=${annotations.logLevel ?? logLevels.proxy}`,
    `--proxyComponentLogLevel=${annotations.componentLogLevel ?? logLevels.components}`,
    `--log_output_level=${annotations.agentLogLevel ?? logLevels.agent}`,
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

function buildProbes(plan: SidecarPlan): Pick<Container, "readinessProbe" | "startupProbe"> {
  const { annotations, role, settings, statusPort } = plan;
  if (statusPort === 0) return {};
  const { initialDelaySeconds, periodSeconds, failureThreshold } = { ...settings.readiness, ...annotations };
  return {
    readinessProbe: { ...healthCheck, initialDelaySeconds, periodSeconds, failureThreshold },
    ...(role === "sidecar" ? { startupProbe } : {}),
  };
}

function buildSecurityContext({ mode, role, settings }: SidecarPlan): ContainerSecurityContext {
  const { proxyIds, seccompProfile } = settings;
  // TPROXY keeps the caller's address on the connection to the app, which only root with NET_ADMIN can.
  const isTransparent = mode === "TPROXY" && role === "sidecar";
  return {
    allowPrivilegeEscalation: false,
    privileged: false,
    capabilities: { ...(isTransparent && { add: ["NET_ADMIN"] }), drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsGroup: proxyIds.gid,
    runAsNonRoot: !isTransparent,
    runAsUser: isTransparent ? 0 : proxyIds.uid,
    ...(seccompProfile === undefined ? {} : { seccompProfile }),
  };
}
