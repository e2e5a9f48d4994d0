// Constant load on an HTTP server behind a unix socket, and the servers that it ends at.

import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** An HTTP server on loopback that answers with its name; returns its port. */
export async function startUpstream(t: TestContext, name: string): Promise<number> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on("end", () => response.end(name));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export function ask(
  socketPath: string,
  options: { readonly method?: string; readonly agent?: Agent } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: "/", headers: { host: "x" }, ...options }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end(options.method === "POST" ? "body" : undefined);
  });
}

export interface SteadyLoad {
  /** Stops and tells what was answered: how often each status, and what failed below HTTP. */
  stop(): Promise<{ readonly okCount: number; readonly failures: readonly string[] }>;
  /** Resolves when this many more requests were answered. */
  more(count: number): Promise<void>;
}

/** Workers that each ask again as soon as they are answered, GET and POST in turn. */
export function startLoad(socketPath: string, workerCount: number): SteadyLoad {
  const agent = new Agent({ keepAlive: true });
  const failures: string[] = [];
  let okCount = 0;
  let isStopped = false;
  async function work(): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      const answer = await ask(socketPath, { method: turn % 2 === 0 ? "GET" : "POST", agent }).catch(
        (error: Error) => ({ status: 0, body: error.message }),
      );
      if (answer.status === 200) okCount += 1;
      else failures.push(`${answer.status} ${answer.body}`);
    }
  }
  const workers = Array.from({ length: workerCount }, work);
  return {
    async stop() {
      isStopped = true;
      await Promise.all(workers);
      agent.destroy();
      return { okCount, failures };
    },
    async more(count) {
      const wanted = okCount + failures.length + count;
      while (okCount + failures.length < wanted) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
