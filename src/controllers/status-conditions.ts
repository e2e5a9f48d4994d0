// The conditions of an object, made of what is known of it. Pure.

import { formatProblem, type Problem } from "../core/problem.ts";

export interface ObjectFacts {
  /** Of the object that is in force; absent where it isn't accepted, and only its Problems are known. */
  readonly generation?: number;
  readonly isInForce: boolean;
  readonly problems: readonly Problem[];
  readonly proxyCount: number;
  readonly acknowledgedCount: number;
  readonly refusedCount: number;
  /** Who refuses it, and why; empty where none does. */
  readonly reasons: string;
  /** That hosts of a ServiceEntry got by themselves; absent for kinds that get none. */
  readonly addresses?: readonly HostAddress[];
}

/** As Istio's ServiceEntry says it in its status. */
export interface HostAddress {
  readonly value: string;
  readonly host: string;
}

/** As Kubernetes' own conditions, and Istio's. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: string | number;
  readonly lastTransitionTime?: string;
}

export interface ConditionMoment {
  /** What the object has now, of others too. */
  readonly before: readonly Condition[];
  readonly now: Date;
}

const MAX_MESSAGE_LENGTH = 1_024;

/**
 * `Accepted` and `Programmed`; `Reconciled` is Istio's word for the latter. What all proxies had once counts as programmed until
 * one refuses it or the object changes: one that has just come is about to have it.
 */
export function conditionsOf(
  facts: ObjectFacts & { readonly generation: number },
  { before, now }: ConditionMoment,
): readonly Condition[] {
  const ofGeneration = before.filter(
    ({ observedGeneration }) => String(observedGeneration) === String(facts.generation),
  );
  const programmed = programmedOf(
    facts,
    ofGeneration.find(({ type }) => type === "Programmed"),
  );
  const all = [
    { type: "Accepted", ...acceptedOf(facts) },
    { type: "Programmed", ...programmed },
    { type: "Reconciled", ...programmed },
  ];
  return all.map(({ message, ...condition }) => {
    const former = before.find(({ type }) => type === condition.type);
    const isSame = former?.status === condition.status;
    return {
      ...condition,
      message: message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message,
      observedGeneration: facts.generation,
      lastTransitionTime:
        (isSame ? former.lastTransitionTime : undefined) ?? `${now.toISOString().slice(0, 19)}Z`,
    };
  });
}

/** More is to be said as proxies answer: some have yet to. */
export function isUnsettled({ isInForce, proxyCount, acknowledgedCount }: ObjectFacts): boolean {
  return isInForce && acknowledgedCount < proxyCount;
}

/** Whether `before` says all of `wanted` already. */
export function sameConditions(before: readonly Condition[], wanted: readonly Condition[]): boolean {
  return wanted.every((condition) => {
    const former = before.find(({ type }) => type === condition.type);
    if (former === undefined) return false;
    return (
      former.status === condition.status &&
      former.reason === condition.reason &&
      former.message === condition.message &&
      String(former.observedGeneration) === String(condition.observedGeneration)
    );
  });
}

type Finding = Pick<Condition, "status" | "reason" | "message">;

function acceptedOf({ isInForce, problems }: ObjectFacts): Finding {
  const message = problems.map(formatProblem).join("; ");
  if (!isInForce) return { status: "False", reason: "Invalid", message };
  const isPartly = problems.some(({ severity }) => severity === "error");
  return { status: "True", reason: isPartly ? "PartlyInForce" : "Accepted", message };
}

function programmedOf(facts: ObjectFacts, former: Condition | undefined): Finding {
  const { isInForce, proxyCount, acknowledgedCount, refusedCount, reasons } = facts;
  if (!isInForce) return { status: "False", reason: "NotAccepted", message: "what is wrong must be mended" };
  const counts = `${acknowledgedCount} of ${proxyCount} proxies`;
  if (refusedCount > 0) {
    const why = reasons === "" ? `${refusedCount} refuse it` : reasons;
    return { status: "False", reason: "Refused", message: `${counts} have it; ${why}` };
  }
  if (proxyCount === 0) return { status: "True", reason: "NoProxies", message: "no proxy is concerned" };
  // Without a count: a pod that comes or goes is no reason to write.
  if (acknowledgedCount === proxyCount)
    return { status: "True", reason: "Programmed", message: "all proxies have it" };
  if (former?.status === "True") return { status: "True", reason: former.reason, message: former.message };
  return { status: "False", reason: "Pending", message: counts };
}
