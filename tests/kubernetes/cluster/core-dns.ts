// CoreDNS as a Deployment, with the names and labels that clusters give it, as one List to apply.

import { clusterDnsAddress } from "./node-configuration.ts";

const meta = { name: "coredns", namespace: "kube-system" };
const labels = { "k8s-app": "kube-dns" };

const corefile = `.:53 {
  errors
  health :8080
  ready :8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 5
  }
  cache 5
}
`;

export function coreDnsManifest(): string {
  const items = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: meta },
    ...rights(),
    { apiVersion: "v1", kind: "ConfigMap", metadata: meta, data: { Corefile: corefile } },
    deployment(),
    service(),
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

function rights(): readonly object[] {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const name = "system:coredns";
  const verbs = ["list", "watch"];
  return [
    {
      apiVersion,
      kind: "ClusterRole",
      metadata: { name },
      rules: [
        { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs },
      ],
    },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", ...meta }],
    },
  ];
}

function deployment(): object {
  const container = {
    name: "coredns",
    image: "meltemi-test/coredns:1",
    imagePullPolicy: "Never",
    args: ["-conf", "/etc/coredns/Corefile"],
    ports: [{ name: "dns", containerPort: 53, protocol: "UDP" }],
    readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
    volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...meta, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: "coredns",
          dnsPolicy: "Default",
          containers: [container],
          volumes: [{ name: "config", configMap: { name: "coredns" } }],
        },
      },
    },
  };
}

function service(): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: "kube-system", labels },
    spec: {
      clusterIP: clusterDnsAddress,
      selector: labels,
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, protocol: "TCP" },
      ],
    },
  };
}
