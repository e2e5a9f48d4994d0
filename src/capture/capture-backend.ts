// The programs that can put rules in force, and in which order to try them in a given network namespace.
// Looks at effects: what a program's name promises and what the kernel does with it differ between machines.

import type { RunCommand } from "./capture-command.ts";

/** `iptables` is whatever the plain name leads to; the middle two are its variants by name; `nft` is native. */
export type CaptureBackend = "iptables-nft" | "iptables-legacy" | "iptables" | "nft";

export const captureBackends: readonly CaptureBackend[] = [
  "iptables-nft",
  "iptables-legacy",
  "iptables",
  "nft",
];

export interface BackendState {
  readonly backend: CaptureBackend;
  /** Whether somebody's rules are there already. */
  readonly hasRules: boolean;
  /** Whether rules of ours are. */
  readonly hasCapture: boolean;
}

/** Those that run here, in the order of `captureBackends`. */
export async function inspectBackends(run: RunCommand): Promise<readonly BackendState[]> {
  const states: BackendState[] = [];
  for (const backend of captureBackends) {
    const { code, stdout } = await run({ command: listCommand(backend), input: "" });
    if (code !== 0) continue;
    const hasRules = backend === "nft" ? /^table/m.test(stdout) : /^-A/m.test(stdout);
    states.push({ backend, hasRules, hasCapture: /\bISTIO_OUTPUT\b|\bistio-proxy-/.test(stdout) });
  }
  return states;
}

/** Rules of both iptables variants in one namespace confuse people and tools, so the one in use goes first. */
export function orderBackends(
  states: readonly BackendState[],
  { prefersNft = false }: { readonly prefersNft?: boolean } = {},
): readonly CaptureBackend[] {
  const rank = ({ backend, hasRules }: BackendState) => {
    if (backend === "nft") return prefersNft ? 0 : 3;
    return hasRules ? 1 : 2;
  };
  return states.toSorted((one, other) => rank(one) - rank(other)).map(({ backend }) => backend);
}

function listCommand(backend: CaptureBackend): readonly [string, ...string[]] {
  return backend === "nft" ? ["nft", "list", "tables"] : [`${backend}-save`];
}
