// Who may read Secrets, as the API server says: asked when a proxy first wants one, and again as long as it does, so that
// a right that goes is missed soon. Nobody waits for an answer; until there is one, there is no right.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { type ApiRetry, createApiRetry } from "../kubernetes/api-retry.ts";

export interface ReviewedAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export type AccessVerdict = "allowed" | "denied";

export interface SecretAccessOptions {
  /** Rejects where the API server can't be asked. */
  readonly review: (account: ReviewedAccount) => Promise<AccessVerdict>;
  /** Whether some proxy of the account still wants Secrets; one that none wants is asked for no more. */
  readonly isWanted: (account: ReviewedAccount) => boolean;
  /** Undefined: nothing is known any more. */
  readonly onVerdict: (account: ReviewedAccount, verdict: AccessVerdict | undefined) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface SecretAccessReviews {
  /** A proxy of the account wants a Secret. */
  want(account: ReviewedAccount): void;
  close(): void;
}

// As Istio's for a refusal; a right that has gone should be missed as soon.
const ASK_AGAIN_MS = 60_000;
/** An answer outlives an API server that can't be asked by no more. */
const MAX_AGE_MS = 600_000;
const MAX_AT_ONCE = 16;
const retryBackoff = { firstMs: 1_000, maxMs: 30_000 };

interface Asked {
  readonly account: ReviewedAccount;
  verdict?: AccessVerdict | undefined;
  answeredAtMs: number;
  readonly retry: ApiRetry;
  cancel: () => void;
}

export function createSecretAccessReviews(options: SecretAccessOptions): SecretAccessReviews {
  const { clock, random } = options;
  const askedByKey = new Map<string, Asked>();
  const waiting: Asked[] = [];
  let runningCount = 0;
  let isClosed = false;

  const askSoon = (asked: Asked): void => {
    if (runningCount >= MAX_AT_ONCE) waiting.push(asked);
    else void ask(asked);
  };

  const ask = async (asked: Asked): Promise<void> => {
    runningCount += 1;
    try {
      const verdict = await options.review(asked.account);
      if (!isClosed) answered(asked, verdict);
    } catch (error) {
      if (!isClosed) failed(asked, error);
    }
    runningCount -= 1;
    const next = waiting.shift();
    if (next !== undefined && !isClosed) void ask(next);
  };

  const answered = (asked: Asked, verdict: AccessVerdict): void => {
    asked.retry.succeeded();
    asked.answeredAtMs = clock.now();
    tell(asked, verdict, options);
    asked.cancel = clock.after(ASK_AGAIN_MS * (0.9 + 0.1 * random()), () => again(asked));
  };

  const failed = (asked: Asked, error: unknown): void => {
    options.log.warn({ ...asked.account, error }, "right to read secrets can't be asked for");
    if (clock.now() - asked.answeredAtMs > MAX_AGE_MS) tell(asked, undefined, options);
    asked.cancel = clock.after(asked.retry.delayAfterMs(error), () => again(asked));
  };

  const again = (asked: Asked): void => {
    if (options.isWanted(asked.account)) askSoon(asked);
    else {
      askedByKey.delete(keyOf(asked.account));
      tell(asked, undefined, options);
    }
  };

  return {
    want(account) {
      const key = keyOf(account);
      if (isClosed || askedByKey.has(key)) return;
      const retry = createApiRetry(retryBackoff, random);
      const asked = { account, answeredAtMs: 0, retry, cancel: () => undefined };
      askedByKey.set(key, asked);
      askSoon(asked);
    },
    close() {
      isClosed = true;
      for (const { cancel } of askedByKey.values()) cancel();
    },
  };
}

function tell(
  asked: Asked,
  verdict: AccessVerdict | undefined,
  { onVerdict, log }: SecretAccessOptions,
): void {
  if (asked.verdict === verdict) return;
  asked.verdict = verdict;
  if (verdict === "denied") log.warn({ ...asked.account }, "service account may not read secrets");
  onVerdict(asked.account, verdict);
}

function keyOf({ namespace, serviceAccount }: ReviewedAccount): string {
  return `${namespace}/${serviceAccount}`;
}
