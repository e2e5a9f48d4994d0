// Writes the CA's certificate into the webhooks of this revision, where the API server looks for it. All else of them is
// the installer's. Looked at again and again: an installer makes them after the control plane, and may make them anew.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { pause } from "../core/pause.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { applyObject, getObject } from "../kubernetes/api-objects.ts";
import type { ApiResource } from "../kubernetes/api-resource.ts";

export interface WebhookBundlesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** PEM of the trust anchors. */
  readonly rootsPem: string;
  /** Of MutatingWebhookConfigurations, now. */
  readonly injectorNames: () => readonly string[];
  /** Of ValidatingWebhookConfigurations, now. */
  readonly validatorNames: () => readonly string[];
}

const FIELD_MANAGER = "meltemi-control-plane";
// As long as one lacks, pods that ask for a sidecar are refused.
const LOOK_EVERY_MS = 2_000;

/** Works until the returned function is called. */
export function startWebhookBundles(options: WebhookBundlesOptions): () => void {
  const stop = new AbortController();
  const { injectorNames, validatorNames, clock, log } = options;
  const work = async () => {
    while (!stop.signal.aborted) {
      for (const [kind, name] of [
        ...injectorNames().map((name) => ["MutatingWebhookConfiguration", name] as const),
        ...validatorNames().map((name) => ["ValidatingWebhookConfiguration", name] as const),
      ]) {
        try {
          await writeBundle(kind, name, options);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          log.info({ kind, name, reason }, "webhook's ca bundle not written");
        }
      }
      await pause(clock, LOOK_EVERY_MS, stop.signal);
    }
  };
  void work();
  return () => stop.abort();
}

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
}

async function writeBundle(
  kind: string,
  name: string,
  { client, log, rootsPem }: WebhookBundlesOptions,
): Promise<void> {
  const resource = resourceOf(kind);
  const live = (await getObject(client, resource, { name })) as WebhookConfiguration | undefined;
  const caBundle = Buffer.from(rootsPem).toString("base64");
  const webhooks = live?.webhooks ?? [];
  if (webhooks.every(({ clientConfig }) => clientConfig?.caBundle === caBundle)) return;
  const object = {
    apiVersion: resource.apiVersion,
    kind,
    metadata: { name },
    webhooks: webhooks.map((webhook) => ({ name: webhook.name, clientConfig: { caBundle } })),
  };
  await applyObject(client, resource, object, { fieldManager: FIELD_MANAGER, isForced: true });
  log.info({ kind, name }, "webhook's ca bundle written");
}

function resourceOf(kind: string): ApiResource {
  const plural = `${kind.toLowerCase()}s`;
  return { kind, apiVersion: "admissionregistration.k8s.io/v1", plural, isNamespaced: false };
}
