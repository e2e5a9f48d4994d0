// When connections of a port are to be closed: a text for each port that changes with the policies that ask for that. It
// is made of what they say alone, so that it is the same in every replica, and after a restart.

import type { ClosingPolicy } from "../model/closing-policies.ts";
import { contentId } from "./shared-rows.ts";

export interface ConnectionGenerations {
  /** Undefined where no policy asks. */
  ofPort(port: number): string | undefined;
  /** Of the ports that aren't `known`. */
  readonly ofOtherPorts: string | undefined;
}

export function connectionGenerations(
  policies: readonly ClosingPolicy[],
  known: ReadonlySet<number>,
): ConnectionGenerations {
  return {
    ofPort: (port) => generation(policies, (ports) => ports.includes(port)),
    ofOtherPorts: generation(policies, (ports) => ports.some((port) => !known.has(port))),
  };
}

function generation(
  policies: readonly ClosingPolicy[],
  isConcerned: (ports: readonly number[]) => boolean,
): string | undefined {
  const said = policies.flatMap((policy) => {
    const { metadata, decides, ports } = policy;
    if (ports === "all" || isConcerned(ports)) return [[metadata.namespace, metadata.name, decides]];
    // That it is there at all closes the other ports to whom no ALLOW policy lets in.
    return decides.action === "ALLOW" ? [[metadata.namespace, metadata.name]] : [];
  });
  return said.length === 0 ? undefined : contentId(said);
}
