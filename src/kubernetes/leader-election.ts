// One leader among replicas, by a Lease that it renews, as Kubernetes' own components do. Clocks of others are never
// trusted: a lease is over when it wasn't seen to change for as long as it says.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { pause } from "../core/pause.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "./api-client.ts";
import { isApiError } from "./api-error.ts";
import { createObject, getObject, replaceObject } from "./api-objects.ts";
import { leaseResource } from "./api-resource.ts";

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique among the candidates, and another one after a restart. */
  readonly identity: string;
}

export interface LeaderElection {
  readonly isLeader: boolean;
  /** Calls at once with how it stands, and at each change; returns what ends it. */
  watch(listener: (isLeader: boolean) => void): () => void;
  /** Stands no more, and gives the lease back, so that another needn't wait for its end. */
  close(): Promise<void>;
}

const LEASE_SECONDS = 15;
/** A leader that couldn't renew for so long steps down: well before anybody else may take the lease. */
const RENEW_LIMIT_MS = 10_000;
const RETRY_MS = 2_000;

/** The defaults are those of Kubernetes' components: a dead leader is replaced within 17 s. */
export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const candidate = new Candidate(options);
  void candidate.run();
  return candidate;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

class Candidate implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #listeners = new Set<(isLeader: boolean) => void>();
  readonly #stop = new AbortController();
  #isLeader = false;
  #observed: { readonly text: string; readonly sinceMs: number } | undefined;
  #cancelStepDown: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  watch(listener: (isLeader: boolean) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#isLeader);
    return () => this.#listeners.delete(listener);
  }

  run(): Promise<void> {
    this.#running = this.#stand();
    return this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const wasLeader = this.#isLeader;
    this.#setLeader(false);
    if (wasLeader) await this.#release();
  }

  async #stand(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const startedMs = clock.now();
      try {
        if (await this.#acquire()) this.#renewed(startedMs);
        else this.#setLeader(false);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!signal.aborted) log.debug({ reason }, "lease not renewed");
      }
      await pause(clock, RETRY_MS * (0.8 + 0.4 * random()), signal);
    }
  }

  /** True where the lease is ours now. */
  async #acquire(): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    const lease = await getObject(client, leaseResource, { namespace, name });
    try {
      if (lease === undefined) {
        await createObject(client, leaseResource, this.#leaseOf({}));
        return true;
      }
      const spec = (lease.spec ?? {}) as LeaseSpec;
      if (!this.#isFree(spec) && spec.holderIdentity !== identity) return false;
      await replaceObject(client, leaseResource, { ...this.#leaseOf(spec), metadata: lease.metadata });
      return true;
    } catch (error) {
      // Somebody else was faster.
      if (isApiError(error, 409)) return false;
      throw error;
    }
  }

  #isFree(spec: LeaseSpec): boolean {
    const nowMs = this.#options.clock.now();
    const text = JSON.stringify(spec);
    if (this.#observed?.text !== text) this.#observed = { text, sinceMs: nowMs };
    if ((spec.holderIdentity ?? "") === "") return true;
    const { leaseDurationSeconds = LEASE_SECONDS } = spec;
    return nowMs - this.#observed.sinceMs >= leaseDurationSeconds * 1000;
  }

  #leaseOf(before: LeaseSpec): KubernetesObject {
    const { namespace, name, identity, clock } = this.#options;
    const isSame = before.holderIdentity === identity;
    const now = microTime(clock.now());
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isSame ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (isSame ? 0 : 1),
    };
    return { apiVersion: leaseResource.apiVersion, kind: "Lease", metadata: { name, namespace }, spec };
  }

  #renewed(startedMs: number): void {
    const { clock } = this.#options;
    this.#cancelStepDown();
    const leftMs = startedMs + RENEW_LIMIT_MS - clock.now();
    if (leftMs <= 0) {
      this.#setLeader(false);
      return;
    }
    this.#cancelStepDown = clock.after(leftMs, () => this.#setLeader(false));
    this.#setLeader(true);
  }

  #setLeader(isLeader: boolean): void {
    if (!isLeader) this.#cancelStepDown();
    if (this.#isLeader === isLeader) return;
    this.#isLeader = isLeader;
    const { log, identity, name } = this.#options;
    log.info({ identity, lease: name }, isLeader ? "leading" : "leading no more");
    for (const listener of this.#listeners) listener(isLeader);
  }

  async #release(): Promise<void> {
    const { client, namespace, name, identity, log } = this.#options;
    try {
      const lease = await getObject(client, leaseResource, { namespace, name });
      const spec = lease?.spec as LeaseSpec | undefined;
      if (lease === undefined || spec?.holderIdentity !== identity) return;
      const released = { ...spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await replaceObject(client, leaseResource, { ...lease, spec: released });
    } catch (error) {
      log.debug({ reason: error instanceof Error ? error.message : String(error) }, "lease not given back");
    }
  }
}

/** Kubernetes' MicroTime. */
function microTime(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "000Z");
}
