// Asks an HTTP server inside a pod for a page, over a forwarded port: what a control plane or an Envoy answers to its
// own loopback alone.

import type { IncomingMessage } from "node:http";
import { request as requestHttp } from "node:http";
import type { Duplex } from "node:stream";
import type { PodPort } from "../kubernetes/port-forward.ts";
import { openPortForward } from "../kubernetes/port-forward.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ClusterRefusal } from "./cluster-refusal.ts";

const ANSWER_LIMIT_MS = 30_000;
/** The dump of an Envoy with some ten thousand clusters. */
const MAX_PAGE_BYTES = 256 * 1_048_576;

export interface PodPage {
  readonly status: number;
  readonly text: string;
}

/** What is asked of a page: it is read unless a body is put there. */
export interface PodPageRequest {
  readonly put?: string;
}

export async function readPodPage(
  access: ClusterAccess,
  place: PodPort,
  path: string,
  request: PodPageRequest = {},
): Promise<PodPage> {
  const connection = await openPortForward(access.client, place, access);
  const cancel = access.clock.after(ANSWER_LIMIT_MS, () =>
    connection.destroy(new ClusterRefusal(`Pod "${place.pod}" didn't answer ${path} in time`)),
  );
  try {
    const answer = await sendToPod(connection, path, request);
    return { status: answer.statusCode ?? 0, text: await textOf(answer) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
    // So HTTP calls a connection that ends without an answer.
    throw new ClusterRefusal(`Pod "${place.pod}" broke off its answer to ${path}`);
  } finally {
    cancel();
    connection.destroy();
  }
}

/** Resolves with the answer's head. */
export function sendToPod(
  connection: Duplex,
  path: string,
  { put }: PodPageRequest = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = requestHttp({
      path,
      method: put === undefined ? "GET" : "PUT",
      // As a browser on the pod's own loopback would say it.
      headers: { host: "localhost", accept: "application/json", connection: "close" },
      createConnection: () => connection,
    });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(put);
  });
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_PAGE_BYTES)
      throw new ClusterRefusal(`A page of a pod is larger than ${MAX_PAGE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
