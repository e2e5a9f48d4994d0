// Several PeerAuthentications for the same workloads: the oldest holds, the others don't.

import type { Problem } from "../../core/problem.ts";
import type { PeerAuthentication } from "../../kinds/peer-authentication.ts";
import { byAge } from "../service.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkPeerAuthenticationScope(
  object: PeerAuthentication,
  { read, model, settings }: CheckContext,
): Iterable<Problem> {
  const { namespace } = object.metadata;
  const scope = selectorText(object);
  const oldest = read
    .find(model.modes.policiesByNamespace, namespace)
    .map(([, policy]) => policy)
    .filter((policy) => selectorText(policy) === scope)
    .sort((a, b) => byAge(ageOf(a), ageOf(b)))[0];
  if (oldest === undefined || oldest.metadata.name === object.metadata.name) return;
  const isMesh = namespace === settings.rootNamespace;
  const subject =
    scope !== "" ? `pods with ${scope}` : isMesh ? "the whole mesh" : `namespace "${namespace}"`;
  yield problemAt(object, scope === "" ? "spec" : "spec.selector", {
    code: "MLT2014",
    message: `PeerAuthentication "${oldest.metadata.name}" for ${subject} is older and holds, so this one has no effect`,
  });
}

function selectorText({ spec }: PeerAuthentication): string {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {});
  return labels
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(", ");
}

function ageOf({ metadata: { creationTimestamp = "", namespace, name } }: PeerAuthentication) {
  return { createdAt: creationTimestamp, namespace, name };
}
