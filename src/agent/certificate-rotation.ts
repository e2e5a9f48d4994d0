// Keeps one workload's certificate fresh: makes a key, has it signed, renews at half-life with jitter. The key never
// leaves this process but by SDS; the old certificate stays until the new one is there.

import { generateKeyPairSync } from "node:crypto";
import { backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Redacted } from "../core/redacted.ts";
import { redacted } from "../core/redacted.ts";
import { readCertificate } from "../identity/certificate.ts";
import { buildCertificateRequest } from "../identity/certificate-request.ts";
import { decodePem } from "../identity/pem.ts";
import type { SubjectAlternativeNames } from "../identity/subject-alternative-name.ts";

export interface WorkloadCertificate {
  /** PEM: the leaf and its intermediates, without the root. */
  readonly chainPem: string;
  readonly keyPem: Redacted<string>;
  /** PEM of the trust anchors that came with it. */
  readonly rootsPem: string;
  readonly notAfterMs: number;
}

/** Resolves with PEM blocks: the leaf, any intermediates, then all trust anchors in one. */
export type SignRequest = (csrPem: string, ttlMs: number) => Promise<readonly string[]>;

export interface CertificateRotationOptions {
  readonly names: SubjectAlternativeNames;
  /** What is asked for; what is granted decides the pace. Default 24 h. */
  readonly ttlMs?: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface CertificateRotation {
  readonly current: WorkloadCertificate | undefined;
  /** How many certificates there have been. */
  readonly rotationCount: number;
  /** Calls at once with the current certificate, if there is one, then at each new one; returns what ends it. */
  watch(listener: (certificate: WorkloadCertificate) => void): () => void;
  close(): void;
}

const DAY_MS = 24 * 3_600_000;
// Istio's SECRET_GRACE_PERIOD_RATIO and its jitter: renewed when half of the lifetime is left, give or take 1 %.
const GRACE_RATIO = 0.5;
const GRACE_RATIO_JITTER = 0.01;
// Timers stand still while a laptop sleeps, certificates don't: the hour is looked at again this often.
const MAX_WAIT_MS = 30_000;
const backoff = { firstMs: 100, maxMs: 5_000 };

/** Starts at once; failures are retried for ever, with jittered back-off. */
export function startCertificateRotation(
  sign: SignRequest,
  options: CertificateRotationOptions,
): CertificateRotation {
  const { clock, random, log, names, ttlMs = DAY_MS } = options;
  const listeners = new Set<(certificate: WorkloadCertificate) => void>();
  let current: WorkloadCertificate | undefined;
  let rotationCount = 0;
  let failureCount = 0;
  let isClosed = false;
  let cancelTimer: (() => void) | undefined;

  const rotate = async (): Promise<void> => {
    const requestedMs = clock.now();
    try {
      const certificate = await requestCertificate(sign, names, ttlMs);
      if (isClosed) return;
      current = certificate;
      rotationCount++;
      failureCount = 0;
      const lifetimeMs = certificate.notAfterMs - requestedMs;
      const graceRatio = GRACE_RATIO + GRACE_RATIO_JITTER * (2 * random() - 1);
      scheduleAt(certificate.notAfterMs - lifetimeMs * graceRatio);
      log.info({ names: names.uris, ttlSeconds: Math.round(lifetimeMs / 1000) }, "certificate rotated");
      for (const listener of listeners) listener(certificate);
    } catch (error) {
      if (isClosed) return;
      const delayMs = backoffDelayMs(failureCount++, backoff, random);
      log.warn(
        { names: names.uris, reason: messageOf(error), retryInMs: delayMs },
        "certificate not rotated",
      );
      scheduleAt(clock.now() + delayMs);
    }
  };
  const scheduleAt = (dueMs: number): void => {
    const delayMs = dueMs - clock.now();
    const wake = delayMs > MAX_WAIT_MS ? () => scheduleAt(dueMs) : () => void rotate();
    cancelTimer = clock.after(Math.min(Math.max(0, delayMs), MAX_WAIT_MS), wake);
  };

  void rotate();
  return {
    get current() {
      return current;
    },
    get rotationCount() {
      return rotationCount;
    },
    watch(listener) {
      listeners.add(listener);
      if (current !== undefined) listener(current);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      cancelTimer?.();
      listeners.clear();
    },
  };
}

async function requestCertificate(
  sign: SignRequest,
  names: SubjectAlternativeNames,
  ttlMs: number,
): Promise<WorkloadCertificate> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const blocks = await sign(buildCertificateRequest(privateKey, names), ttlMs);
  const [leafPem, roots] = [blocks[0], blocks.at(-1)];
  if (leafPem === undefined || roots === undefined || blocks.length < 2) {
    throw new Error(`The CA answered ${blocks.length} certificates; wanted are at least leaf and root`);
  }
  const leaf = readCertificate(decodePem("CERTIFICATE", leafPem)[0] ?? new Uint8Array());
  if (!leaf.publicKey.key.equals(publicKey))
    throw new Error("The CA answered with a certificate of another key");
  return {
    chainPem: blocks.slice(0, -1).map(endWithNewline).join(""),
    keyPem: redacted(privateKey.export({ format: "pem", type: "pkcs8" }).toString()),
    rootsPem: endWithNewline(roots),
    notAfterMs: leaf.notAfterMs,
  };
}

function endWithNewline(block: string): string {
  return block.endsWith("\n") ? block : `${block}\n`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
