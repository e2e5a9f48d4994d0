// One file with many services, each with a rule and a route, and among them the route that an edit changes. Pure.

export interface LargeManifest {
  readonly serviceCount: number;
  /** What answers carry as header x-edit. */
  readonly edit: string;
  /** The version that a Service in the middle is labelled with. */
  readonly version?: string;
  /** Comments at the top, which move everything below. */
  readonly linesAbove?: number;
}

/** About 1.2 kB for each service. */
export function largeManifest({ serviceCount, edit, version = "1", linesAbove = 0 }: LargeManifest): string {
  const middle = Math.floor(serviceCount / 2);
  const services = Array.from({ length: serviceCount }, (_, index) =>
    serviceDocuments(index, index === middle ? version : "1"),
  );
  const documents = [...services.slice(0, middle), echoRoute(edit), ...services.slice(middle)];
  return "# A line above\n".repeat(linesAbove) + documents.join("---\n");
}

function echoRoute(edit: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http:
  - headers: {response: {set: {x-edit: "${edit}"}}}
    route:
    - destination: {host: echo, port: {number: 80}}
`;
}

function serviceDocuments(index: number, version: string): string {
  const metadata = `metadata:
  name: service-${index}
  namespace: test
  labels:
    app.kubernetes.io/name: service-${index}
`;
  return `apiVersion: v1
kind: Service
${metadata}    app.kubernetes.io/version: "${version}"
spec:
  selector:
    app: service-${index}
  ports:
  - name: http
    port: 80
    targetPort: 8080
  - name: grpc
    port: 9090
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
${metadata}spec:
  host: service-${index}.test.svc.cluster.local
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 100
    outlierDetection:
      consecutive5xxErrors: 5
---
apiVersion: networking.istio.io/v1
kind: VirtualService
${metadata}spec:
  hosts:
  - service-${index}.test.svc.cluster.local
  http:
  - match:
    - uri:
        prefix: /slow
    route:
    - destination:
        host: service-${index}.test.svc.cluster.local
        port:
          number: 80
    timeout: 30s
  - route:
    - destination:
        host: service-${index}.test.svc.cluster.local
        port:
          number: 80
    timeout: 5s
    retries:
      attempts: 3
      perTryTimeout: 2s
`;
}
