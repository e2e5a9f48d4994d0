// Rules for how a VirtualService names gateways.

import { childPath } from "../../core/field-path.ts";
import { isDnsLabel, isDnsSubdomain } from "../object-name.ts";
import type { Findings } from "../value-rules.ts";

export function* checkGateways(path: string, gateways: readonly string[] | undefined): Findings {
  for (const [index, gateway] of (gateways ?? []).entries()) {
    if (gateway !== "mesh") yield* checkGateway(childPath(path, index), gateway);
  }
}

function* checkGateway(path: string, gateway: string): Findings {
  const [first = "", second, ...more] = gateway.split("/");
  const wanted = `"${gateway}" isn't a gateway, wanted NAME, NAMESPACE/NAME or "mesh"`;
  if (more.length > 0) yield { path, message: wanted };
  else if (second === undefined) {
    if (!isDnsSubdomain(first)) yield { path, message: wanted };
    else if (first.includes(".")) {
      yield { path, severity: "warning", message: `"${gateway}" is the old form, write NAMESPACE/NAME` };
    }
  } else if ((first !== "." && !isDnsLabel(first)) || !isDnsSubdomain(second))
    yield { path, message: wanted };
}
