// Delegates that can't be followed: missing, kept from the root's namespace, or with hosts of their own; and rules of
// delegates that conflict with their root's. One that delegates further never comes here: its kind refuses it.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { matchesOf } from "../delegates.ts";
import { isExportedTo } from "../host-routes.ts";
import { rowKey } from "../sources.ts";
import { type CheckContext, type FoundProblem, nameFrom, problemAt } from "./check.ts";

export function* checkDelegates(object: VirtualService, context: CheckContext): Iterable<Problem> {
  for (const [at, rule] of (object.spec.http ?? []).entries()) {
    if (rule.delegate === undefined) continue;
    const { name = "", namespace = object.metadata.namespace } = rule.delegate;
    const found = faultOf(object, rowKey(namespace, name), context);
    if (found !== undefined) yield problemAt(object, `spec.http[${at}].delegate`, found);
    else
      yield* conflicts(object, at, context.read.get(context.sources.VirtualService, rowKey(namespace, name)));
  }
}

function* conflicts(
  root: VirtualService,
  at: number,
  delegate: VirtualService | undefined,
): Iterable<Problem> {
  const rule = root.spec.http?.[at];
  if (rule === undefined || delegate === undefined) return;
  for (const [partAt, part] of (delegate.spec.http ?? []).entries()) {
    const merged = matchesOf(root, rule, { delegate, part });
    if (merged.kind === "merged") continue;
    const name = nameFrom(root.metadata.namespace, delegate);
    const place = `spec.http[${partAt}].match[${merged.at}].${merged.field}`;
    yield problemAt(root, `spec.http[${at}].delegate`, {
      code: "MLT2018",
      message: `Rule spec.http[${partAt}] of delegate "${name}" has no effect: its ${place} isn't within what spec.http[${at}] matches`,
      hint: "a delegate's match must be its root's, or narrower",
    });
  }
}

function faultOf(root: VirtualService, key: string, context: CheckContext): FoundProblem | undefined {
  const { read, sources } = context;
  const own = root.metadata.namespace;
  const delegate = read.get(sources.VirtualService, key);
  if (delegate === undefined) {
    const known = read.all(sources.VirtualService).filter(([, { spec }]) => (spec.hosts ?? []).length === 0);
    const names = known.map(([, each]) => nameFrom(own, each));
    const written = key.startsWith(`${own}/`) ? key.slice(own.length + 1) : key;
    return {
      code: "MLT2007",
      message: `Cannot delegate to VirtualService "${written}": there is none of that name`,
      hint: spellingHint(written, names),
    };
  }
  const name = nameFrom(own, delegate);
  if (!isExportedTo(delegate, own, context.settings)) {
    return {
      code: "MLT2007",
      message: `Cannot delegate to VirtualService "${name}": it isn't exported to namespace "${own}"`,
      hint: `name "${own}" in its exportTo`,
    };
  }
  const cycle = cycleFrom(root, delegate, context);
  if (cycle !== undefined)
    return { code: "MLT2008", message: `Cannot delegate in a circle: ${cycle.join(" → ")}` };
  if ((delegate.spec.hosts ?? []).length > 0) {
    return {
      code: "MLT2008",
      message: `Cannot delegate to VirtualService "${name}": it has hosts of its own, a delegate has none`,
    };
  }
  return undefined;
}

/** The names on the way from `root` back to it, if there is one. */
function cycleFrom(
  root: VirtualService,
  first: VirtualService,
  { read, sources }: CheckContext,
): readonly string[] | undefined {
  const own = root.metadata.namespace;
  const seen = new Set<VirtualService>();
  const waiting = [{ at: first, way: [nameFrom(own, root), nameFrom(own, first)] }];
  for (const { at, way } of waiting) {
    if (at.metadata.name === root.metadata.name && at.metadata.namespace === own) return way;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const { delegate } of at.spec.http ?? []) {
      if (delegate === undefined) continue;
      const { name = "", namespace = at.metadata.namespace } = delegate;
      const next = read.get(sources.VirtualService, rowKey(namespace, name));
      if (next !== undefined) waiting.push({ at: next, way: [...way, nameFrom(own, next)] });
    }
  }
  return undefined;
}
