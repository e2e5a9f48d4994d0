// What an installation gives the control plane, held against what the control plane asks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyRule } from "../install/control-plane-rights.ts";
import { profileSettings } from "../install/install-settings.ts";
import { installationObjects } from "../install/installation-objects.ts";
import { parseControlPlaneSettings } from "../plane/control-plane-settings.ts";
import { watchedKinds } from "../sources/kubernetes/watched-kinds.ts";

const objects = installationObjects({ ...profileSettings("minimal", "1"), revision: "canary" });

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

test("the control plane's program understands what its Deployment tells it", () => {
  const deployment = objects.find(({ kind }) => kind === "Deployment");
  assert.ok(deployment);
  const { template } = deployment.spec as {
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
  const [container] = template.spec.containers;
  assert.ok(container);
  const fromPod = { POD_NAME: "meltemi-canary-1", POD_NAMESPACE: "meltemi-system" };
  const values = container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
  const settings = parseControlPlaneSettings(container.args, { ...fromPod, ...Object.fromEntries(values) });
  assert.ok(settings?.mode === "kubernetes");
  assert.equal(settings.revision, "canary");
  assert.equal(settings.namespace, "meltemi-system");
});

test("the control plane may follow the kinds that it follows, and no others but Secrets and webhooks", () => {
  const role = objects.find(({ kind }) => kind === "ClusterRole");
  assert.ok(role);
  const followed = (role.rules as readonly PolicyRule[])
    .filter(({ resourceNames, verbs }) => resourceNames === undefined && verbs.includes("watch"))
    .flatMap(({ apiGroups, resources }) => resources.map((name) => `${name}.${apiGroups[0]}`));
  const wanted = watchedKinds.map(({ group, plural }) => `${plural}.${group}`);
  const webhooks = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
  const besides = ["secrets.", ...webhooks.map((name) => `${name}.admissionregistration.k8s.io`)];
  assert.deepEqual(followed.sort(), [...wanted, ...besides].sort());
});
