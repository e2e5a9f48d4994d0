// The Helm charts, rendered by Helm, are the installer's objects.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments, stringify } from "yaml";
import { chooseSettings, type SettingsChoices } from "../../src/install/choose-settings.ts";
import { gatewayObjects } from "../../src/install/gateway-objects.ts";
import { chartProfiles } from "../../src/install/helm-chart.ts";
import type { InstallObject } from "../../src/install/install-object.ts";
import { cniRepairs, type InstallSettings } from "../../src/install/install-settings.ts";
import { installationObjects } from "../../src/install/installation-objects.ts";
import { helmPath } from "./cluster/cached-programs.ts";

const charts = fileURLToPath(new URL("../../charts", import.meta.url));
const chart = join(charts, "meltemi");
const gatewayChart = join(charts, "gateway");
const skip = whyNoHelm();

function whyNoHelm(): string | false {
  try {
    accessSync(helmPath(), constants.X_OK);
    return false;
  } catch {
    return "needs helm: run `npm run test:kubernetes`, which fetches it";
  }
}

function helm(...args: readonly string[]): string {
  return execFileSync(helmPath(), args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
}

interface Release {
  readonly name: string;
  readonly chart: string;
  readonly namespace: string;
}

function render(release: Release, ...args: readonly string[]): InstallObject[] {
  const text = helm("template", release.name, release.chart, "-n", release.namespace, ...args);
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as InstallObject | null) ?? []);
}

const controlPlane: Release = { name: "meltemi", chart, namespace: "meltemi-system" };

function settingsOf(choices: SettingsChoices): InstallSettings {
  const chosen = chooseSettings(choices, "0.0.0");
  assert.ok(chosen.kind === "chosen", JSON.stringify(chosen));
  return chosen.settings;
}

/** A gateway has a chart of its own, and Helm makes the release's own namespace itself. */
function controlPlaneObjects(choices: SettingsChoices): InstallObject[] {
  const { namespace, ...settings } = settingsOf(choices);
  return installationObjects({ ...settings, namespace, hasGateway: false }).filter(
    ({ kind, metadata }) => kind !== "Namespace" || metadata.name !== namespace,
  );
}

// In the chart the name of a revision may be empty, and so be there twice.
function withoutRepeatedNames(object: InstallObject): InstallObject {
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    key === "resourceNames" ? [...new Set(value as string[])] : value,
  ) as InstallObject;
}

/** By what names them; a ConfigMap's `mesh` as what it says. */
function byKey(objects: readonly InstallObject[]): Record<string, unknown> {
  const entries = objects.map(withoutRepeatedNames).map((object): [string, unknown] => {
    const { kind, metadata } = object;
    const { mesh } = (object.data ?? {}) as { readonly mesh?: string };
    const data = mesh === undefined ? {} : { data: { mesh: parse(mesh) as unknown } };
    return [`${kind} ${metadata.namespace ?? ""}/${metadata.name}`, { ...object, ...data }];
  });
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface Case {
  readonly profile: string;
  readonly revision: string;
  readonly cniRepair?: string;
}

const cases: readonly Case[] = [
  ...["default", ...chartProfiles].map((profile) => ({ profile, revision: "default" })),
  { profile: "cni", revision: "canary" },
  ...cniRepairs.map((cniRepair) => ({ profile: "cni", revision: "default", cniRepair })),
];

for (const { profile, revision, cniRepair = "repair" } of cases) {
  const name = `profile ${profile} of revision ${revision}, repair mode ${cniRepair}`;
  test(`helm renders the ${name} as the installer does`, { skip }, () => {
    const values = profile === "default" ? [] : ["-f", `${chart}/profiles/${profile}.yaml`];
    const sets = ["--set", `tag=9.9.9,revision=${revision},cniRepair=${cniRepair}`];
    const rendered = render(controlPlane, ...values, ...sets);
    const wanted = controlPlaneObjects({ profile, revision, tag: "9.9.9", cniRepair });
    assert.deepEqual(byKey(rendered), byKey(wanted));
  });
}

const placement = {
  imagePullSecrets: ["registry", "mirror"],
  nodeSelector: { pool: "mesh" },
  tolerations: [{ key: "dedicated", operator: "Equal", value: "mesh", effect: "NoSchedule" }],
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "noisy" } } },
      ],
    },
  },
  priorityClassName: "system-cluster-critical",
  env: [
    { name: "HTTPS_PROXY", value: "http://proxy:3128" },
    { name: "SECRET_TTL", value: "1h" },
  ],
} as const;

test("helm renders a file of values as the installer does that is given the same", { skip }, (t) => {
  const values = {
    ...placement,
    cni: true,
    replicas: 3,
    autoscaler: false,
    definitions: false,
    controlPlaneResources: { limits: { memory: "4Gi" } },
    meshConfig: { accessLogFile: "/dev/stdout", defaultConfig: { concurrency: 2 } },
    webhookCidrs: ["192.0.2.1/32"],
  };
  const rendered = render({ ...controlPlane, namespace: "platform" }, "-f", fileOf(t, values));
  const wanted = controlPlaneObjects({ namespace: "platform", tag: "0.1.0", values });
  assert.deepEqual(byKey(rendered), byKey(wanted));
  assert.ok(JSON.stringify(rendered).includes("IMAGE_PULL_SECRETS"), "injected pods pull by them too");
});

const ingress: Release = { name: "istio-ingressgateway", chart: gatewayChart, namespace: "meltemi-ingress" };

/** What was made by Helm isn't the installer's to remove: it lacks that label. */
function gatewayOf(choices: SettingsChoices, namespace = "meltemi-system"): InstallObject[] {
  const { gateway, revision } = settingsOf(choices);
  return gatewayObjects(gateway, { revision, namespace, labels: { "app.kubernetes.io/part-of": "meltemi" } });
}

test("helm renders a gateway as the installer's ingress gateway", { skip }, () => {
  assert.deepEqual(byKey(render(ingress)), byKey(gatewayOf({})));
});

test("helm renders a gateway's file of values as the installer does that is given the same", {
  skip,
}, (t) => {
  const gatewayValues = {
    ...placement,
    name: "istio-edge",
    replicas: 5,
    resources: { requests: { cpu: "1" } },
    podAnnotations: { "example.com/team": "edge", "example.com/on": "true" },
    service: {
      type: "LoadBalancer",
      annotations: { "service.beta.kubernetes.io/aws-load-balancer-type": "nlb" },
      externalTrafficPolicy: "Local",
      loadBalancerClass: "example.com/lb",
      loadBalancerIP: "192.0.2.7",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      ports: [{ name: "tcp", port: 31_400, protocol: "TCP", targetPort: 31_400 }],
    },
  } as const;
  const values = { ...gatewayValues, controlPlaneNamespace: "platform" };
  const rendered = render(ingress, "-f", fileOf(t, values));
  assert.deepEqual(byKey(rendered), byKey(gatewayOf({ gatewayValues }, "platform")));
});

function fileOf(t: TestContext, values: object): string {
  const folder = mkdtempSync(join(tmpdir(), `meltemi-helm-${process.pid}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "values.yaml");
  writeFileSync(file, stringify(values));
  return file;
}

test("helm finds nothing wrong with the charts", { skip }, () => {
  assert.match(helm("lint", "--strict", chart, gatewayChart), /0 chart\(s\) failed/);
});

test("helm refuses a value that the chart doesn't know, and one that it can't take", { skip }, () => {
  const set = (path: string, value: string) => helm("template", "test", path, "--set", value);
  assert.throws(() => set(chart, "replica=3"), /additional properties 'replica' not allowed/);
  assert.throws(() => set(chart, "cniRepair=maybe"), /cniRepair/);
  assert.throws(() => set(chart, "env[0].name=REVISION,env[0].value=x"), /\/env\/0/);
  assert.throws(() => set(gatewayChart, "service.typ=NodePort"), /additional properties 'typ' not allowed/);
});
