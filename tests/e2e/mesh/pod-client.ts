// A caller inside a pod (or on the machine): app/client.mjs as a process there, spoken to line by line. It never
// throws for what the network does: failures are values, but for gRPC and WebSocket, which reject.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RequestOptions {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In place of the URL's, for the Host header and SNI. */
  readonly host?: string;
  /** PEM of who may sign the server's certificate. */
  readonly ca?: string;
  readonly timeoutMs?: number;
  /** On a connection of its own. */
  readonly isNew?: boolean;
}

export interface Response {
  /** 0 where none came. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly error?: string;
  readonly ms: number;
  /** Of the server's certificate. */
  readonly serial?: string;
}

/** What app/echo.mjs answers. */
export interface Echo {
  readonly version: string;
  readonly pod: string;
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly attempt: number;
  readonly count: number;
}

export interface Tally {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly byPod: Readonly<Record<string, number>>;
  /** By response header x-edit. */
  readonly byEdit: Readonly<Record<string, number>>;
  /** When the first answer of each edit came, since the Unix epoch. */
  readonly firstSeenMs: Readonly<Record<string, number>>;
  /** At most 20 of what wasn't a 2xx. */
  readonly failures: readonly { readonly status: number; readonly error?: string; readonly body: string }[];
  readonly last: { readonly version?: string; readonly edit?: string };
}

export interface Exchange {
  readonly received: string;
  readonly error?: string;
}

export interface ExchangeOptions {
  readonly host: string;
  readonly port: number;
  readonly send?: string;
  /** In base64, after `send`. */
  readonly bytes?: string;
  /** Over TLS, with these credentials in PEM or with none; the server's certificate isn't looked at. */
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly alpn: readonly string[] };
  readonly until?: string;
  readonly timeoutMs?: number;
}

export interface Load {
  tally(): Promise<Tally>;
  stop(): Promise<Tally>;
}

export interface PodClient {
  request(options: RequestOptions | string): Promise<Response>;
  /** The request's answer by app/echo.mjs. Throws where it isn't a 200 of it. */
  echo(options: RequestOptions | string): Promise<Echo>;
  many(count: number, options: RequestOptions & { readonly concurrency?: number }): Promise<Tally>;
  load(options: RequestOptions & { readonly connections: number; readonly pauseMs: number }): Promise<Load>;
  tcp(options: ExchangeOptions): Promise<Exchange>;
  websocket(url: string, messages: readonly string[]): Promise<readonly string[]>;
  /** Unary calls, one for each message. */
  say(target: string, messages: readonly string[]): Promise<readonly string[]>;
  /** One bidirectional stream. */
  talk(target: string, messages: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

const GRACE_MS = 1_000;
const program = fileURLToPath(new URL("app/client.mjs", import.meta.url));
export const clientArgv = [
  process.execPath,
  "--no-warnings",
  "--experimental-websocket",
  program,
] as const satisfies readonly [string, ...string[]];

/** `argv` starts app/client.mjs where it shall call from. */
export function startPodClient([command, ...args]: readonly [string, ...string[]]): PodClient {
  const child = spawn(command, args, { stdio: "pipe" });
  const ask = conversation(child);
  const request = (options: RequestOptions | string) =>
    ask<Response>("request", { options: typeof options === "string" ? { url: options } : options });
  return {
    request,
    async echo(options) {
      const response = await request(options);
      if (response.status === 200) return JSON.parse(response.body) as Echo;
      throw new Error(`No echo but ${response.error ?? response.status}: ${response.body}`);
    },
    many: (count, { concurrency = 4, ...options }) => ask("many", { count, concurrency, options }),
    async load({ connections, pauseMs, ...options }) {
      const load = `${options.url} ${Math.random()}`;
      await ask("startLoad", { load, options, connections, pauseMs });
      return { tally: () => ask("tallyOf", { load }), stop: () => ask("stopLoad", { load }) };
    },
    tcp: (options) => ask("tcp", { options }),
    websocket: (url, messages) => ask("websocket", { url, messages }),
    say: (target, messages) => ask("grpc", { target, messages, isStream: false }),
    talk: (target, messages) => ask("grpc", { target, messages, isStream: true }),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin.end();
      // An exec through the API server that was idle for a minute takes another one to hear of it.
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

type Ask = <Result>(command: string, input: object) => Promise<Result>;

function conversation(child: ChildProcessWithoutNullStreams): Ask {
  interface Pending {
    resolve(result: unknown): void;
    reject(error: Error): void;
  }
  const pending = new Map<number, Pending>();
  let errorText = "";
  let lastId = 0;
  child.stderr.on("data", (chunk: Buffer) => {
    errorText += chunk.toString("utf8");
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, failure, result } = JSON.parse(line) as { id: number; failure?: string; result?: unknown };
    if (failure === undefined) pending.get(id)?.resolve(result);
    else pending.get(id)?.reject(new Error(failure));
    pending.delete(id);
  });
  child.on("exit", () => {
    for (const { reject } of pending.values()) reject(new Error(`The caller has ended: ${errorText}`));
  });
  child.stdin.on("error", () => undefined);
  return <Result>(command: string, input: object) =>
    new Promise<Result>((resolve, reject) => {
      lastId += 1;
      pending.set(lastId, { resolve: (result) => resolve(result as Result), reject });
      child.stdin.write(`${JSON.stringify({ id: lastId, command, ...input })}\n`);
    });
}
