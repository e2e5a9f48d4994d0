// What the cluster's tests run: the echo server as Deployment and Service, and pods of its image to call from.

const image = { image: "meltemi-test/echo:1", imagePullPolicy: "Never" };

type Texts = Readonly<Record<string, string>>;

export interface EchoOptions {
  /** Default `echo`; also the value of the pods' label `app`. */
  readonly name?: string;
  /** What the server says of itself, and the pods' label `version`. Default `v1`. */
  readonly version?: string;
  /** Of the Deployment, where it isn't `name`. */
  readonly workload?: string;
  /** Default 2, which are put on different nodes. */
  readonly replicas?: number;
  readonly labels?: Texts;
  readonly annotations?: Texts;
  /** Fields of the pod's spec besides its containers. */
  readonly podSpec?: object;
}

export function echoDeployment(options: EchoOptions = {}): object {
  const { name = "echo", version = "v1", workload = name, replicas = 2 } = options;
  const selector = { app: name, version };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: workload },
    spec: {
      replicas,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...selector, ...options.labels }, annotations: options.annotations ?? {} },
        spec: {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: selector },
            },
          ],
          ...echoPodSpec(version),
          ...options.podSpec,
        },
      },
    },
  };
}

/** HTTP on port 80 and TCP on 9000. */
export function echoService(name = "echo"): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app: name },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "tcp", port: 9000, targetPort: 9000 },
      ],
    },
  };
}

/** A pod to call from, also ready at once since it serves too. */
export function callerPod(
  name: string,
  { labels = {}, annotations = {} }: { readonly labels?: Texts; readonly annotations?: Texts } = {},
): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels, annotations },
    spec: echoPodSpec("none"),
  };
}

/** One container `app`, which answers at once to kubelet and leaves at once when told to. */
export function echoPodSpec(version: string) {
  return {
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "app",
        ...image,
        env: [
          { name: "VERSION", value: version },
          { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        ],
        ports: [{ name: "http", containerPort: 8080 }],
        readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
      },
    ],
  };
}
