import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInjectionConfig } from "./injection-config.ts";

const config = `
policy: disabled
defaultTemplates: [sidecar, labels]
aliases: { both: [sidecar, labels] }
neverInjectSelector:
  - matchExpressions: [{ key: openshift.io/build.name, operator: Exists }]
injectedAnnotations: { team: mesh }
templates:
  labels: "metadata: { labels: { region: west } }"
`;

test("parseInjectionConfig() reads who is injected and by which templates", () => {
  const { problems, settings } = parseInjectionConfig({ config });
  assert.deepEqual(problems, []);
  assert.equal(settings.isOptIn, true);
  assert.deepEqual(settings.injectedAnnotations, { team: "mesh" });
  const selector = { matchExpressions: [{ key: "openshift.io/build.name", operator: "Exists" }] };
  assert.deepEqual(settings.neverInject, [selector]);
  assert.deepEqual(settings.templates?.defaults, ["sidecar", "labels"]);
  assert.deepEqual(Object.keys(settings.templates?.byName ?? {}), ["labels"]);
});

test("parseInjectionConfig() reads values under Istio's names, and keeps all for templates", () => {
  const values = JSON.stringify({
    global: {
      hub: "docker.io/istio",
      imagePullSecrets: ["regcred"],
      network: "east",
      proxy: {
        includeIPRanges: "10.0.0.0/8",
        excludeIPRanges: "",
        logLevel: "info",
        readinessPeriodSeconds: 5,
        resources: { limits: { cpu: "1" } },
      },
    },
  });
  const { problems, settings } = parseInjectionConfig({ values });
  const { templates, ...read } = settings;
  assert.deepEqual(problems, []);
  assert.deepEqual(read, {
    imagePullSecrets: ["regcred"],
    network: "east",
    proxyResources: { limits: { cpu: "1" } },
    logLevels: { proxy: "info", components: "misc:error", agent: "default:info" },
    readiness: { initialDelaySeconds: 0, periodSeconds: 5, failureThreshold: 4 },
    captureDefaults: { "traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8" },
  });
  assert.deepEqual(templates?.values, JSON.parse(values));
});

const faulty = [
  { config: "policy: sometimes", problem: /^error MLT1022 config\.policy: .*"sometimes"/ },
  { config: "polcy: enabled", problem: /^warning MLT1022 config\.polcy: .*no field "polcy"/ },
  { config: "a: [", problem: /^error MLT1022 config: .*can't be read/ },
  { config: "- a", problem: /^error MLT1022 config: .*holds no object/ },
  { config: 'templates: { mine: "{{ if }}" }', problem: /^error MLT1022: .*"mine".*line 1, column 7/ },
  {
    config: 'templates: { sidecar: "" }',
    problem: /^warning MLT1022 config\.templates\.sidecar: .*passed over/,
  },
  {
    values: "global: { proxy: { readinessPeriodSeconds: 0 } }",
    problem: /^error MLT1022 values\.global\.proxy\.readinessPeriodSeconds: .*found number 0/,
  },
];

for (const { problem, ...text } of faulty) {
  test(`parseInjectionConfig() tells what is wrong with ${JSON.stringify(text)}`, () => {
    const { problems } = parseInjectionConfig(text);
    assert.equal(problems.length, 1);
    const [found] = problems;
    const told = [found?.severity, found?.code, found?.path].filter((part) => part !== undefined).join(" ");
    assert.match(`${told}: ${found?.message}`, problem);
  });
}
