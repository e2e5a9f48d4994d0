// The API server of the user's kubeconfig for commands, and sentences for what fails there.

import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { ClusterChoices } from "../cli/install-operations.ts";
import { ClusterRefusal } from "../cluster/cluster-refusal.ts";
import type { Clock } from "../core/clock.ts";
import { createApiClient, type StreamingApiClient } from "../kubernetes/api-client.ts";
import { ApiError, ApiSilence } from "../kubernetes/api-error.ts";
import { CredentialError } from "../kubernetes/exec-credential.ts";
import { openKubeconfig } from "../kubernetes/kubeconfig.ts";
import { PortForwardError } from "../kubernetes/port-forward.ts";
import { WebSocketError } from "../kubernetes/web-socket-frame.ts";

export interface CommandEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

export interface ClusterConnection {
  readonly client: StreamingApiClient;
  /** What to throw instead: a CommandFailure for all but our own defects. */
  failureOf(error: unknown): unknown;
}

// The process must not end while it waits for the cluster alone.
export const waitingClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Throws a CommandFailure where the kubeconfig can't be used; whether the server answers isn't asked. */
export async function connectToCluster(
  { context, kubeconfig }: ClusterChoices,
  { env, version }: CommandEnvironment,
): Promise<ClusterConnection> {
  const opened = await openKubeconfig({
    clock: waitingClock,
    environment: env,
    ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  if (opened.kind === "problem") {
    throw new CommandFailure(exitCodes.environment, opened.problem.message, opened.problem.hint);
  }
  const { endpoint } = opened;
  const client = createApiClient(endpoint, { clock: waitingClock, userAgent: `meltemi/${version}` });
  return { client, failureOf: (error) => failureOf(error, endpoint.url) };
}

function failureOf(error: unknown, url: URL): unknown {
  if (error instanceof ApiError) return refusalOf(error, url);
  if (error instanceof ClusterRefusal) return new CommandFailure(exitCodes.no, error.message, error.hint);
  if (error instanceof PortForwardError) return new CommandFailure(exitCodes.no, error.message);
  if (error instanceof CredentialError) return new CommandFailure(exitCodes.environment, error.message);
  if (error instanceof WebSocketError || error instanceof ApiSilence) {
    return new CommandFailure(exitCodes.unreachable, error.message);
  }
  const { code, name } = error as NodeJS.ErrnoException;
  // Who stopped the command himself isn't told so.
  if (code === undefined || name === "AbortError" || error instanceof CommandFailure) return error;
  return new CommandFailure(exitCodes.unreachable, `Cannot reach the API server at ${url.origin}: ${code}`);
}

/** The API server's own words name the right that is missing. */
function refusalOf({ message, status }: ApiError, url: URL): CommandFailure {
  if (status === 401) {
    const reason = `The API server at ${url.origin} doesn't accept the kubeconfig's credentials`;
    return new CommandFailure(exitCodes.environment, reason, "log in again, or choose another --context");
  }
  if (status !== 403) return new CommandFailure(exitCodes.no, message);
  const hint = "the rights that commands need: docs/guides/command-line-against-a-cluster.md";
  return new CommandFailure(exitCodes.environment, message, hint);
}
