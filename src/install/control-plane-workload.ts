// The control plane's Deployment and what goes with it: Service, ConfigMap, disruption budget, scaling, network policy.

import { stringify } from "yaml";
import type { InstallObject } from "./install-object.ts";
import type { Installation } from "./object-names.ts";
import {
  controlPlaneName,
  image,
  meshConfigMapName,
  ownLabels,
  ownMetadata,
  REVISION_LABEL,
} from "./object-names.ts";
import { placementFields } from "./pod-placement.ts";

/** The agent's, so that they stay the same whoever asks. */
const ports = { xds: 15012, monitoring: 15014, webhook: 15017 } as const;

export function controlPlaneWorkload(installation: Installation): InstallObject[] {
  const { hasAutoscaler, hasNetworkPolicies } = installation;
  return [
    meshConfigMap(installation),
    service(installation),
    deployment(installation),
    disruptionBudget(installation),
    ...(hasAutoscaler ? [autoscaler(installation)] : []),
    ...(hasNetworkPolicies ? [networkPolicy(installation)] : []),
  ];
}

function metadataOf(installation: Installation) {
  return ownMetadata(installation, controlPlaneName(installation), installation.namespace);
}

function podSelector({ revision }: Installation) {
  return { "app.kubernetes.io/name": "meltemi", [REVISION_LABEL]: revision };
}

function meshConfigMap(installation: Installation): InstallObject {
  const mesh = stringify(installation.meshConfig);
  const metadata = ownMetadata(installation, meshConfigMapName(installation), installation.namespace);
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { mesh } };
}

function service(installation: Installation): InstallObject {
  const port = (name: string, number: number, targetPort = number) => ({
    name,
    port: number,
    protocol: "TCP",
    targetPort,
  });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadataOf(installation),
    spec: {
      selector: podSelector(installation),
      ports: [
        port("grpc-xds-tls", ports.xds),
        port("http-monitoring", ports.monitoring),
        port("https-webhook", 443, ports.webhook),
      ],
    },
  };
}

function deployment(installation: Installation): InstallObject {
  const { hasAutoscaler, replicas } = installation;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(installation),
    spec: {
      // Where it scales by itself, the number is the autoscaler's; an upgrade must not set it back.
      ...(hasAutoscaler ? {} : { replicas }),
      selector: { matchLabels: podSelector(installation) },
      // The old one serves until the new one has every proxy's config.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: {
            ...ownLabels(installation),
            // By these Istio's own tools find a control plane, and name it.
            app: "istiod",
            istio: "pilot",
            "sidecar.istio.io/inject": "false",
          },
          annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": `${ports.monitoring}` },
        },
        spec: podSpec(installation),
      },
    },
  };
}

function podSpec(installation: Installation) {
  return {
    serviceAccountName: controlPlaneName(installation),
    ...placementFields(installation),
    securityContext: restrictedPod,
    terminationGracePeriodSeconds: 30,
    topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
      (topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        // A cluster of one node shall run two replicas all the same.
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: podSelector(installation) },
      }),
    ),
    containers: [container(installation)],
    volumes: [{ name: "temporary", emptyDir: { sizeLimit: "64Mi" } }],
  };
}

/** Of a pod that needs nothing from its node. */
const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  seccompProfile: { type: "RuntimeDefault" },
};

const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

function container(installation: Installation) {
  const { controlPlaneResources, imagePullPolicy } = installation;
  const ready = { httpGet: { path: "/ready", port: ports.monitoring } };
  return {
    name: "control-plane",
    image: image(installation, "control-plane"),
    imagePullPolicy,
    // Where istioctl finds how much is logged: on the pod's loopback.
    args: ["--kubernetes", "--ctrlz-port", "9876"],
    env: [...controlPlaneEnvironment(installation), ...installation.env],
    ports: [
      { name: "xds", containerPort: ports.xds, protocol: "TCP" },
      { name: "monitoring", containerPort: ports.monitoring, protocol: "TCP" },
      { name: "webhook", containerPort: ports.webhook, protocol: "TCP" },
    ],
    startupProbe: { ...ready, periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { ...ready, periodSeconds: 3 },
    livenessProbe: { tcpSocket: { port: ports.monitoring }, periodSeconds: 10, failureThreshold: 6 },
    resources: controlPlaneResources,
    securityContext: restrictedContainer,
    volumeMounts: [{ name: "temporary", mountPath: "/tmp" }],
  };
}

/** Names of the variables below, which users don't set. */
export const ownVariables: readonly string[] = [
  ...["POD_NAME", "POD_NAMESPACE", "SERVICE_ACCOUNT", "REVISION", "SERVICE_NAME"],
  ...["AGENT_IMAGE", "CAPTURE", "IMAGE_PULL_SECRETS"],
];

/** What its program is told beside the mesh's configuration, which it reads from the ConfigMap. */
function controlPlaneEnvironment(installation: Installation) {
  const { imagePullSecrets } = installation;
  const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    fromField("POD_NAME", "metadata.name"),
    fromField("POD_NAMESPACE", "metadata.namespace"),
    fromField("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    { name: "REVISION", value: installation.revision },
    { name: "SERVICE_NAME", value: controlPlaneName(installation) },
    { name: "AGENT_IMAGE", value: image(installation, "agent") },
    { name: "CAPTURE", value: installation.hasCni ? "cni" : "init" },
    // Of injected pods: their images come from where its own does.
    ...(imagePullSecrets.length > 0
      ? [{ name: "IMAGE_PULL_SECRETS", value: imagePullSecrets.join(",") }]
      : []),
  ];
}

function disruptionBudget(installation: Installation): InstallObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadataOf(installation),
    // Not minAvailable: of a single replica it would keep a node from being drained for ever.
    spec: { maxUnavailable: 1, selector: { matchLabels: podSelector(installation) } },
  };
}

function autoscaler(installation: Installation): InstallObject {
  const { maxReplicas, replicas } = installation;
  const name = controlPlaneName(installation);
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadataOf(installation),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: replicas,
      maxReplicas,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
        },
      ],
    },
  };
}

/**
 * Proxies may be outside of the cluster or on a node's own network, and no selector names the API server: it is in no pod
 * that every cluster has. So both ports are open to every address unless the webhooks' callers are given; what a stranger gets
 * there is a handshake and a refusal.
 */
function networkPolicy(installation: Installation): InstallObject {
  const open = (port: number) => ({ port, protocol: "TCP" });
  const { webhookCidrs } = installation;
  const from = webhookCidrs.map((cidr) => ({ ipBlock: { cidr } }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadataOf(installation),
    spec: {
      podSelector: { matchLabels: podSelector(installation) },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [open(ports.xds)] },
        { ports: [open(ports.webhook)], ...(from.length > 0 && { from }) },
        { from: [{ namespaceSelector: {} }], ports: [open(ports.monitoring)] },
      ],
    },
  };
}
