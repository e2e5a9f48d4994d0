import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { injectManifest } from "./inject-manifest.ts";
import { defaultInjectionSettings } from "./injection-settings.ts";

function inject(text: string) {
  return injectManifest(text, "app.yaml", defaultInjectionSettings);
}

function objects(text: string): { kind: string; [field: string]: unknown }[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

const service = "# keep me\napiVersion: v1\nkind: Service\nmetadata:\n  name: web # the shop\n";
const template = "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}";

function workload(kind: string, spec: string): string {
  return `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: web, namespace: shop}\nspec: ${spec}\n`;
}

test("injectManifest() keeps order and gives other documents back as written", () => {
  const { text } = inject(`${service}---\n${workload("Deployment", `{template: ${template}}`)}`);
  assert.ok(text.startsWith(service));
  assert.deepEqual(
    objects(text).map(({ kind }) => kind),
    ["Service", "Deployment"],
  );
});

const workloads = [
  { kind: "Deployment", spec: `{template: ${template}}` },
  { kind: "StatefulSet", spec: `{template: ${template}}` },
  { kind: "DaemonSet", spec: `{template: ${template}}` },
  { kind: "ReplicaSet", spec: `{template: ${template}}` },
  { kind: "ReplicationController", spec: `{template: ${template}}` },
  { kind: "DeploymentConfig", spec: `{template: ${template}}` },
  { kind: "Job", spec: `{template: ${template}}` },
  { kind: "CronJob", spec: `{jobTemplate: {spec: {template: ${template}}}}` },
  { kind: "Pod", spec: "{containers: [{name: web, image: web}]}" },
];

for (const { kind, spec } of workloads) {
  test(`injectManifest() injects a ${kind} and names it as the owner`, () => {
    const { text } = inject(workload(kind, spec));
    assert.match(text, /name: istio-proxy/);
    assert.match(text, new RegExp(`/namespaces/shop/${kind.toLowerCase()}s/web`));
  });
}

test("injectManifest() injects the items of a List", () => {
  const item = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [] },
  });
  const { text } = inject(`apiVersion: v1\nkind: List\nitems: [${item}]\n`);
  assert.match(text, /name: istio-proxy/);
});

test("injectManifest() says which workload it left alone, and why", () => {
  const { skipped, text } = inject(workload("Pod", "{hostNetwork: true, containers: [{name: web}]}"));
  assert.deepEqual(skipped, ["Pod web: it uses the node's network (hostNetwork)"]);
  assert.doesNotMatch(text, /istio-proxy/);
});

test("injectManifest() reports YAML that it can't read with its place", () => {
  const { problems } = inject("kind: Pod\n  bad: [\n");
  assert.equal(problems[0]?.code, "MLT1001");
  assert.equal(problems[0]?.location?.file, "app.yaml");
});

const commented = `# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # as in the domain
spec:
  replicas: 2

  template:
    metadata:
      labels: { app: web }
    spec:
      containers:
        # It listens on 80.
        - name: web
          image: web # pinned elsewhere
`;

test("injectManifest() keeps the comments of what it injects", () => {
  const { text } = inject(commented);
  for (const comment of [
    "# The shop's front.",
    "web # as in the domain",
    "# It listens on 80.",
    "web # pinned elsewhere",
  ])
    assert.ok(text.includes(comment), `${comment} is in\n${text}`);
  assert.match(text, /replicas: 2\n\n {2}template:/);
  const [before, after] = [objects(commented), objects(text)];
  const [was, is] = [before[0]?.spec, after[0]?.spec] as { template: { spec: { containers: object[] } } }[];
  assert.deepEqual(is?.template.spec.containers[0], was?.template.spec.containers[0]);
  assert.match(text, /name: istio-proxy/);
});

test("injectManifest() changes nothing that an alias shares with the pod", () => {
  const shared = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector:
    matchLabels: &labels { app: web }
  template:
    metadata:
      labels: *labels
    spec: { containers: [{ name: web, image: web }] }
`;
  const [object] = objects(inject(shared).text);
  const spec = object?.spec as {
    selector: object;
    template: { metadata: { labels: Record<string, string> } };
  };
  assert.deepEqual(spec.selector, { matchLabels: { app: "web" } });
  assert.equal(spec.template.metadata.labels["security.istio.io/tlsMode"], "istio");
});

test("injectManifest() of what it injected is the same again", () => {
  const once = inject(commented).text;
  assert.equal(inject(once).text, once);
});

test("injectManifest() tells warnings with the workload's name", () => {
  const pod =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {sidecar.istio.io/proxyCpu: '1'}}\n";
  const { problems } = inject(`${pod}spec: {containers: [{name: web, image: web}]}\n`);
  assert.equal(problems[0]?.severity, "warning");
  assert.match(problems[0]?.message ?? "", /^Pod web: Annotation sidecar\.istio\.io\/proxyCpu has no effect/);
});

const unfit = [
  {
    text: "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    ports: '80'\n",
    place: { file: "app.yaml", line: 7, column: 12 },
    says: /^Cannot inject Pod web: found "80", wanted a list/,
  },
  {
    text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n",
    place: { file: "app.yaml", line: 5, column: 3 },
    says: /^Cannot inject Deployment web: "spec" is required/,
  },
  {
    text: `${service}---\napiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata: {name: web, labels: [a]}\n  spec: {containers: []}\n`,
    place: { file: "app.yaml", line: 11, column: 33 },
    says: /^Cannot inject Pod web: found a list, wanted an object/,
  },
];

for (const { text, place, says } of unfit) {
  test(`injectManifest() leaves a pod of a wrong form as it was and says where: ${says.source}`, () => {
    const injected = inject(text);
    assert.doesNotMatch(injected.text, /istio-proxy/);
    assert.deepEqual(
      injected.problems.map(({ location }) => location),
      [place],
    );
    assert.match(injected.problems[0]?.message ?? "", says);
  });
}
