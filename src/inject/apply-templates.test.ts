import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "../kinds/pod/container.ts";
import { injectPod } from "./inject-pod.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { parseInjectionConfig } from "./injection-config.ts";
import { defaultInjectionSettings } from "./injection-settings.ts";

const TEMPLATES = "inject.istio.io/templates";

function inject(templates: Readonly<Record<string, string>>, named: string, pod: InjectablePod = web({})) {
  const aliases = { everything: ["sidecar", "greeting"] };
  const config = JSON.stringify({ templates, aliases });
  const values = '{"region": "west"}';
  const { problems, settings } = parseInjectionConfig({ config, values });
  const annotated = { ...pod.metadata, annotations: { ...pod.metadata.annotations, [TEMPLATES]: named } };
  const all = { ...defaultInjectionSettings, ...settings };
  return { injection: injectPod({ ...pod, metadata: annotated }, undefined, all), problems, settings: all };
}

function web(container: Partial<Container>): InjectablePod {
  const metadata = { name: "web", namespace: "shop", labels: { app: "web" } };
  return { metadata, spec: { containers: [{ name: "web", image: "shop/web", ...container }] } };
}

function injected(...args: Parameters<typeof inject>): InjectablePod {
  const { injection } = inject(...args);
  assert.ok(injection.kind === "injected", JSON.stringify(injection));
  return injection.pod;
}

function container(pod: InjectablePod, wanted: string): Container {
  const found = pod.spec.containers.find(({ name }) => name === wanted);
  assert.ok(found !== undefined);
  return found;
}

const greeting = `
metadata:
  labels: { region: "{{ .Values.region }}" }
spec:
  containers:
    - name: istio-proxy
      env:
        - name: GREETING
          value: "hello {{ index .ObjectMeta.Labels \`app\` }} of {{ .DeploymentMeta.Namespace }}"
`;

test("a template beside the sidecar changes the proxy's container", () => {
  const pod = injected({ greeting }, "sidecar,greeting");
  const { env = [], image } = container(pod, "istio-proxy");
  assert.equal(image, defaultInjectionSettings.images.proxy);
  assert.equal(env.find(({ name }) => name === "GREETING")?.value, "hello web of shop");
  assert.ok(env.some(({ name }) => name === "POD_NAME"));
  assert.equal(pod.metadata.labels?.region, "west");
});

test("a template finds the proxy of a native sidecar too", () => {
  const { metadata, spec } = web({});
  const annotations = { "sidecar.istio.io/nativeSidecar": "true" };
  const pod = injected({ greeting }, "sidecar,greeting", { metadata: { ...metadata, annotations }, spec });
  assert.deepEqual(
    pod.spec.containers.map(({ name }) => name),
    ["web"],
  );
  const proxies = (pod.spec.initContainers ?? []).filter(({ name }) => name === "istio-proxy");
  assert.equal(proxies.length, 1);
  assert.ok(proxies[0]?.env?.some(({ name }) => name === "GREETING"));
});

test("an alias stands for the templates that it names", () => {
  assert.ok(container(injected({ greeting }, "everything"), "istio-proxy").env?.length);
});

test("a template alone adds what it says and no proxy", () => {
  const extra =
    "spec: { containers: [{ name: logs, image: logs }], volumes: [{ name: logs, emptyDir: {} }] }";
  const { metadata, spec } = injected({ extra }, "extra");
  assert.deepEqual(
    spec.containers.map(({ name }) => name),
    ["web", "logs"],
  );
  assert.equal(metadata.labels?.["security.istio.io/tlsMode"], undefined);
  const status = JSON.parse(metadata.annotations?.["sidecar.istio.io/status"] ?? "{}");
  assert.deepEqual([status.containers, status.volumes], [["logs"], ["logs"]]);
});

test("a template adds to the app's container and never changes what it says", () => {
  const part =
    "spec: { containers: [{ name: web, image: other, tty: true, env: [{ name: A, value: t }, { name: B, value: t }] }] }";
  const { env, image, tty } = container(
    injected({ part }, "part", web({ env: [{ name: "A", value: "own" }] })),
    "web",
  );
  assert.equal(image, "shop/web");
  assert.equal(tty, true);
  assert.deepEqual(env, [
    { name: "A", value: "own" },
    { name: "B", value: "t" },
  ]);
});

test("a template leaves the app's rewritten probes as they are", () => {
  const livenessProbe = { httpGet: { path: "/live", port: 80 } };
  const part = "spec: { containers: [{ name: web, tty: true }] }";
  const pod = injected({ part }, "sidecar,part", web({ livenessProbe }));
  assert.equal(container(pod, "web").livenessProbe?.httpGet?.path, "/app-health/web/livez");
});

test("the pod's own istio-proxy container stands over a template", () => {
  const pod = web({});
  const own = { name: "istio-proxy", image: "auto", env: [{ name: "GREETING", value: "own" }] };
  const both = { ...pod, spec: { containers: [...pod.spec.containers, own] } };
  const { env = [] } = container(injected({ greeting }, "sidecar,greeting", both), "istio-proxy");
  assert.equal(env.find(({ name }) => name === "GREETING")?.value, "own");
});

test("injection by templates twice is the same as once", () => {
  const extra =
    "spec: { initContainers: [{ name: first, image: i }], volumes: [{ name: logs, emptyDir: {} }] }";
  const { injection, settings } = inject({ greeting, extra }, "sidecar,greeting,extra");
  assert.ok(injection.kind === "injected");
  const again = injectPod(injection.pod, undefined, settings);
  assert.ok(again.kind === "injected");
  assert.deepEqual(again.pod, injection.pod);
});

const refused = [
  { template: "{{ .Nothing }}", reason: /"part".*line 1, column 4: there is no field "Nothing"/ },
  { template: "{{ fromJSON `{` }}", reason: /"part".*fromJSON/ },
  { template: "just text", reason: /makes no object/ },
  { template: "spec: { containers: [", reason: /YAML that can't be read/ },
  { template: "spec: { contaners: [] }", reason: /spec\.contaners: there is no field "contaners"/ },
  { template: "metadata: { labels: { a: 1 } }", reason: /metadata\.labels\.a: found number 1/ },
  { template: "{{ if }}", reason: /"part".*found nothing to evaluate/ },
];

for (const { template, reason } of refused) {
  test(`a pod is refused whose template is ${JSON.stringify(template)}`, () => {
    const { injection } = inject({ part: template }, "part");
    assert.ok(injection.kind === "refused", JSON.stringify(injection));
    assert.match(injection.problems[0]?.message ?? "", reason);
  });
}

test("a pod is refused that names a template which there isn't", () => {
  const { injection } = inject({ greeting }, "sidecar,nosuch");
  assert.ok(injection.kind === "refused");
  const { message } = injection.problems[0] ?? {};
  assert.equal(message, 'There is no template "nosuch", only "sidecar", "gateway", "greeting", "everything"');
});
