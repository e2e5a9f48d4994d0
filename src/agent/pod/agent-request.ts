// What people and probes ask of a running agent from inside its pod: `request GET config_dump`, and `wait`.

import { request } from "node:http";

export interface AgentAnswer {
  readonly status: number;
  readonly body: string;
}

export interface AgentRequest {
  readonly method: string;
  readonly url: URL;
  readonly timeoutMs: number;
}

/** Rejects when nobody answers, or not in time. */
export function askAgent({ method, url, timeoutMs }: AgentRequest): Promise<AgentAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.once("error", reject);
    sent.end();
  });
}

export interface WaitOptions {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly periodMs: number;
}

/** Whether the proxy became ready in time. */
export async function waitForProxy(options: WaitOptions): Promise<boolean> {
  const { url, timeoutMs, requestTimeoutMs, periodMs } = options;
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    const answer = await askAgent({ method: "GET", url, timeoutMs: requestTimeoutMs }).catch(() => undefined);
    if (answer?.status === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, periodMs));
  }
  return false;
}
