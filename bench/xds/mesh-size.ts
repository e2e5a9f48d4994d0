// How large a mesh the benchmark makes, as its command line says.

import { parseArgs } from "node:util";

export interface MeshSize {
  readonly serviceCount: number;
  /** Of each service. */
  readonly endpointCount: number;
  readonly proxyCount: number;
  readonly namespaceCount: number;
}

export interface BenchSettings {
  readonly size: MeshSize;
  /** How often each change is made; figures are medians. */
  readonly roundCount: number;
  /** Where the control plane writes a CPU profile, if it does. */
  readonly profileDirectory: string | undefined;
}

export const usageOf = (bench: string) => `usage: npm run bench -- ${bench} [OPTION…]
  --services N     services of the mesh (1000)
  --endpoints N    endpoints of each service (10)
  --proxies N      sidecars that connect, 1 to 1000 (100)
  --namespaces N   namespaces that services and sidecars are spread over (50)
  --rounds N       how often each change is made; figures are medians (5)
  --profile DIR    write a CPU profile of the control plane there`;

const options = {
  services: { type: "string", default: "1000" },
  endpoints: { type: "string", default: "10" },
  proxies: { type: "string", default: "100" },
  namespaces: { type: "string", default: "50" },
  rounds: { type: "string", default: "5" },
  profile: { type: "string" },
} as const;

const MAX_PROXIES = 1_000;

/** What is wrong with the arguments, as a sentence, or the settings. */
export function parseBenchSettings(args: readonly string[]): BenchSettings | string {
  const given = readArguments(args);
  if (typeof given === "string") return given;
  for (const name of ["services", "endpoints", "proxies", "namespaces", "rounds"] as const) {
    if (!/^[1-9]\d*$/.test(given[name])) return `--${name} must be a whole number above 0: "${given[name]}"`;
  }
  const size: MeshSize = {
    serviceCount: Number(given.services),
    endpointCount: Number(given.endpoints),
    proxyCount: Number(given.proxies),
    namespaceCount: Number(given.namespaces),
  };
  if (size.proxyCount > MAX_PROXIES) return `--proxies is at most ${MAX_PROXIES}: "${given.proxies}"`;
  if (size.namespaceCount > size.serviceCount) return "--namespaces is at most --services: none may be empty";
  return { size, roundCount: Number(given.rounds), profileDirectory: given.profile };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
