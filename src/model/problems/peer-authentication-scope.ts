// Several PeerAuthentications for the same workloads: the oldest holds, the others don't.

import type { Problem } from "../../core/problem.ts";
import type { PeerAuthentication } from "../../kinds/peer-authentication.ts";
import { byAge } from "../service.ts";
import { ageOf, choiceText, rivalsOf } from "../workload-policies.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkPeerAuthenticationScope(
  object: PeerAuthentication,
  { read, model, settings }: CheckContext,
): Iterable<Problem> {
  const { namespace, name } = object.metadata;
  const [oldest] = rivalsOf(read, model.peerAuthentications, object).filter(
    ({ metadata }) => metadata.name !== name,
  );
  if (oldest === undefined || byAge(ageOf(oldest), ageOf(object)) > 0) return;
  const scope = choiceText(model.peerAuthentications.kind.choiceOf(object));
  const isMesh = namespace === settings.rootNamespace;
  const subject =
    scope !== "" ? `pods with ${scope}` : isMesh ? "the whole mesh" : `namespace "${namespace}"`;
  yield problemAt(object, scope === "" ? "spec" : "spec.selector", {
    code: "MLT2014",
    message: `PeerAuthentication "${oldest.metadata.name}" for ${subject} is older and holds, so this one has no effect`,
  });
}
