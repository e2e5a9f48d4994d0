// One SDS stream in either form of the protocol, as a machine without transport: names asked for come in, responses go
// out when their secrets exist or change. What a blocked transport can't take is kept once per name, the newest only.

import type { EncodedSecret, SecretSource } from "./secret-source.ts";

export interface SdsUpdate {
  readonly secrets: readonly EncodedSecret[];
  /** Names of secrets that don't exist; some may later. */
  readonly unknownNames: readonly string[];
}

export interface SdsSubscriptions {
  /** Starts with these versions taken as known to the client: what is equal isn't sent. */
  subscribe(names: readonly string[], knownVersions?: Readonly<Record<string, string>>): void;
  unsubscribe(names: readonly string[]): void;
  readonly names: readonly string[];
  /** The secrets at hand, for a protocol that repeats them all. */
  current(): readonly EncodedSecret[];
  /** The transport takes more again. */
  resume(): void;
  close(): void;
}

/** `send` returns false when the transport is full; the next update then waits for `resume`. */
export function createSdsSubscriptions(
  source: SecretSource,
  send: (update: SdsUpdate) => boolean,
): SdsSubscriptions {
  const endings = new Map<string, () => void>();
  const latest = new Map<string, EncodedSecret>();
  const changed = new Map<string, EncodedSecret | undefined>();
  let isBlocked = false;
  let isGathering = false;

  const flush = (): void => {
    if (isBlocked || isGathering || changed.size === 0) return;
    const secrets = [...changed.values()].filter((secret) => secret !== undefined);
    const unknownNames = [...changed].filter(([, secret]) => secret === undefined).map(([name]) => name);
    changed.clear();
    isBlocked = !send({ secrets, unknownNames });
  };

  const subscribeOne = (name: string, knownVersion: string | undefined): void => {
    if (endings.has(name)) return;
    let sentVersion = knownVersion;
    const end = source.watch(name, (secret) => {
      if (secret === "absent") {
        // What the client has of an earlier stream stays.
        if (sentVersion === undefined) changed.set(name, undefined);
        flush();
        return;
      }
      latest.set(name, secret);
      // The roots come with each new certificate, mostly the same ones.
      if (secret.version === sentVersion) return;
      sentVersion = secret.version;
      changed.set(name, secret);
      flush();
    });
    if (end === undefined) changed.set(name, undefined);
    endings.set(name, end ?? (() => undefined));
  };

  return {
    get names() {
      return [...endings.keys()];
    },
    current: () => [...latest.values()],
    subscribe(names, knownVersions = {}) {
      isGathering = true;
      for (const name of names) subscribeOne(name, knownVersions[name]);
      isGathering = false;
      flush();
    },
    unsubscribe(names) {
      for (const name of names) {
        endings.get(name)?.();
        endings.delete(name);
        latest.delete(name);
        changed.delete(name);
      }
    },
    resume() {
      isBlocked = false;
      flush();
    },
    close() {
      for (const end of endings.values()) end();
      endings.clear();
    },
  };
}
