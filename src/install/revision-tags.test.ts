import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector, Labels } from "../core/label-selector.ts";
import { matchesSelector } from "../core/label-selector.ts";
import type { InstallObject } from "./install-object.ts";
import { profileSettings } from "./install-settings.ts";
import { installationOf } from "./object-names.ts";
import { revisionWanted, tagObjects } from "./revision-tags.ts";
import { restingInjector, webhookConfigurations } from "./webhook-configurations.ts";

const stable = installationOf(profileSettings("minimal", "1.0.0"));
const canary = installationOf({ ...profileSettings("minimal", "1.0.0"), revision: "canary" });

interface Webhook {
  readonly name: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly clientConfig: { readonly service: { readonly name: string } };
}

function askedBy(objects: readonly InstallObject[], namespace: Labels, pod: Labels): string[] {
  return objects
    .filter(({ kind }) => kind === "MutatingWebhookConfiguration")
    .flatMap(({ webhooks }) => webhooks as readonly Webhook[])
    .filter(
      ({ namespaceSelector, objectSelector }) =>
        matchesSelector(namespaceSelector, namespace) && matchesSelector(objectSelector, pod),
    )
    .map(({ clientConfig }) => clientConfig.service.name);
}

const pods: readonly Labels[] = ["", "default", "canary", "prod"].flatMap((revision) =>
  ["", "true", "false"].map((inject) => ({
    ...(revision === "" ? {} : { "istio.io/rev": revision }),
    ...(inject === "" ? {} : { "sidecar.istio.io/inject": inject }),
  })),
);
const namespaces: readonly Labels[] = ["", "enabled", "disabled"].flatMap((injection) =>
  ["", "default", "canary", "prod"].map((revision) => ({
    "kubernetes.io/metadata.name": "shop",
    ...(injection === "" ? {} : { "istio-injection": injection }),
    ...(revision === "" ? {} : { "istio.io/rev": revision }),
  })),
);

test("tags and revisions together never ask two control planes about a pod", () => {
  const all = [
    restingInjector(stable),
    ...webhookConfigurations(canary),
    ...tagObjects(canary, "default"),
    ...tagObjects(stable, "prod"),
  ];
  let askedCount = 0;
  for (const namespace of namespaces) {
    for (const pod of pods) {
      const asked = askedBy(all, namespace, pod);
      assert.ok(asked.length <= 1, `${JSON.stringify({ namespace, pod })}: ${asked.join()}`);
      askedCount += asked.length;
    }
  }
  assert.ok(askedCount > 20);
});

test("tagObjects() of the tag default takes what the revision default would", () => {
  const shop = { "kubernetes.io/metadata.name": "shop", "istio-injection": "enabled" };
  assert.deepEqual(askedBy(tagObjects(canary, "default"), shop, {}), ["meltemi-canary"]);
  assert.deepEqual(askedBy([restingInjector(stable)], shop, {}), []);
  assert.deepEqual(askedBy(webhookConfigurations(stable), shop, {}), ["meltemi"]);
});

test("revisionWanted() reads a namespace's labels as the webhooks do", () => {
  const both = { "istio-injection": "enabled", "istio.io/rev": "canary" };
  assert.deepEqual([both, { "istio.io/rev": "canary" }, {}].map(revisionWanted), [
    "default",
    "canary",
    undefined,
  ]);
  assert.equal(revisionWanted({ "istio-injection": "disabled" }), undefined);
});
