// The mesh's trust anchors as a ConfigMap in each namespace, where pods mount them. Kept right against deletion and
// change; one that another mesh's control plane writes is left alone.

import type { Backoff } from "../core/backoff.ts";
import { type ObjectKey, objectKey } from "../core/object-key.ts";
import { pause } from "../core/pause.ts";
import { configMapKind } from "../kinds/config-map.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { applyObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import { createApiRetry, isServerAway } from "../kubernetes/api-retry.ts";
import {
  type FollowContext,
  followCollection,
  type Replica,
} from "../sources/kubernetes/follow-collection.ts";
import type { IngestedObject } from "../sources/kubernetes/ingested-object.ts";
import type { RawObject } from "../sources/kubernetes/raw-object.ts";
import { createNews } from "./news.ts";

export const ROOT_CONFIG_MAP = "istio-ca-root-cert";
const ROOT_FIELD = "root-cert.pem";
const FIELD_MANAGER = "meltemi";
const MANAGED_BY = "app.kubernetes.io/managed-by";
const ISTIO_CONFIG = "istio.io/config";

export interface RootCertificatesOptions extends FollowContext {
  readonly rootsPem: string;
  /** Namespaces that are to have it, now. */
  readonly namespaces: () => Iterable<string>;
  /** Calls when they may have changed; returns what ends it. */
  readonly watchNamespaces: (listener: () => void) => () => void;
}

/** Nothing of a mesh runs there. */
const systemNamespaces: ReadonlySet<string> = new Set(["kube-system", "kube-public", "kube-node-lease"]);
const configMapResource = resourceOfKind(configMapKind);
const backoff: Backoff = { firstMs: 500, maxMs: 60_000 };

/** Works until the returned function is called. */
export function startRootCertificates(options: RootCertificatesOptions): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const replica: Replica = new Map();
  const news = createNews(signal);
  let isListed = false;
  void followCollection(
    { resource: configMapResource, name: ROOT_CONFIG_MAP },
    {
      ...options,
      signal,
      replica,
      ingest: (raw) => ({ object: rootConfigMapOf(raw) }),
      onChange: news.tell,
      onSynced: () => {
        isListed = true;
        news.tell();
      },
    },
  );
  const endWatch = options.watchNamespaces(news.tell);

  const work = async () => {
    const retry = createApiRetry(backoff, options.random);
    while (!signal.aborted) {
      await news.next();
      if (!isListed) continue;
      const failure = await applyMissing(replica, signal, options);
      if (failure === undefined) {
        retry.succeeded();
        continue;
      }
      await pause(options.clock, retry.delayAfterMs(failure), signal);
      news.tell();
    }
  };
  void work();
  return () => {
    stop.abort();
    endWatch();
  };
}

/** Returns why one couldn't be written, such as that of a namespace that is being deleted. */
async function applyMissing(
  replica: Replica,
  signal: AbortSignal,
  options: RootCertificatesOptions,
): Promise<Error | undefined> {
  const { client, rootsPem, log } = options;
  let failure: Error | undefined;
  for (const namespace of options.namespaces()) {
    if (signal.aborted) break;
    const known = replica.get(keyIn(namespace))?.object;
    if (systemNamespaces.has(namespace) || !needsWriting(known, rootsPem)) continue;
    if (isForeign(known)) {
      log.warn({ namespace, configMap: ROOT_CONFIG_MAP }, "root certificate of another mesh left alone");
      continue;
    }
    const object = configMapOf(namespace, rootsPem);
    const written = { object: rootConfigMapOf(object) };
    // Before it is answered: watched meanwhile, a write and a deletion are told in their order. Without it, one that is
    // deleted again at once would be no news.
    const before = replica.get(keyIn(namespace));
    replica.set(keyIn(namespace), written);
    try {
      await applyObject(client, configMapResource, object, { fieldManager: FIELD_MANAGER, isForced: true });
    } catch (error) {
      if (replica.get(keyIn(namespace)) === written) putBack(replica, namespace, before);
      failure = error instanceof Error ? error : new Error(String(error));
      log.info({ namespace, reason: failure.message }, "root certificate not written");
      // The others would wait for it in turn.
      if (isServerAway(failure)) break;
    }
  }
  return failure;
}

function putBack(replica: Replica, namespace: string, before: IngestedObject | undefined): void {
  if (before === undefined) replica.delete(keyIn(namespace));
  else replica.set(keyIn(namespace), before);
}

function keyIn(namespace: string): ObjectKey {
  return objectKey({ kind: configMapKind.kind, namespace, name: ROOT_CONFIG_MAP });
}

function configMapOf(namespace: string, rootsPem: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: ROOT_CONFIG_MAP, namespace, labels: { [MANAGED_BY]: "meltemi" } },
    data: { [ROOT_FIELD]: rootsPem },
  };
}

interface RootConfigMap extends KubernetesObject {
  readonly data: { readonly [ROOT_FIELD]: string };
}

interface Written {
  readonly metadata: RawObject["metadata"];
  readonly data?: unknown;
}

function rootConfigMapOf({ metadata, data }: Written): RootConfigMap {
  const { name, namespace = "", labels = {} } = metadata;
  const found = (data as Readonly<Record<string, string>> | undefined)?.[ROOT_FIELD] ?? "";
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels },
    data: { [ROOT_FIELD]: found },
  };
}

function needsWriting(known: KubernetesObject | undefined, rootsPem: string): boolean {
  return (known as RootConfigMap | undefined)?.data[ROOT_FIELD] !== rootsPem;
}

/** An istiod labels what it writes; two writers of one object would undo each other for ever. */
function isForeign(known: KubernetesObject | undefined): boolean {
  const labels = known?.metadata.labels ?? {};
  return labels[ISTIO_CONFIG] === "true" && labels[MANAGED_BY] !== "meltemi";
}
