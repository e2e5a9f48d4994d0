// The keys of issuers in a ConfigMap of the control plane's namespace: the leading replica writes it, all read it, so
// all send proxies the same.

import { type ObjectKey, objectKey } from "../core/object-key.ts";
import { configMapKind } from "../kinds/config-map.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { applyObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import { type FollowContext, followCollection } from "../sources/kubernetes/follow-collection.ts";
import type { RawObject } from "../sources/kubernetes/raw-object.ts";
import { type KeyRecords, parseRecordEntries, recordEntries } from "./key-record.ts";

const FIELD_MANAGER = "meltemi-issuer-keys";
const configMapResource = resourceOfKind(configMapKind);

export interface KeyConfigMap {
  readonly namespace: string;
  readonly name: string;
}

export interface FollowKeysOptions extends FollowContext {
  readonly signal: AbortSignal;
  /** Undefined where the ConfigMap was there and is gone. */
  readonly onRecords: (records: KeyRecords | undefined) => void;
}

/** Resolves when what there was has been told; goes on until the signal aborts. */
export function followKeyConfigMap(
  { namespace, name }: KeyConfigMap,
  { onRecords, ...options }: FollowKeysOptions,
): Promise<void> {
  const replica = new Map<ObjectKey, { readonly object: KeyObject }>();
  const key = objectKey({ kind: configMapKind.kind, namespace, name });
  return new Promise((resolve) => {
    void followCollection(
      { resource: configMapResource, namespace, name },
      {
        ...options,
        replica,
        ingest: (raw) => ({ object: keyObjectOf(raw) }),
        onChange: () => {
          const object = replica.get(key)?.object;
          onRecords(object === undefined ? undefined : parseRecordEntries(object.data));
        },
        onSynced: resolve,
      },
    );
  });
}

export async function applyKeyConfigMap(
  client: ApiClient,
  { namespace, name }: KeyConfigMap,
  records: KeyRecords,
): Promise<void> {
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": "meltemi" } },
    data: recordEntries(records),
  };
  await applyObject(client, configMapResource, object, { fieldManager: FIELD_MANAGER, isForced: true });
}

interface KeyObject extends KubernetesObject {
  readonly data: Readonly<Record<string, string>>;
}

function keyObjectOf({ metadata: { name, namespace = "" }, ...raw }: RawObject): KeyObject {
  const { data = {} } = raw as { readonly data?: Readonly<Record<string, string>> };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}
