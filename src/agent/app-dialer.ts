// A connection to one of the app's ports, made by the pod's own Envoy: the agent itself may live in another network
// namespace, and inbound capture would take a connection that came from elsewhere.

import { request } from "node:http";
import { isIPv6, type Socket } from "node:net";

export interface AppDialer {
  /** Rejects when the port takes no connection, or not in time. */
  dial(port: number, timeoutMs: number): Promise<Socket>;
}

/** As Prometheus's pages may listen on loopback alone; probes go to the pod's address, as kubelet's do. */
export function createPageDialer(socketPath: string, podIp: string): AppDialer {
  const ofPod = createAppDialer(socketPath, podIp);
  const ofLoopback = createAppDialer(socketPath, isIPv6(podIp) ? "::1" : "127.0.0.1");
  return {
    dial: (port, timeoutMs) => ofPod.dial(port, timeoutMs).catch(() => ofLoopback.dial(port, timeoutMs)),
  };
}

/** `socketPath` is the bootstrap's listener for CONNECT; `podIp` is where the app listens. */
export function createAppDialer(socketPath: string, podIp: string): AppDialer {
  return {
    dial(port, timeoutMs) {
      const target = isIPv6(podIp) ? `[${podIp}]:${port}` : `${podIp}:${port}`;
      const headers = { "x-envoy-original-dst-host": target };
      return new Promise((resolve, reject) => {
        const deadline = AbortSignal.timeout(timeoutMs);
        const connecting = request({ socketPath, method: "CONNECT", path: target, headers, agent: false });
        const giveUp = () =>
          connecting.destroy(new Error(`no connection to port ${port} within ${timeoutMs} ms`));
        deadline.addEventListener("abort", giveUp);
        connecting.once("connect", (response, socket, head) => {
          deadline.removeEventListener("abort", giveUp);
          if (response.statusCode === 200) {
            if (head.length > 0) socket.unshift(head);
            resolve(socket as Socket);
            return;
          }
          socket.destroy();
          reject(new Error(`port ${port} takes no connection`));
        });
        connecting.once("error", (error) => {
          deadline.removeEventListener("abort", giveUp);
          reject(error);
        });
        connecting.end();
      });
    },
  };
}
