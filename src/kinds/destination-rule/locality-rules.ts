// Rules for load balancing by locality: REGION, REGION/ZONE or REGION/ZONE/SUBZONE, `*` at the end for the rest.

import type { Findings } from "../value-rules.ts";
import type { LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting } from "./load-balancer.ts";

export function* checkLocalityLoadBalancer(
  path: string,
  setting: LocalityLoadBalancerSetting | undefined,
  hasOutlierDetection: boolean,
): Findings {
  if (setting === undefined) return;
  const { distribute = [], failover = [], failoverPriority = [] } = setting;
  if (distribute.length > 0 && (failover.length > 0 || failoverPriority.length > 0)) {
    yield {
      path: `${path}.distribute`,
      message: "distribute has no place beside failover or failoverPriority",
    };
  }
  for (const [index, { to = {} }] of distribute.entries()) {
    const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
    const place = `${path}.distribute[${index}].to`;
    if (total !== 100) yield { path: place, message: `the weights add up to ${total}, wanted 100` };
    if (Object.values(to).includes(0)) yield { path: place, message: "a weight is 0, wanted 1 to 100" };
    yield* checkLocalities(place, Object.keys(to));
  }
  yield* checkLocalities(
    `${path}.distribute`,
    distribute.map(({ from = "" }) => from),
  );
  yield* checkFailover(`${path}.failover`, failover);
  const byTopology = failoverPriority.find((label) => label.startsWith("topology."));
  if (failover.length > 0 && byTopology !== undefined) {
    yield { path: `${path}.failoverPriority`, message: `"${byTopology}" has no place beside failover` };
  }
  yield* checkCanFailOver(path, setting, hasOutlierDetection);
}

/** Envoy spreads by zones itself, so only what goes beyond a region is left to say. */
export function* checkZoneAwareLoadBalancer(
  path: string,
  setting: ZoneAwareLoadBalancerSetting | undefined,
  hasOutlierDetection: boolean,
): Findings {
  if (setting === undefined) return;
  const { failover = [], failoverPriority = [] } = setting;
  yield* checkFailover(`${path}.failover`, failover);
  for (const [index, label] of failoverPriority.entries()) {
    if (!label.startsWith("topology.")) continue;
    const message = `"${label}" can't be a priority: regions and zones are taken into account already`;
    yield { path: `${path}.failoverPriority[${index}]`, message };
  }
  yield* checkCanFailOver(path, setting, hasOutlierDetection);
}

function* checkFailover(
  path: string,
  failover: readonly { readonly from?: string; readonly to?: string }[],
): Findings {
  for (const [index, { from = "", to = "" }] of failover.entries()) {
    const place = `${path}[${index}]`;
    if (from === to) yield { path: place, message: `a region can't fail over to itself ("${from}")` };
    if (`${from}${to}`.includes("*")) yield { path: place, message: "a region can't have a wildcard" };
    if (`${from}${to}`.includes("/"))
      yield { path: place, message: "failover is between regions, without a zone" };
  }
}

function* checkCanFailOver(
  path: string,
  {
    failover = [],
    failoverPriority = [],
  }: Pick<LocalityLoadBalancerSetting, "failover" | "failoverPriority">,
  hasOutlierDetection: boolean,
): Findings {
  if (hasOutlierDetection || (failover.length === 0 && failoverPriority.length === 0)) return;
  const message = "without outlierDetection no host is ever found unhealthy, so nothing fails over";
  yield { severity: "warning", path, message };
}

function* checkLocalities(path: string, localities: readonly string[]): Findings {
  const countByStem = new Map<string, number>();
  for (const locality of localities) {
    const stem = stemOf(locality);
    countByStem.set(stem, (countByStem.get(stem) ?? 0) + 1);
  }
  for (const locality of localities) {
    const parts = locality.split("/");
    const isWellFormed = locality !== "" && parts.length <= 3 && !parts.includes("");
    if (!isWellFormed) yield { path, message: `"${locality}" isn't a locality, wanted REGION/ZONE/SUBZONE` };
    if (locality.slice(0, -1).includes("*")) {
      yield { path, message: `"${locality}": a wildcard can stand only at the end` };
    }
    if (isWellFormed && isCovered(locality, countByStem))
      yield { path, message: `"${locality}" overlaps with another locality` };
  }
}

/** Whether another than itself takes it in: `a` and `a/*` take in `a`, `a/b` and `a/b/c`; `*` takes in all. */
function isCovered(locality: string, countByStem: ReadonlyMap<string, number>): boolean {
  const parts = locality.split("/");
  const stems = ["", ...parts.map((_, index) => parts.slice(0, index + 1).join("/"))];
  const count = stems.reduce((sum, stem) => sum + (countByStem.get(stem) ?? 0), 0);
  return count > (stems.includes(stemOf(locality)) ? 1 : 0);
}

function stemOf(locality: string): string {
  return locality.replace(/\/?\*$/, "");
}
