// Waits until no proxy sends a leaving pod new requests: until every connected proxy has acknowledged the
// endpoints that it was sent, as the control plane reports. Bounded, since a pod must be able to end.

import { request } from "node:http";
import type { ProxyStatus } from "../../admin/contract/control-plane.ts";
import type { Clock } from "../../core/clock.ts";

export interface EndpointRemovalOptions {
  readonly clock: Clock;
  /** All connected proxies; undefined while the control plane doesn't answer. */
  readonly proxies: () => Promise<readonly ProxyStatus[] | undefined>;
}

// What a change needs to get from the store through the control plane's debounce onto the wire.
const FIRST_LOOK_MS = 250;
const NEXT_LOOK_MS = 50;
// Requests that were under way when the last proxy let go of the endpoint.
const LAST_ANSWERS_MS = 100;
const LONGEST_WAIT_MS = 5_000;

export async function awaitEndpointRemoval({ clock, proxies }: EndpointRemovalOptions): Promise<void> {
  const deadlineMs = clock.now() + LONGEST_WAIT_MS;
  await pause(clock, FIRST_LOOK_MS);
  while (clock.now() < deadlineMs) {
    const connected = await proxies();
    // Without a control plane nobody will be told: what is known by now is all that will be.
    if (connected === undefined || connected.every(({ acked }) => acked.eds !== "STALE")) break;
    await pause(clock, NEXT_LOOK_MS);
  }
  await pause(clock, LAST_ANSWERS_MS);
}

/** Asks the control plane on its socket. */
export function fetchProxies(socketPath: string): Promise<readonly ProxyStatus[] | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: "/proxies", timeout: 1_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", () => resolve(undefined));
      answer.on("end", () => resolve(answer.statusCode === 200 ? parse(chunks) : undefined));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

function parse(chunks: readonly Buffer[]): readonly ProxyStatus[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return Array.isArray(value) ? (value as readonly ProxyStatus[]) : undefined;
  } catch {
    return undefined;
  }
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
