import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import type { TestObject } from "../../tests/support/api-server.ts";
import { systemClock } from "../core/clock.ts";
import type { LabelSelector, Labels } from "../core/label-selector.ts";
import { matchesSelector } from "../core/label-selector.ts";
import { type InjectorWebhooks, isInjected, wantedRevision } from "../inject/wanted-revision.ts";
import { resourcePath } from "../kubernetes/api-resource.ts";
import type { InstallObject } from "./install-object.ts";
import { removableResources, resourceOf } from "./install-resources.ts";
import { profileSettings } from "./install-settings.ts";
import { installationOf } from "./object-names.ts";
import { removeRevisionTag, tagObjects } from "./revision-tags.ts";
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

test("wantedRevision() and isInjected() read labels as the API server reads our selectors", () => {
  const injectors = [
    restingInjector(stable),
    ...webhookConfigurations(canary),
    ...tagObjects(canary, "default"),
  ].filter(({ kind }) => kind === "MutatingWebhookConfiguration");
  const answered = ["canary", "default"];
  let wantedCount = 0;
  for (const namespace of namespaces) {
    for (const pod of pods) {
      const isAsked = askedBy(injectors, namespace, pod).length > 0;
      const wanted = wantedRevision(namespace, pod);
      const words = JSON.stringify({ namespace, pod, wanted });
      assert.equal(isInjected(injectors as readonly InjectorWebhooks[], namespace, pod), isAsked, words);
      assert.equal(wanted !== undefined && answered.includes(wanted), isAsked, words);
      if (wanted !== undefined) wantedCount++;
    }
  }
  assert.ok(wantedCount > 50);
});

test("isInjected() doesn't count webhooks that are asked about all pods", () => {
  const policy = { webhooks: [{ namespaceSelector: {}, objectSelector: {} }, {}] };
  assert.equal(isInjected([policy], { "istio-injection": "enabled" }, {}), false);
});

test("removeRevisionTag() refuses while namespaces use the tag, unless forced", async (t) => {
  const { access, put, injectorNames } = await start(t);
  const settings = profileSettings("minimal", "1.0.0");
  for (const object of tagObjects(canary, "prod")) put(object);
  put(namespaceOf("shop", { "istio.io/rev": "prod" }));
  const refused = await removeRevisionTag(access, settings, { tag: "prod", isForced: false });
  assert.ok(refused.kind === "fault");
  assert.match(refused.message, /new pods of namespace shop ask for it, and would start without a sidecar/);
  assert.deepEqual(injectorNames(), ["meltemi-revision-tag-prod"]);
  assert.deepEqual(await removeRevisionTag(access, settings, { tag: "prod", isForced: true }), {
    kind: "done",
  });
  assert.deepEqual(injectorNames(), []);
  const absent = await removeRevisionTag(access, settings, { tag: "prod", isForced: true });
  assert.ok(absent.kind === "fault");
  assert.match(absent.message, /there is none of that name/);
});

test("removeRevisionTag() gives the pods of the tag default back to the revision of that name", async (t) => {
  const { access, put, injectorNames } = await start(t);
  for (const object of [...tagObjects(canary, "default"), restingInjector(stable)]) put(object);
  put(namespaceOf("shop", { "istio-injection": "enabled" }));
  const settings = profileSettings("minimal", "1.0.0");
  const verdict = await removeRevisionTag(access, settings, { tag: "default", isForced: false });
  assert.deepEqual(verdict, { kind: "done" });
  assert.deepEqual(injectorNames(), ["meltemi-sidecar-injector"]);
});

function namespaceOf(name: string, labels: Labels): InstallObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

async function start(t: TestContext) {
  const { server, client } = await startTestApi(t);
  const pathOf = (kind: string) => resourcePath(resourceOf({ kind }));
  for (const { plural, apiVersion } of removableResources) server.define(`/apis/${apiVersion}/${plural}`);
  const put = (object: InstallObject) => server.put(pathOf(object.kind), object as TestObject);
  put(namespaceOf("default", {}));
  const signal = new AbortController().signal;
  const access = { client, clock: systemClock, signal, onProgress: () => undefined };
  const names = ["meltemi-revision-tag-prod", "meltemi-revision-tag-default", "meltemi-sidecar-injector"];
  const injectorNames = () =>
    names.filter((name) => server.find(pathOf("MutatingWebhookConfiguration"), "", name) !== undefined);
  return { access, put, injectorNames };
}
