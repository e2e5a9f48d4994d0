// The API server as a pod finds it: address from the environment, token and CA from files that kubelet keeps fresh.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { redacted } from "../core/redacted.ts";
import type { ApiCredentials, ApiEndpoint } from "./api-endpoint.ts";

export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterOptions {
  readonly clock: Clock;
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
}

// Tokens are replaced when 80 % of their hour is over, and the old one stays good: a minute is early enough.
const TOKEN_REREAD_MS = 60_000;

/** Undefined outside a pod. The CA is read once: whoever changes a cluster's CA restarts its pods. */
export async function openInClusterEndpoint(options: InClusterOptions): Promise<ApiEndpoint | undefined> {
  const { clock, environment, directory = SERVICE_ACCOUNT_DIRECTORY } = options;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = environment;
  if (host === undefined || host === "") return undefined;
  const caPem = await readFile(join(directory, "ca.crt"), "utf8");
  const url = new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`);
  return { url, caPem, ...createTokenFile(join(directory, "token"), clock) };
}

/** Credentials from a file that somebody else renews. */
export function createTokenFile(
  path: string,
  clock: Clock,
): Pick<ApiEndpoint, "credentials" | "forgetCredentials"> {
  let known: { readonly credentials: ApiCredentials; readonly readAtMs: number } | undefined;
  return {
    async credentials() {
      const nowMs = clock.now();
      if (known !== undefined && nowMs - known.readAtMs < TOKEN_REREAD_MS) return known.credentials;
      const bearerToken = redacted((await readFile(path, "utf8")).trim());
      known = { credentials: { bearerToken }, readAtMs: nowMs };
      return known.credentials;
    },
    forgetCredentials() {
      known = undefined;
    },
  };
}
