// Credentials from a program that the user's kubeconfig names, as cloud providers have them
// (client.authentication.k8s.io): it is asked once, and again when its answer has expired or was refused.

import { spawn } from "node:child_process";
import type { Clock } from "../core/clock.ts";
import { redacted } from "../core/redacted.ts";
import type { ApiCredentials, ApiEndpoint } from "./api-endpoint.ts";

export interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}

export interface ExecCredentialOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly server: string;
}

interface ExecStatus {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
}

/** The program didn't give any; the sentence says why. */
export class CredentialError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CredentialError";
  }
}

/** A login in a browser takes a person a while. */
const PLUGIN_LIMIT_MS = 120_000;
const EARLY_MS = 10_000;

export function createExecCredentials(
  plugin: ExecPlugin,
  options: ExecCredentialOptions,
): Pick<ApiEndpoint, "credentials" | "forgetCredentials"> {
  let known: Promise<{ credentials: ApiCredentials; expiresMs: number }> | undefined;
  const ask = async () => {
    const status = await runPlugin(plugin, options);
    const expiresMs = status.expirationTimestamp === undefined ? NaN : Date.parse(status.expirationTimestamp);
    return {
      credentials: credentialsOf(status),
      expiresMs: Number.isNaN(expiresMs) ? Number.POSITIVE_INFINITY : expiresMs,
    };
  };
  return {
    async credentials() {
      known ??= ask();
      try {
        const { credentials, expiresMs } = await known;
        if (options.clock.now() < expiresMs - EARLY_MS) return credentials;
        known = ask();
        return (await known).credentials;
      } catch (error) {
        known = undefined;
        throw error;
      }
    },
    forgetCredentials() {
      known = undefined;
    },
  };
}

function credentialsOf({ token, clientCertificateData, clientKeyData }: ExecStatus): ApiCredentials {
  return {
    ...(token !== undefined && { bearerToken: redacted(token) }),
    ...(clientCertificateData !== undefined &&
      clientKeyData !== undefined && {
        clientCertificate: { certificatePem: clientCertificateData, keyPem: redacted(clientKeyData) },
      }),
  };
}

function runPlugin(plugin: ExecPlugin, options: ExecCredentialOptions): Promise<ExecStatus> {
  const { command = "", args, env, apiVersion = "client.authentication.k8s.io/v1" } = plugin;
  const cluster = plugin.provideClusterInfo === true ? { cluster: { server: options.server } } : {};
  const info = { apiVersion, kind: "ExecCredential", spec: { interactive: false, ...cluster } };
  const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...(args ?? [])], {
      env: { ...options.environment, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    // Node's own timeout would keep the process alive when the program isn't there.
    const cancel = options.clock.after(PLUGIN_LIMIT_MS, () => child.kill());
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const fail = (reason: string) => {
      const hint = plugin.installHint === undefined ? "" : `\n${plugin.installHint}`;
      reject(new CredentialError(`Cannot get credentials from "${command}": ${reason}${hint}`));
    };
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => {
      cancel();
      if (code !== 0)
        return fail(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`);
      const status = statusOf(output);
      if (status === undefined) fail("its answer is no ExecCredential");
      else resolve(status);
    });
  });
}

/** Its text is never quoted: it holds a secret. */
function statusOf(output: string): ExecStatus | undefined {
  try {
    const answer = JSON.parse(output) as { readonly status?: ExecStatus };
    return answer.status;
  } catch {
    return undefined;
  }
}
