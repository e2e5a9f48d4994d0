// The objects of a made-up mesh: services with pods and endpoints, rules for some of them, and among these rules
// that only one namespace or one label sees, so that sharing between proxies isn't given. Pure: equal sizes, equal objects.

import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { MeshSize } from "./mesh-size.ts";

export interface BenchService {
  readonly name: string;
  readonly namespace: string;
  /** Among all services. */
  readonly index: number;
  readonly port: number;
  readonly isHttp: boolean;
}

/** Of each hundred services ten speak plain TCP, the others HTTP on one of two ports. */
export function benchService(index: number, { namespaceCount }: MeshSize): BenchService {
  const isHttp = index % 10 !== 9;
  const httpPort = index % 5 === 3 ? 8080 : 80;
  return {
    name: `service-${index}`,
    namespace: `team-${index % namespaceCount}`,
    index,
    port: isHttp ? httpPort : 6379,
    isHttp,
  };
}

export function meshObjects(size: MeshSize): readonly KubernetesObject[] {
  const services = Array.from({ length: size.serviceCount }, (_, index) => benchService(index, size));
  const namespaces = Array.from({ length: size.namespaceCount }, (_, index) => namespace(`team-${index}`));
  return [
    ...namespaces,
    ...services.flatMap((service) => [
      serviceObject(service),
      ...podNumbers(size).map((number) => pod(service, number)),
      endpointSlice(service, size),
      ...(hasSubsets(service) ? [subsetRule(service)] : []),
      ...(hasRoutes(service) ? [virtualService(service, 10)] : []),
    ]),
    ...privateRules(services, size),
    ...Array.from({ length: POLICY_COUNT }, (_, index) => policy(`policy-${index}`, "/admin")),
  ];
}

const POLICY_COUNT = 5;

/** An AuthorizationPolicy for all workloads of the mesh. */
export function policy(name: string, path: string): KubernetesObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: "istio-system" },
    spec: {
      action: "DENY",
      rules: [
        {
          from: [{ source: { notPrincipals: [`cluster.local/ns/team-0/sa/${name}`] } }],
          to: [{ operation: { ports: ["80"], paths: [path] } }],
        },
      ],
    },
  } as KubernetesObject;
}

/** The VirtualService that rounds of the benchmark change; its host is public. */
export function virtualService(service: BenchService, canaryWeight: number): KubernetesObject {
  const destination = (subset: string) => ({ host: service.name, subset });
  const isForSomeClients = service.index % 100 === 10;
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: metadataOf(service, service.name),
    spec: {
      hosts: [service.name],
      http: [
        {
          match: [
            {
              headers: { "x-canary": { exact: "yes" } },
              ...(isForSomeClients ? { sourceLabels: { tier: "canary" } } : {}),
            },
          ],
          route: [{ destination: destination("v2") }],
        },
        {
          route: [
            { destination: destination("v1"), weight: 100 - canaryWeight },
            { destination: destination("v2"), weight: canaryWeight },
          ],
          timeout: "5s",
          retries: { attempts: 3, perTryTimeout: "2s", retryOn: "5xx" },
        },
      ],
    },
  };
}

/** `movedTo` gives the first endpoint another address. */
export function endpointSlice(service: BenchService, size: MeshSize, movedTo?: string): KubernetesObject {
  const { name, namespace, port, isHttp } = service;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadataOf(service, `${name}-x`), labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: isHttp ? "http" : "tcp", port: isHttp ? 8000 : port, protocol: "TCP" }],
    endpoints: podNumbers(size).map((number) => ({
      addresses: [number === 0 && movedTo !== undefined ? movedTo : podAddress(service, number)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${number}`,
      zone: `zone-${number % 3}`,
      targetRef: { kind: "Pod", name: podName(service, number), namespace },
    })),
  };
}

export function podName({ name }: BenchService, number: number): string {
  return `${name}-v${1 + (number % 2)}-${number}`;
}

function podAddress({ index }: BenchService, number: number): string {
  return `10.${64 + number}.${index >> 8}.${index & 255}`;
}

/** Some pods carry a label that a VirtualService looks at. */
export function podLabels({ name, index }: BenchService, number: number): Readonly<Record<string, string>> {
  return {
    app: name,
    version: `v${1 + (number % 2)}`,
    "security.istio.io/tlsMode": "istio",
    ...(index % 5 === 0 && number % 2 === 1 ? { tier: "canary" } : {}),
  };
}

/** Rounds change a service that has a VirtualService and that everybody sees alike. */
export function changedService(size: MeshSize): BenchService {
  return benchService(0, size);
}

function podNumbers({ endpointCount }: MeshSize): readonly number[] {
  return Array.from({ length: endpointCount }, (_, number) => number);
}

function hasSubsets({ index, isHttp }: BenchService): boolean {
  return isHttp && index % 5 === 0;
}

function hasRoutes({ index }: BenchService): boolean {
  return index % 10 === 0;
}

function metadataOf({ namespace, index }: BenchService, name: string) {
  const second = String(index % 60).padStart(2, "0");
  const minute = String(Math.floor(index / 60) % 60).padStart(2, "0");
  return { name, namespace, creationTimestamp: `2026-01-01T00:${minute}:${second}Z` };
}

function namespace(name: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "istio-injection": "enabled" } },
  };
}

/** One in 25 is seen by its own namespace alone. */
function serviceObject(service: BenchService): KubernetesObject {
  const { name, index, port, isHttp } = service;
  const isPrivate = index % 25 === 24;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...metadataOf(service, name),
      ...(isPrivate ? { annotations: { "networking.istio.io/exportTo": "." } } : {}),
    },
    spec: {
      clusterIP: `10.${32 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
      selector: { app: name },
      ports: [{ name: isHttp ? "http" : "tcp", port, targetPort: isHttp ? 8000 : port, protocol: "TCP" }],
    },
  };
}

function pod(service: BenchService, number: number): KubernetesObject {
  const name = podName(service, number);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadataOf(service, name), labels: podLabels(service, number) },
    spec: {
      serviceAccountName: service.name,
      nodeName: `node-${number}`,
      containers: [{ name: "app", image: "app:1", ports: [{ name: "http", containerPort: 8000 }] }],
    },
    status: { phase: "Running", podIP: podAddress(service, number) },
  };
}

function subsetRule(service: BenchService): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: metadataOf(service, service.name),
    spec: {
      host: service.name,
      trafficPolicy: {
        connectionPool: { http: { http1MaxPendingRequests: 100 } },
        outlierDetection: { consecutive5xxErrors: 5, interval: "10s" },
      },
      subsets: [
        { name: "v1", labels: { version: "v1" } },
        { name: "v2", labels: { version: "v2" } },
      ],
    },
  };
}

/** Each namespace has a rule of its own for a service of another, which no other namespace sees. */
function privateRules(services: readonly BenchService[], { namespaceCount }: MeshSize): KubernetesObject[] {
  const targets = services.filter((service) => !hasSubsets(service));
  return services.slice(0, namespaceCount).flatMap((owner) => {
    const target = targets[(owner.index + 1) % targets.length];
    return target === undefined ? [] : [privateRule(owner, target)];
  });
}

function privateRule(owner: BenchService, target: BenchService): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: metadataOf(owner, `private-${target.name}`),
    spec: {
      host: `${target.name}.${target.namespace}.svc.cluster.local`,
      exportTo: ["."],
      trafficPolicy: {
        loadBalancer: { simple: "LEAST_REQUEST" },
        connectionPool: { tcp: { maxConnections: 50 } },
      },
    },
  };
}
