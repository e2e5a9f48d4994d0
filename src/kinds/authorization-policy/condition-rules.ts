// Values of an AuthorizationPolicy that have a form. A rule with one that hasn't would be left out where it allows, and
// match too much where it denies.

import type { Findings } from "../value-rules.ts";
import { checkIpOrRange } from "../value-rules.ts";
import type { AuthorizationCondition } from "./authorization-policy-spec.ts";

export function* checkConditionValues(path: string, condition: AuthorizationCondition): Findings {
  const { key, values = [], notValues = [] } = condition;
  for (const [name, list] of [
    ["values", values],
    ["notValues", notValues],
  ] as const) {
    yield* checkValues(`${path}.${name}`, list);
    for (const [index, value] of list.entries()) {
      const place = `${path}.${name}[${index}]`;
      if (key === "destination.port") yield* checkPortText(place, value);
      if (ADDRESSES.includes(key) && value !== "") yield* checkIpOrRange(place, value);
    }
  }
}

/** None of them is empty. */
export function* checkValues(path: string, values: readonly string[]): Findings {
  for (const [index, value] of values.entries()) {
    if (value === "") yield { path: `${path}[${index}]`, message: "a value is empty" };
  }
}

export function* checkPortText(path: string, text: string): Findings {
  if (!/^\d+$/.test(text) || Number(text) > 65535)
    yield { path, message: `"${text}" isn't a port, wanted a number from 0 to 65535` };
}

const ADDRESSES = ["source.ip", "remote.ip", "destination.ip"];
