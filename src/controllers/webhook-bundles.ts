// Writes the CA's certificate into the webhooks of this revision and its tags, where the API server looks for it. All
// else of them is the installer's, which makes them after the control plane, and may make them anew.

import type { Backoff } from "../core/backoff.ts";
import { pause } from "../core/pause.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { applyObject } from "../kubernetes/api-objects.ts";
import type { ApiResource } from "../kubernetes/api-resource.ts";
import { createApiRetry } from "../kubernetes/api-retry.ts";
import {
  type FollowContext,
  followCollection,
  type Replica,
} from "../sources/kubernetes/follow-collection.ts";
import type { RawObject } from "../sources/kubernetes/raw-object.ts";
import { createNews } from "./news.ts";

export interface WebhookBundlesOptions extends FollowContext {
  /** PEM of the trust anchors. */
  readonly rootsPem: string;
  /** Of the configurations that are this control plane's. */
  readonly labelSelector: string;
}

const FIELD_MANAGER = "meltemi-control-plane";
/** Of one round of writing after another: whoever else writes there, the two don't chase each other. */
const WRITE_EVERY_MS = 1_000;
// As long as one lacks, pods that ask for a sidecar are refused.
const backoff: Backoff = { firstMs: 500, maxMs: 5_000 };

const resources: readonly ApiResource[] = [
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
].map((kind) => ({
  kind,
  apiVersion: "admissionregistration.k8s.io/v1",
  plural: `${kind.toLowerCase()}s`,
  isNamespaced: false,
}));

/** Works until the returned function is called. */
export function startWebhookBundles(options: WebhookBundlesOptions): () => void {
  const stop = new AbortController();
  for (const resource of resources) void keepWritten(resource, stop.signal, options);
  return () => stop.abort();
}

async function keepWritten(
  resource: ApiResource,
  signal: AbortSignal,
  options: WebhookBundlesOptions,
): Promise<void> {
  const { clock, labelSelector, random } = options;
  const replica: Replica = new Map();
  const news = createNews(signal);
  void followCollection(
    { resource, labelSelector },
    {
      ...options,
      signal,
      replica,
      ingest: (raw) => ({ object: configurationOf(raw, resource) }),
      onChange: news.tell,
      onSynced: news.tell,
    },
  );
  const retry = createApiRetry(backoff, random);
  while (!signal.aborted) {
    await news.next();
    const outcome = await writeMissing({ resource, replica, signal }, options);
    if (outcome.kind === "failed") {
      await pause(clock, retry.delayAfterMs(outcome.error), signal);
      news.tell();
      continue;
    }
    retry.succeeded();
    if (outcome.kind === "written") await pause(clock, WRITE_EVERY_MS, signal);
  }
}

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle: string };
  }[];
}

interface RawWebhook {
  readonly name: string;
  readonly clientConfig?: { readonly caBundle?: string };
}

function configurationOf(raw: RawObject, { apiVersion, kind }: ApiResource): WebhookConfiguration {
  const webhooks = ((raw.webhooks ?? []) as readonly RawWebhook[]).map(({ clientConfig, name }) => ({
    name,
    clientConfig: { caBundle: clientConfig?.caBundle ?? "" },
  }));
  return { apiVersion, kind, metadata: { name: raw.metadata.name }, webhooks };
}

type Outcome =
  | { readonly kind: "in force" }
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly error: unknown };

interface Kept {
  readonly resource: ApiResource;
  readonly replica: Replica;
  readonly signal: AbortSignal;
}

async function writeMissing(
  { replica, resource, signal }: Kept,
  { client, log, rootsPem }: WebhookBundlesOptions,
): Promise<Outcome> {
  const caBundle = Buffer.from(rootsPem).toString("base64");
  let outcome: Outcome = { kind: "in force" };
  for (const { object } of [...replica.values()]) {
    const configuration = object as WebhookConfiguration;
    const isWritten = configuration.webhooks.every(({ clientConfig }) => clientConfig.caBundle === caBundle);
    if (isWritten || signal.aborted) continue;
    const { kind, metadata } = configuration;
    const webhooks = configuration.webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } }));
    const how = { fieldManager: FIELD_MANAGER, isForced: true };
    try {
      await applyObject(client, resource, { ...configuration, webhooks } as KubernetesObject, how);
      log.info({ kind, name: metadata.name }, "webhook's ca bundle written");
      if (outcome.kind !== "failed") outcome = { kind: "written" };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.info({ kind, name: metadata.name, reason }, "webhook's ca bundle not written");
      outcome = { kind: "failed", error };
    }
  }
  return outcome;
}
