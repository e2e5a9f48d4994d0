// A Secret that a DestinationRule names and no namespace has: clients can't connect to the host. Each client reads it
// from its own namespace, so where it must be isn't the rule's to say.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Problem } from "../../core/problem.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import type { TrafficPolicy } from "../../kinds/destination-rule/traffic-policy.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkRuleCredentials(object: DestinationRule, context: CheckContext): Iterable<Problem> {
  const { read, indexes, sources } = context;
  for (const { name, path } of credentialsIn(object)) {
    const found = [name, `${name}-cacert`].some((each) => read.find(indexes.secretsByName, each).length > 0);
    if (found) continue;
    const known = new Set(read.all(sources.Secret).map(([, secret]) => secret.metadata.name));
    yield problemAt(object, path, {
      code: "MLT2016",
      message: `Cannot connect by TLS: no namespace has a Secret "${name}", and clients read it from their own`,
      hint: spellingHint(name, known),
    });
  }
}

function* credentialsIn({ spec }: DestinationRule) {
  yield* credentialsOf(spec.trafficPolicy, "spec.trafficPolicy");
  for (const [at, { trafficPolicy }] of (spec.subsets ?? []).entries())
    yield* credentialsOf(trafficPolicy, `spec.subsets[${at}].trafficPolicy`);
}

function* credentialsOf(policy: TrafficPolicy | undefined, path: string) {
  const places = [
    { tls: policy?.tls, path: `${path}.tls` },
    ...(policy?.portLevelSettings ?? []).map(({ tls }, at) => ({
      tls,
      path: `${path}.portLevelSettings[${at}].tls`,
    })),
  ];
  for (const place of places) {
    const name = place.tls?.credentialName;
    if (name !== undefined) yield { name, path: `${place.path}.credentialName` };
  }
}
