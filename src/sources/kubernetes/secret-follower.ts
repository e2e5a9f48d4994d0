// Follows each Secret that is named by a watch of its own, as kubelet does, and none besides: no other Secret of the
// cluster ever reaches this process.

import type { Clock } from "../../core/clock.ts";
import { kindsWithRole } from "../../kinds/all-kinds.ts";
import { secretKind } from "../../kinds/secret.ts";
import { resourceOfKind } from "../../kubernetes/api-resource.ts";
import type { Collections } from "./collections.ts";
import type { Collection } from "./follow-collection.ts";
import { type NamingObjects, namedSecrets } from "./named-secrets.ts";

export interface SecretFollower {
  /** Follows those that are named now, forgets others; true where a new one must be waited for. */
  follow(): boolean;
  /** Objects of this kind have changed: looks soon whether other Secrets are named. */
  consider(kind: string): void;
  close(): void;
}

export interface SecretFollowerOptions {
  readonly collections: Collections;
  readonly clock: Clock;
  readonly naming: () => NamingObjects;
}

const namingKinds: ReadonlySet<string> = new Set(kindsWithRole("names-secrets").map(({ kind }) => kind));
/** Pods come in crowds, and all of them are looked at. */
const PATIENCE_MS = 100;

export function createSecretFollower({ collections, clock, naming }: SecretFollowerOptions): SecretFollower {
  let followed: ReadonlySet<string> = new Set();
  let cancel: (() => void) | undefined;
  const follow = () => {
    const named = namedSecrets(naming());
    const added = [...named].filter((name) => !followed.has(name));
    const removed = [...followed].filter((name) => !named.has(name));
    followed = named;
    for (const name of removed) collections.forget(collectionOf(name));
    for (const name of added) collections.follow(collectionOf(name));
    return added.length > 0;
  };
  return {
    follow,
    consider(kind) {
      if (!namingKinds.has(kind) || cancel !== undefined) return;
      cancel = clock.after(PATIENCE_MS, () => {
        cancel = undefined;
        follow();
      });
    },
    close: () => cancel?.(),
  };
}

function collectionOf(named: string): Collection {
  const [namespace = "", name = ""] = named.split("/");
  return { resource: resourceOfKind(secretKind), namespace, name };
}
