// A connection to a port inside a pod, through the API server and the kubelet. To the pod it comes from its own
// loopback, so what listens on localhost is reached, and NetworkPolicies don't matter.

import { Duplex } from "node:stream";
import type { Clock } from "../core/clock.ts";
import type { StreamingApiClient } from "./api-client.ts";
import { openWebSocket } from "./web-socket.ts";

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface PortForwardOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** What the node says of a port that it can't reach, such as that nothing listens there. */
export class PortForwardError extends Error {
  constructor({ namespace, pod, port }: PodPort, reason: string) {
    super(`Cannot reach port ${port} of pod "${namespace}/${pod}": ${reason}`);
    this.name = "PortForwardError";
  }
}

// Served by kubelets, to whom API servers pass it on as it is. What kubectl speaks since 1.31 is SPDY inside of a
// WebSocket, and would want a SPDY of our own for nothing more.
const PROTOCOL = "v4.channel.k8s.io";
const DATA = 0;
const ERROR = 1;
/** Each channel begins with the port, as two bytes. */
const PREFIX_BYTES = 2;

/** One connection; ending its writing side says nothing to the pod, as the protocol has no word for it. */
export async function openPortForward(
  client: StreamingApiClient,
  place: PodPort,
  { clock, signal }: PortForwardOptions,
): Promise<Duplex> {
  const pod = `${encodeURIComponent(place.namespace)}/pods/${encodeURIComponent(place.pod)}`;
  const { messages } = await openWebSocket(
    client,
    {
      path: `/api/v1/namespaces/${pod}/portforward`,
      query: { ports: String(place.port) },
      ...(signal && { signal }),
    },
    { clock, protocols: [PROTOCOL] },
  );
  const connection = new Duplex({
    read: () => void messages.resume(),
    write: (data: Buffer, _encoding, done) =>
      void messages.write(Buffer.concat([Buffer.of(DATA), data]), done),
    destroy: (error, done) => {
      messages.destroy();
      done(error);
    },
  });
  const contentOf = channelContent();
  messages.on("data", (message: Buffer) => {
    const content = contentOf(message);
    if (content.length === 0) return;
    if (message[0] === ERROR)
      connection.destroy(new PortForwardError(place, content.toString("utf8").trim()));
    else if (!connection.push(content)) messages.pause();
  });
  messages.on("end", () => connection.push(null));
  messages.on("error", (error) => connection.destroy(error));
  return connection;
}

/** What follows the port on a message's channel. */
function channelContent(): (message: Buffer) => Buffer {
  const missingByChannel = new Map([
    [DATA, PREFIX_BYTES],
    [ERROR, PREFIX_BYTES],
  ]);
  return (message) => {
    const [channel = 0] = message;
    const missing = missingByChannel.get(channel) ?? 0;
    const skipped = Math.min(missing, message.length - 1);
    missingByChannel.set(channel, missing - skipped);
    return message.subarray(1 + skipped);
  };
}
