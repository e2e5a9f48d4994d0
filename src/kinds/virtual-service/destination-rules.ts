// Rules for destinations and the weights between them.

import type { Findings } from "../value-rules.ts";
import { checkPort, checkRange, checkWildcardHostname } from "../value-rules.ts";
import type { Destination } from "./destination.ts";

// Envoy adds them up in 32 bits.
const MAX_WEIGHT = 2 ** 32 - 1;

export function* checkDestination(path: string, { host, port }: Destination): Findings {
  if (host === "*") yield { path: `${path}.host`, message: '"*" can\'t be a destination' };
  else yield* checkWildcardHostname(`${path}.host`, host);
  yield* checkPort(`${path}.port.number`, port?.number);
}

export function* checkWeights(path: string, routes: readonly { readonly weight?: number }[]): Findings {
  for (const [index, { weight }] of routes.entries()) {
    yield* checkRange(`${path}[${index}].weight`, weight, { minimum: 0 });
  }
  const total = routes.reduce((sum, { weight = 0 }) => sum + weight, 0);
  if (routes.length > 1 && total === 0) {
    yield { path, message: "the weights add up to 0, so no destination gets traffic" };
  }
  if (total > MAX_WEIGHT)
    yield { path, message: `the weights add up to ${total}, wanted at most ${MAX_WEIGHT}` };
}
