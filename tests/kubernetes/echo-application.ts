// What the cluster's tests run: the echo server as Deployment and Service, and pods of its image to call from.

const image = { image: "meltemi-test/echo:1", imagePullPolicy: "Never" };

type Texts = Readonly<Record<string, string>>;

interface PodTexts {
  readonly labels?: Texts;
  readonly annotations?: Texts;
}

export interface EchoOptions extends PodTexts {
  /** Default `echo`; also the value of the pods' label `app`. */
  readonly name?: string;
  /** What the server says of itself, and the pods' label `version`. Default `v1`. */
  readonly version?: string;
  /** Of the Deployment, where it isn't `name`. */
  readonly workload?: string;
  /** Default 2, which are put on different nodes. */
  readonly replicas?: number;
  /** Fields of the pod's spec besides its containers. */
  readonly podSpec?: object;
  /** The server ends only when everybody may have heard that it will, as Kubernetes advises. */
  readonly endsGently?: boolean;
}

const GENTLE_END_SECONDS = 3;

export function echoDeployment(options: EchoOptions = {}): object {
  const { name = "echo", version = "v1", workload = name, replicas = 2, endsGently = false } = options;
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
          ...echoPodSpec({ version, endsGently }),
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

/** Two pods that are called by their own names, `NAME-0.NAME:8080`. */
export function echoStatefulSet(name: string): readonly object[] {
  const labels = { app: name };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { clusterIP: "None", selector: labels, ports: [{ name: "http", port: 8080 }] },
  };
  const statefulSet = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: echoPodSpec() },
    },
  };
  return [service, statefulSet];
}

/** A pod to call from, ready at once since it serves too. */
export function callerPod(name: string, texts: PodTexts = {}): object {
  return echoPod(name, texts);
}

/** A server in a pod of its own. `container`: fields of its container in place of the usual ones. */
export function echoPod(
  name: string,
  { container = {}, ...metadata }: PodTexts & { readonly container?: object } = {},
): object {
  const { containers, ...spec } = echoPodSpec();
  const [server] = containers;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: { ...spec, containers: [{ ...server, ...container }] },
  };
}

/** A pod template whose only container runs a line of shell, once; it has curl. */
export function onceTemplate(line: string, annotations: Texts = {}) {
  const command = ["sh", "-c", line];
  const container = { name: "app", image: "curlimages/curl:8.11.0", imagePullPolicy: "Never", command };
  return { metadata: { annotations }, spec: { restartPolicy: "Never", containers: [container] } };
}

export function onceJob(name: string, line: string, annotations: Texts = {}): object {
  const spec = { backoffLimit: 0, template: onceTemplate(line, annotations) };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec };
}

/** One container `app`. */
export function echoPodSpec({
  version = "none",
  endsGently = false,
}: Pick<EchoOptions, "version" | "endsGently"> = {}) {
  const lifecycle = { preStop: { sleep: { seconds: GENTLE_END_SECONDS } } };
  return {
    // Longer than the sidecar's drain, which begins when it is told to end.
    terminationGracePeriodSeconds: endsGently ? 30 : 5,
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
        ...(endsGently && { lifecycle }),
      },
    ],
  };
}
