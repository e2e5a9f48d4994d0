// Where the fields of Pods matter, and those of the objects that they refer to.

import { each, type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

/** `more` is of its one container, in YAML's flow style. */
function container(more: string, ofPod = ""): unknown {
  return yaml(`{ containers: [{ name: app, command: [sh, -c, ":"], ${more} }], ${ofPod} }`);
}

function volume(source: string): unknown {
  return container("volumeMounts: [{ name: v, mountPath: /v }]", `volumes: [{ name: v, ${source} }]`);
}

const DATA = `
apiVersion: v1
kind: ConfigMap
metadata: { name: some, namespace: shop }
data: { some: text of some, other: text of other }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other, namespace: shop }
data: { some: "1", else: "2" }
---
apiVersion: v1
kind: Secret
metadata: { name: some, namespace: shop }
stringData: { some: secret of some, other: secret of other }
---
apiVersion: v1
kind: Secret
metadata: { name: other, namespace: shop }
stringData: { some: "3", else: "4" }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: own }, ports: [{ name: http, port: 80, targetPort: some }, { name: other, port: 81, targetPort: other }] }
`;

/** In what reads one key, the other is missing unless it is said to be optional. */
function referenceSettings(): readonly FieldSetting[] {
  const keyRef = (kind: string, ref: string) =>
    container(`env: [{ name: some, valueFrom: { ${kind}KeyRef: { ${ref} } } }]`);
  return ["configMap", "secret"].flatMap((kind) => {
    const source = kind === "secret" ? "secretName" : "name";
    const projected = (ref: string) => volume(`projected: { sources: [{ ${kind}: { ${ref} } }] }`);
    const own = (ref: string) => volume(`${kind}: { ${ref} }`);
    const field = (path: string) => new RegExp(path.replaceAll(".", "\\.").replaceAll("[]", "\\[\\]"));
    return [
      { fields: field(`${kind}KeyRef.optional`), spec: keyRef(kind, "name: some, key: missing") },
      { fields: field(`${kind}KeyRef.key`), spec: keyRef(kind, "name: some") },
      { fields: field(`${kind}KeyRef.name`), spec: keyRef(kind, "key: some") },
      {
        fields: field(`${kind}Ref.optional`),
        spec: container(`envFrom: [{ ${kind}Ref: { name: missing } }]`),
      },
      { fields: field(`sources[].${kind}.optional`), spec: projected("name: missing") },
      {
        fields: field(`sources[].${kind}.items`),
        spec: projected("name: some, items: [{ key: some, path: a }]"),
      },
      { fields: field(`sources[].${kind}.name`), spec: projected("") },
      { fields: field(`volumes[].${kind}.optional`), spec: own(`${source}: missing`) },
      {
        fields: field(`volumes[].${kind}.items`),
        spec: own(`${source}: some, items: [{ key: some, path: a }]`),
      },
      { fields: field(`volumes[].${kind}.defaultMode`), spec: own(`${source}: some`) },
      { fields: field(`volumes[].${kind}.${source}`), spec: own("") },
    ];
  });
}

/** Of the figures of a container. */
function resourceSettings(): readonly FieldSetting[] {
  const two = (volumeSource: string) =>
    yaml(
      `{ containers: [{ name: app, command: [sh], resources: { limits: { cpu: 2, memory: 1Gi } }, volumeMounts: [{ name: v, mountPath: /v }] }, { name: other, command: [sh], resources: { limits: { cpu: 3 } } }], volumes: [{ name: v, ${volumeSource} }] }`,
    );
  const item = "items: [{ path: a, resourceFieldRef: { containerName: app, resource: limits.cpu } }]";
  const places = [
    ["projected", two(`projected: { sources: [{ downwardAPI: { ${item} } }] }`)],
    ["volumes\\[\\]\\.downwardAPI", two(`downwardAPI: { ${item} }`)],
    [
      "env",
      yaml(
        "{ containers: [{ name: app, command: [sh], resources: { limits: { cpu: 2, memory: 1Gi } }, env: [{ name: some, valueFrom: { resourceFieldRef: { resource: limits.cpu } } }] }, { name: other, command: [sh], resources: { limits: { cpu: 3 } } }] }",
      ),
    ],
  ] as const;
  return places.flatMap(([place, spec]) => [
    {
      fields: new RegExp(`${place}.*resourceFieldRef\\.resource`),
      spec,
      values: ["limits.cpu", "limits.memory"],
    },
    { fields: new RegExp(`${place}.*resourceFieldRef\\.divisor`), spec, values: ["1", "1m"] },
    { fields: new RegExp(`${place}.*resourceFieldRef\\.containerName`), spec, values: ["app", "other"] },
  ]);
}

const DIAL = "src/local/workloads/probe-dial.test.ts";
const asked = (fields: RegExp, test: string): FieldSetting => ({
  fields,
  provenBy: { file: DIAL, test, because: "the question goes out by the network" },
});

const dialSettings: readonly FieldSetting[] = [
  asked(/httpGet\.(path|host|scheme)/, "dialHttp() asks for the path, of the host, by the scheme"),
  asked(/httpGet\.httpHeaders/, "dialHttp() takes 200 to 399 for success and sends the probe's headers"),
  asked(/(httpGet|tcpSocket)\.port/, "probePort() resolves names by the container's ports"),
  asked(/tcpSocket\.host/, "askProbe() asks the host that a probe by TCP names, else the pod"),
  asked(/grpc\.(port|service)/, "dialGrpc() reads the status of the health service"),
];

const running = (fields: RegExp, test: string): FieldSetting => ({
  fields,
  provenBy: {
    file: "src/local/workloads/pod-runner.test.ts",
    test,
    because: "it tells what happens when a process ends or is to end",
  },
});

const FIELD = "fieldRef: { fieldPath: metadata.name }";

export const podSettings: KindSettings = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "own", namespace: "shop", labels: { app: "own" } },
  isFlat: true,
  spec: ofPod(container("")),
  settings: [
    ...dialSettings,
    running(/restartPolicy/, "PodRunner starts a container again as its restartPolicy says, else the pod's"),
    running(
      /terminationGracePeriodSeconds/,
      "PodRunner kills what doesn't end within terminationGracePeriodSeconds",
    ),
    { fields: /exec\.command/, values: [["a"], ["b"]] },
    { fields: /readinessProbe\./, spec: container("readinessProbe: { exec: { command: [a] } }") },
    ...referenceSettings(),
    ...resourceSettings(),
    {
      fields: /env.*fieldRef\.fieldPath/,
      spec: container(`env: [{ name: a, valueFrom: { ${FIELD} } }]`),
      values: ["metadata.name", "metadata.namespace"],
    },
    {
      fields: /volumes\[\]\.downwardAPI.*fieldPath/,
      spec: volume(`downwardAPI: { items: [{ path: a, ${FIELD} }] }`),
      values: ["metadata.name", "metadata.namespace"],
    },
    {
      fields: /projected.*fieldPath/,
      spec: volume(`projected: { sources: [{ downwardAPI: { items: [{ path: a, ${FIELD} }] } }] }`),
      values: ["metadata.name", "metadata.namespace"],
    },
    { fields: /env\[\]\.name/, spec: container("env: [{ value: a }]") },
    { fields: /env\[\]\.value$/, spec: container("env: [{ name: a }]") },
    { fields: /envFrom\[\]\.prefix/, spec: container("envFrom: [{ configMapRef: { name: some } }]") },
    {
      fields: /volumeMounts\[\]\.(name|mountPath)/,
      spec: container(
        "volumeMounts: [{ name: some, mountPath: /v }]",
        "volumes: [{ name: some, emptyDir: {} }, { name: other, emptyDir: {} }]",
      ),
    },
    {
      fields: /volumeMounts\[\]/,
      spec: container(
        "env: [{ name: some, value: some }], volumeMounts: [{ name: some, mountPath: /v }]",
        "volumes: [{ name: some, emptyDir: {} }]",
      ),
    },
    {
      fields: /volumes\[\]\.name/,
      specs: each(["some", "other"], (name) => {
        const [first, second] = name === "some" ? ["some", "other"] : ["other", "some"];
        const volumes = `volumes: [{ name: ${first}, configMap: { name: some } }, { name: ${second}, configMap: { name: other } }]`;
        return ofPod(container("volumeMounts: [{ name: some, mountPath: /v }]", volumes));
      }),
    },
    {
      fields: /projected.*downwardAPI/,
      spec: volume(`projected: { sources: [{ downwardAPI: { items: [{ path: a, ${FIELD} }] } }] }`),
    },
    {
      fields: /serviceAccountToken\.expiration/,
      spec: volume("projected: { sources: [{ serviceAccountToken: { path: a } }] }"),
      values: [600, 700],
    },
    {
      fields: /serviceAccountToken/,
      spec: volume("projected: { sources: [{ serviceAccountToken: { path: a } }] }"),
    },
    {
      fields: /projected\.defaultMode/,
      spec: volume("projected: { sources: [{ configMap: { name: some } }] }"),
    },
    { fields: /downwardAPI/, spec: volume(`downwardAPI: { items: [{ path: a, ${FIELD} }] }`) },
    { fields: /hostPath\.path/, spec: volume(""), values: ["/a", "/b"] },
    { fields: /hostPath/, spec: volume("hostPath: { path: /a }") },
    { fields: /persistentVolumeClaim\.claimName/, spec: volume("") },
    { fields: /persistentVolumeClaim/, spec: volume("persistentVolumeClaim: { claimName: a }") },
    { fields: /containers\[\]\.image$/, spec: yaml("{ containers: [{ name: app }] }") },
    { fields: /containers\[\]\.command/, values: [["sh"], ["true"]] },
    { fields: /workingDir/, values: ["/a", "/b"] },
    {
      fields: /ports\[\]\.name/,
      spec: container("ports: [{ containerPort: 8080 }]"),
    },
    { fields: /ports\[\]\.containerPort/, spec: container("ports: [{ name: some }]") },
    {
      fields: /ports\[\]\.protocol/,
      spec: container("ports: [{ name: some, containerPort: 80 }]"),
      same: [["UDP", "SCTP"]],
    },
    { fields: /subdomain/, spec: container("", "hostname: own"), values: ["web", "other"] },
    {
      fields: /fsGroup/,
      spec: volume("projected: { sources: [{ serviceAccountToken: { path: a } }] }"),
      values: [2000, 3000],
    },
    { fields: /runAs(User|Group)/, values: [2000, 3000] },
    { fields: /./ },
  ].map((setting: FieldSetting) => ({
    ...setting,
    ...(setting.spec !== undefined && { spec: ofPod(setting.spec) }),
    beside: DATA,
  })),
};

function ofPod(spec: unknown): unknown {
  return { spec, status: { podIP: "10.244.0.9", phase: "Running" } };
}

const READER = `
apiVersion: v1
kind: Pod
metadata: { name: reader, namespace: shop }
spec:
  containers:
    - name: app
      command: [sh]
      envFrom: [{ configMapRef: { name: own, optional: true } }, { secretRef: { name: own, optional: true } }]
      volumeMounts: [{ name: c, mountPath: /c }]
  volumes: [{ name: c, configMap: { name: own, optional: true } }]
`;

function dataSettings(kind: string): KindSettings {
  return {
    kind,
    apiVersion: "v1",
    metadata: { name: "own", namespace: "shop" },
    isFlat: true,
    spec: {},
    settings: [
      { fields: /Secret\.data/, values: ["c29tZQ==", "b3RoZXI="], beside: READER },
      { fields: /./, beside: READER },
    ],
  };
}

export const configMapSettings = dataSettings("ConfigMap");
export const secretSettings = dataSettings("Secret");
