// Fields that are part of a kind and have no effect yet. Whoever sets one is told so, with file and line.
// Delete the entry when a builder implements the field: `npm run fields` then wants its claim.

import { placesOf } from "./same-fields.ts";

export interface UnimplementedField {
  readonly kind: string;
  /** As in field-pattern.ts, such as `spec.http[].mirrors`; what is below it is meant too. */
  readonly pattern: string;
  /** Why, and what to use instead, as a sentence's end: `mirroring comes in a later release`. */
  readonly reason: string;
  /** A value that asks for what happens anyway, such as a default that `kubectl get -o yaml` prints: no warning. */
  readonly harmlessValue?: string | boolean;
  /** The field has an effect, but for this value. */
  readonly onlyValue?: string;
}

function notYet(kind: string, reason: string, ...patterns: readonly string[]): UnimplementedField[] {
  return patterns.map((pattern) => ({ kind, pattern, reason }));
}

function notYetUnless(
  kind: string,
  pattern: string,
  harmlessValue: string | boolean,
  reason: string,
): UnimplementedField {
  return { kind, pattern, reason, harmlessValue };
}

function notYetAs(kind: string, pattern: string, onlyValue: string, reason: string): UnimplementedField {
  return { kind, pattern, reason, onlyValue };
}

// What a field would need, where several lack the same.
const ZONE_AWARE = "Envoy's zone-aware routing comes in a later release; use localityLbSetting";
const NO_TRACER = "no Envoy of today has a tracer for it; use a provider opentelemetry";
const TELEMETRY = "telemetry sinks come in a later release";
const CONFINEMENT = "the local runtime sets a process's user and group, and confines it no further";
const ONE_FAMILY = "meshes on one machine are IPv4 only; in a cluster Kubernetes sees to it";
const VOLUMES =
  "the local runtime has no such volumes; use emptyDir, hostPath, configMap, secret or projected";
const DEPRECATED = "Istio deprecated it";
const REVOCATION = "revocation lists come in a later release";
const TLS_DEFAULTS = "the mesh's own TLS is fixed at TLS 1.3 with Envoy's ciphers";

const virtualServiceFields = [
  ...notYet("VirtualService", "Istio never implemented it", "spec.tcp[].match[].sourceSubnet"),
  ...notYet("VirtualService", "statistics have no prefix of their own", "spec.http[].match[].statPrefix"),
  ...notYet("VirtualService", "Istio never implemented it", "spec.http[].fault.delay.exponentialDelay"),
  ...notYet("VirtualService", "Istio never implemented it", "spec.http[].fault.abort.http2Error"),
];

const destinationRuleFields = [
  ...notYet("DestinationRule", ZONE_AWARE, "spec.trafficPolicy.loadBalancer.zoneAwareLbSetting"),
  ...notYet(
    "DestinationRule",
    "Envoy ejects on any 5xx; use consecutive5xxErrors",
    "spec.trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes",
  ),
  ...notYet(
    "DestinationRule",
    "weights by the load that backends report come in a later release; use LEAST_REQUEST",
    "spec.trafficPolicy.loadBalancer.backendUtilization",
  ),
  ...notYet(
    "DestinationRule",
    "ejection by failure rate comes in a later release; use consecutive5xxErrors",
    "spec.trafficPolicy.outlierDetection.failurePercentageThreshold",
  ),
  ...notYet(
    "DestinationRule",
    "the CA is read from the Secret that credentialName names",
    "spec.trafficPolicy.tls.caCertCredentialName",
  ),
  ...notYet("DestinationRule", REVOCATION, "spec.trafficPolicy.tls.caCrl"),
  ...notYet("DestinationRule", "tunnels over CONNECT come in a later release", "spec.trafficPolicy.tunnel"),
];

const gatewayFields = [
  notYetAs(
    "Gateway",
    "spec.servers[].tls.mode",
    "AUTO_PASSTHROUGH",
    "services don't get routes by SNI on their own yet, so it is as PASSTHROUGH",
  ),
  ...notYet(
    "Gateway",
    "all certificates of a server share one CA: set caCertificates in tls",
    "spec.servers[].tls.tlsCertificates[].caCertificates",
  ),
  ...notYet("Gateway", "Istio never implemented it", "spec.servers[].defaultEndpoint"),
  ...notYet("Gateway", REVOCATION, "spec.servers[].tls.caCrl"),
  notYetUnless(
    "Gateway",
    "spec.servers[].tls.insecureSkipVerify",
    false,
    "a client's certificate is verified always; use OPTIONAL_MUTUAL where it needn't have one",
  ),
  ...notYet(
    "Gateway",
    "Istio deprecated it; the gateway's Service maps ports",
    "spec.servers[].port.targetPort",
  ),
];

const serviceEntryFields = [
  ...notYet("ServiceEntry", "several networks come in a later release", "spec.endpoints[].network"),
  notYetAs(
    "ServiceEntry",
    "spec.resolution",
    "DYNAMIC_DNS",
    "hosts aren't looked up by their names yet, so traffic goes where the client's own lookup said, as with NONE",
  ),
];

const serviceFields = [
  ...notYet("Service", "use a ServiceEntry with the addresses instead", "spec.externalIPs"),
  notYetUnless(
    "Service",
    "spec.sessionAffinity",
    "None",
    "use a DestinationRule with consistentHash instead",
  ),
  ...notYet("Service", "use a DestinationRule with consistentHash instead", "spec.sessionAffinityConfig"),
  notYetUnless("Service", "spec.ipFamilies[]", "IPv4", ONE_FAMILY),
  notYetUnless("Service", "spec.ipFamilyPolicy", "SingleStack", ONE_FAMILY),
];

const podFields = [
  ...notYet(
    "Pod",
    CONFINEMENT,
    ...["appArmorProfile", "seccompProfile", "seLinuxOptions", "windowsOptions"].flatMap((name) => [
      `spec.securityContext.${name}`,
      `spec.containers[].securityContext.${name}`,
    ]),
    ...["fsGroupChangePolicy", "seLinuxChangePolicy", "supplementalGroups"].map(
      (name) => `spec.securityContext.${name}`,
    ),
    ...["supplementalGroupsPolicy", "sysctls", "runAsNonRoot"].map((name) => `spec.securityContext.${name}`),
    ...["allowPrivilegeEscalation", "capabilities", "privileged", "procMount"].map(
      (name) => `spec.containers[].securityContext.${name}`,
    ),
    ...["readOnlyRootFilesystem", "runAsNonRoot"].map((name) => `spec.containers[].securityContext.${name}`),
  ),
  ...notYet(
    "Pod",
    VOLUMES,
    ...["awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc"],
    ...["flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs"],
    ...["photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"],
  ).map((entry) => ({ ...entry, pattern: `spec.volumes[].${entry.pattern}` })),
  ...notYet(
    "Pod",
    VOLUMES,
    "spec.volumes[].projected.sources[].clusterTrustBundle",
    "spec.volumes[].projected.sources[].podCertificate",
    "spec.containers[].volumeDevices",
  ),
  ...notYet(
    "Pod",
    "what is at the path is mounted as it is: nothing is checked or made there",
    "spec.volumes[].hostPath.type",
  ),
  ...notYet(
    "Pod",
    "every local pod has namespaces of its own",
    ...["spec.hostIPC", "spec.hostNetwork", "spec.hostPID", "spec.hostUsers", "spec.shareProcessNamespace"],
    ...["spec.containers[].ports[].hostPort", "spec.containers[].ports[].hostIP"],
  ),
  ...notYet(
    "Pod",
    "a local pod's names and resolver are the mesh's own",
    ...[
      "spec.dnsConfig",
      "spec.dnsPolicy",
      "spec.hostAliases",
      "spec.hostnameOverride",
      "spec.setHostnameAsFQDN",
    ],
  ),
  ...notYet(
    "Pod",
    "the pod's own terminationGracePeriodSeconds counts",
    "spec.containers[].readinessProbe.terminationGracePeriodSeconds",
  ),
  ...notYet(
    "Pod",
    "Kubernetes deprecated it: such a hook fails",
    "spec.containers[].lifecycle.postStart.tcpSocket",
  ),
  notYetUnless(
    "Pod",
    "spec.dnsPolicy",
    "ClusterFirst",
    "a local pod's names and resolver are the mesh's own",
  ),
  ...notYet(
    "Pod",
    "the local runtime doesn't know it",
    ...[
      "spec.activeDeadlineSeconds",
      "spec.ephemeralContainers",
      "spec.readinessGates",
      "spec.schedulingGates",
    ],
    ...["spec.containers[].env[].valueFrom.fileKeyRef", "spec.containers[].restartPolicyRules"],
    ...["spec.containers[].lifecycle.stopSignal", "spec.containers[].volumeMounts[].mountPropagation"],
    ...["spec.containers[].volumeMounts[].recursiveReadOnly", "spec.containers[].stdin"],
    ...["spec.containers[].stdinOnce", "spec.containers[].tty", "spec.automountServiceAccountToken"],
  ),
];

const workloadFields = [
  ...notYet("ReplicaSet", "the local runtime makes no pods of a ReplicaSet; use a Deployment", "spec"),
  ...notYet(
    "StatefulSet",
    "pods are replaced one after the other",
    "spec.updateStrategy.rollingUpdate.maxUnavailable",
  ),
  ...notYet(
    "DaemonSet",
    "the old pod goes before the new one comes",
    "spec.updateStrategy.rollingUpdate.maxSurge",
  ),
  ...notYet(
    "Job",
    "the local runtime's Jobs count plain completions",
    ...["spec.backoffLimitPerIndex", "spec.completionMode", "spec.managedBy", "spec.maxFailedIndexes"],
    ...["spec.podFailurePolicy", "spec.podReplacementPolicy", "spec.successPolicy"],
  ),
  ...notYet("ServiceAccount", "the local runtime doesn't know it", "automountServiceAccountToken"),
];

const meshConfigFields = [
  notYetAs(
    "MeshConfig",
    "outboundTrafficPolicy.mode",
    "ALLOW_ANY_DYNAMIC_DNS",
    "hosts aren't looked up by their names yet, so it is as ALLOW_ANY",
  ),
  ...notYet(
    "MeshConfig",
    "an inbound route has one destination, the application, and one attempt lasts as long as the client waits",
    ...["perTryTimeout", "retryRemoteLocalities", "retryIgnorePreviousHosts"].map(
      (name) => `defaultInboundHttpRetryPolicy.${name}`,
    ),
  ),
  ...notYet(
    "MeshConfig",
    "ejection by failure rate comes in a later release; use consecutive5xxErrors",
    "defaultTrafficPolicy.outlierDetection.failurePercentageThreshold",
  ),
  ...notYet(
    "MeshConfig",
    "Envoy ejects on any 5xx; use consecutive5xxErrors",
    "defaultTrafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes",
  ),
  ...notYet("MeshConfig", ZONE_AWARE, "zoneAwareLbSetting"),
  ...notYet(
    "MeshConfig",
    NO_TRACER,
    ...["lightstep", "stackdriver", "opencensus"].map((name) => `extensionProviders[].${name}`),
    ...["lightstep", "stackdriver", "openCensusAgent"].map((name) => `defaultConfig.tracing.${name}`),
  ),
  ...notYet(
    "MeshConfig",
    "spans and logs go to services of the mesh; a DestinationRule says how",
    "defaultConfig.tracing.tlsSettings",
    ...["tlsSettings", "tcpKeepalive"].map((name) => `defaultConfig.envoyAccessLogService.${name}`),
  ),
  ...notYet(
    "MeshConfig",
    "the control plane's environment is nobody's to read; write the value",
    ...["zipkin.headers", "opentelemetry.http.headers", "opentelemetry.grpc.initialMetadata"].map(
      (name) => `extensionProviders[].${name}[].envName`,
    ),
    "extensionProviders[].opentelemetry.dynatraceSampler.httpService.http.headers[].envName",
  ),
  ...notYet(
    "MeshConfig",
    "set OTEL_RESOURCE_ATTRIBUTES of the proxy's container",
    "extensionProviders[].opentelemetry.serviceAttributeEnrichment",
  ),
  ...notYet(
    "MeshConfig",
    TELEMETRY,
    "defaultProviders.metrics",
    ...["envoyMetricsService", "extraStatTags", "statsCompression", "statsdUdpAddress"].map(
      (name) => `defaultConfig.${name}`,
    ),
    ...["fileFlushInterval", "fileFlushMinSizeKb"].map((name) => `defaultConfig.${name}`),
    ...["prometheus", "sds"].map((name) => `extensionProviders[].${name}`),
  ),
  ...notYet(
    "MeshConfig",
    "Istio takes curves and cipher suites there alone",
    "tlsDefaults.minProtocolVersion",
  ),
  ...notYet("MeshConfig", TLS_DEFAULTS, "outboundTrafficPolicy.tls"),
  ...notYet(
    "MeshConfig",
    "the Kubernetes Ingress kind isn't read; use a Gateway",
    ...["ingressClass", "ingressControllerMode", "ingressSelector", "ingressService"],
  ),
  ...notYet(
    "MeshConfig",
    "several clusters and trust domains come in a later release",
    ...["ca", "caCertificates", "configSources", "defaultConfig.caCertificatesPem"],
    ...["serviceScopeConfigs", "serviceSettings", "serviceEntryVisibility"],
  ),
  ...notYet(
    "MeshConfig",
    "it comes in a later release",
    ...["hboneIdleTimeout", "inboundTrafficPolicy", "proxyHttpPort", "verifyCertificateAtClient"],
    ...["connectionSettings", "privateKeyProvider", "proxyHeaders", "readinessProbe"].map(
      (name) => `defaultConfig.${name}`,
    ),
    ...["customConfigFile", "sds"].map((name) => `defaultConfig.${name}`),
  ),
  ...notYet(
    "MeshConfig",
    "the proxy's files and names are fixed",
    ...["configPath", "proxyBootstrapTemplatePath", "serviceCluster", "statNameLength"].map(
      (name) => `defaultConfig.${name}`,
    ),
  ),
  ...notYet(
    "MeshConfig",
    DEPRECATED,
    ...["certificates", "defaultConfig.availabilityZone"],
    ...["defaultConfig.discoveryRefreshDelay", "defaultConfig.envoyMetricsServiceAddress"],
    "defaultConfig.zipkinAddress",
  ),
];

// Kinds whose builders come later: each field that is set warns.
const wholeKinds = [
  ...notYet("Sidecar", "scopes of single workloads come in a later release", "spec.*"),
  ...notYet("WorkloadEntry", "workloads outside of the cluster come in a later release", "spec.*"),
  ...notYet(
    "WorkloadGroup",
    "workloads outside of the cluster come in a later release",
    ...["spec.metadata.annotations", "spec.probe"],
    ...["address", "network", "ports", "weight"].map((name) => `spec.template.${name}`),
  ),
  ...notYet("EnvoyFilter", "patches of Envoy's configuration come in a later release", "spec.*"),
  ...notYet(
    "ProxyConfig",
    "use the annotation proxy.istio.io/config or MeshConfig's defaultConfig",
    "spec.*",
  ),
  ...notYet("Telemetry", "all metrics are always made, with all labels", "spec.metrics"),
  ...notYet("WasmPlugin", "extensions of the proxy come in a later release", "spec.*"),
  ...notYet("TrafficExtension", "extensions of the proxy come in a later release", "spec.*"),
];

export const unimplementedFields: readonly UnimplementedField[] = [
  ...virtualServiceFields,
  ...destinationRuleFields,
  ...gatewayFields,
  ...serviceEntryFields,
  ...serviceFields,
  ...podFields,
  ...workloadFields,
  ...meshConfigFields,
  ...wholeKinds,
].flatMap(everyPlace);

function everyPlace({ kind, pattern, ...rest }: UnimplementedField): UnimplementedField[] {
  return placesOf(`${kind}.${pattern}`).map((field) => {
    const dot = field.indexOf(".");
    return { kind: field.slice(0, dot), pattern: field.slice(dot + 1), ...rest };
  });
}
