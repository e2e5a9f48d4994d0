// What the control plane is told on its command line.

import { parseArgs } from "node:util";

export interface ControlPlaneSettings {
  /** Of the local mesh; holds the sockets, the CA and the store's socket. */
  readonly stateDirectory: string;
  /** Where proxies find xDS and certificates, over mTLS. */
  readonly xdsSocket: string;
}

/** Undefined where a word is missing; throws for one that isn't known. */
export function parseControlPlaneSettings(args: readonly string[]): ControlPlaneSettings | undefined {
  const options = { "state-dir": { type: "string" }, "xds-socket": { type: "string" } } as const;
  const { "state-dir": stateDirectory, "xds-socket": xdsSocket } = parseArgs({
    args: [...args],
    options,
  }).values;
  return stateDirectory === undefined || xdsSocket === undefined ? undefined : { stateDirectory, xdsSocket };
}
