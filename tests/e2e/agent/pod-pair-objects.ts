// The mesh around a pair of pods: a Service of their IP families in front of the server.

import { isIPv6 } from "node:net";
import { type PairedPod, SERVICE_IPV4, SERVICE_IPV6 } from "./pod-pair-network.ts";

export function pairObjects(client: PairedPod, server: PairedPod): string {
  const clusterIps = server.addresses.map((address) => (isIPv6(address) ? SERVICE_IPV6 : SERVICE_IPV4));
  const service = `
apiVersion: v1
kind: Service
metadata: { name: server, namespace: shop }
spec:
  clusterIP: ${JSON.stringify(clusterIps[0])}
  clusterIPs: ${JSON.stringify(clusterIps)}
  selector: { app: server }
  ports: [{ name: http, port: 9080 }, { name: tcp, port: 9081, targetPort: 9080 }]
`;
  return [service, podOf(client), podOf(server), ...server.addresses.map(sliceOf)].join("---");
}

function podOf({ name, addresses }: PairedPod): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}-1
  namespace: shop
  uid: ${name}-1-uid
  labels: { app: ${name}, security.istio.io/tlsMode: istio }
spec: { serviceAccountName: ${name}, containers: [{ name: app, image: shop/${name} }] }
status:
  podIP: ${JSON.stringify(addresses[0])}
  podIPs: ${JSON.stringify(addresses.map((ip) => ({ ip })))}
  phase: Running
`;
}

function sliceOf(address: string): string {
  const family = isIPv6(address) ? "IPv6" : "IPv4";
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: server-${family.toLowerCase()}, namespace: shop, labels: { kubernetes.io/service-name: server } }
addressType: ${family}
ports: [{ name: http, port: 9080 }, { name: tcp, port: 9080 }]
endpoints:
  - { addresses: ["${address}"], conditions: { ready: true }, targetRef: { kind: Pod, name: server-1, namespace: shop } }
`;
}
