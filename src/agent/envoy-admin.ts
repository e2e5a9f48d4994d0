// What the agent asks of its Envoy's admin interface: is it ready, how many connections are open, start draining.

import { openOverSocket, requestOverSocket } from "./http-over-socket.ts";

export interface EnvoyAdmin {
  /** Envoy says LIVE: nothing that it waits for at its start is missing, and it isn't draining. Costs Envoy next to nothing. */
  isLive(): Promise<boolean>;
  /**
   * Clusters and listeners were accepted, and workers run. Envoy matches each of its statistics for this, some
   * milliseconds of CPU in a large mesh: to be asked seldom.
   */
  hasConfig(): Promise<boolean>;
  /** Connections on the listeners that carry the pod's traffic. */
  countActiveConnections(): Promise<number>;
  /**
   * Asks clients to leave (GOAWAY, `connection: close`) over Envoy's drain time and refuses no one meanwhile.
   * `inboundOnly` leaves alone what the pod itself calls.
   */
  startDraining(inboundOnly: boolean): Promise<void>;
  /** Until Envoy ends. */
  setRuntime(key: string, value: number): Promise<void>;
  /** Prometheus text, as it comes. */
  readMetrics(): AsyncIterable<Buffer>;
}

const TIMEOUT_MS = 5_000;

/** Every method rejects while Envoy isn't there. */
export function createEnvoyAdmin(socketPath: string): EnvoyAdmin {
  const send = (path: string, method: "GET" | "POST") =>
    requestOverSocket({ via: { socketPath }, path, method, timeoutMs: TIMEOUT_MS });
  const ask = async (path: string, method: "GET" | "POST" = "GET"): Promise<string> => {
    const { status, body } = await send(path, method);
    if (status !== 200) throw new Error(`Envoy's admin answered ${status} to ${method} ${path}`);
    return body;
  };
  return {
    isLive: async () => (await send("/ready", "GET")).status === 200,
    async hasConfig() {
      const values = parseStats(await ask(`/stats?filter=${encodeURIComponent(CONFIG_FILTER)}`));
      return (
        (values.get("cluster_manager.cds.update_success") ?? 0) > 0 &&
        (values.get("listener_manager.lds.update_success") ?? 0) > 0 &&
        values.get("listener_manager.workers_started") === 1
      );
    },
    async countActiveConnections() {
      let count = 0;
      for (const [name, value] of parseStats(
        await ask(`/stats?filter=${encodeURIComponent(CONNECTION_FILTER)}`),
      )) {
        if (!isOwnListener(name)) count += value;
      }
      return count;
    },
    async startDraining(inboundOnly) {
      await ask(`/drain_listeners?graceful&skip_exit${inboundOnly ? "&inboundonly" : ""}`, "POST");
    },
    async setRuntime(key, value) {
      await ask(`/runtime_modify?${encodeURIComponent(key)}=${value}`, "POST");
    },
    async *readMetrics() {
      const path = "/stats/prometheus";
      const answer = await openOverSocket({ via: { socketPath }, path, timeoutMs: TIMEOUT_MS });
      if (answer.statusCode !== 200)
        throw new Error(`Envoy's admin answered ${answer.statusCode} to ${path}`);
      yield* answer as AsyncIterable<Buffer>;
    },
  };
}

// The same three that Istio's agent waits for.
const CONFIG_FILTER =
  "^(cluster_manager\\.cds\\.update_success|listener_manager\\.lds\\.update_success|listener_manager\\.workers_started)$";
const CONNECTION_FILTER = "^listener\\..*\\.downstream_cx_active$";

// Workers repeat their listener's count under their own names.
function isOwnListener(name: string): boolean {
  return /^listener\.(?:admin\.|bootstrap-)/.test(name) || /\.worker_\d+\./.test(name);
}

function parseStats(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const split = line.lastIndexOf(": ");
    if (split > 0) values.set(line.slice(0, split), Number(line.slice(split + 2)));
  }
  return values;
}
