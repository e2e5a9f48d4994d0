// Asks a running mesh over its unix sockets. A mesh that isn't there is a CommandFailure that says how to
// start one; an error that the mesh answers is passed on in its own words.

import type { IncomingMessage } from "node:http";
import { request as requestHttp } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ErrorAnswer } from "../admin/contract/supervisor.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Environment } from "./state-directory.ts";
import { DEFAULT_MESH_NAME, stateDirectory } from "./state-directory.ts";
import { readLock } from "./state-lock.ts";

export type Query = Readonly<Record<string, string | undefined>>;

/** `control-plane` says what it gave to proxies, `supervisor` what runs and which objects are in force. */
export type MeshSocket = "control-plane" | "supervisor";

export interface MeshClient {
  readonly name: string;
  get<T>(socket: MeshSocket, path: string, query?: Query): Promise<T>;
  post<T>(socket: MeshSocket, path: string, body: unknown): Promise<T>;
  put<T>(socket: MeshSocket, path: string, body: unknown): Promise<T>;
  /** One JSON value a line, until the mesh ends it or the signal does. */
  lines<T>(socket: MeshSocket, path: string, options: LinesOptions): AsyncIterable<T>;
}

export interface LinesOptions {
  readonly query?: Query;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 10_000;

export function openMesh(env: Environment, name: string = DEFAULT_MESH_NAME): MeshClient {
  const directory = stateDirectory(env, name);
  const socketPath = (socket: MeshSocket) => join(directory, `${socket}.sock`);
  const call = async (socket: MeshSocket, options: CallOptions) => {
    try {
      return await request(socketPath(socket), options);
    } catch (error) {
      const isUp = socket === "control-plane" && (await readLock(directory)) !== undefined;
      throw unreachable(name, { error: error as NodeJS.ErrnoException, isUp });
    }
  };
  const send = async <T>(method: "POST" | "PUT", socket: MeshSocket, path: string, body: unknown) =>
    readJson<T>(await call(socket, { path, method, body: JSON.stringify(body) }));
  return {
    name,
    get: async (socket, path, query = {}) => readJson(await call(socket, { path: withQuery(path, query) })),
    post: (socket, path, body) => send("POST", socket, path, body),
    put: (socket, path, body) => send("PUT", socket, path, body),
    async *lines<T>(socket: MeshSocket, path: string, { query = {}, signal }: LinesOptions) {
      const answer = await call(socket, { path: withQuery(path, query), signal });
      if (answer.statusCode !== 200) await readJson(answer);
      yield* readLines<T>(answer, signal);
    },
  };
}

interface CallOptions {
  readonly path: string;
  readonly method?: "GET" | "POST" | "PUT";
  readonly body?: string;
  /** Given: the answer may take for ever. */
  readonly signal?: AbortSignal;
}

function request(socketPath: string, options: CallOptions): Promise<IncomingMessage> {
  const { path, method = "GET", body, signal } = options;
  const headers = { accept: "application/json" };
  return new Promise((resolve, reject) => {
    // `agent: false`: a connection that is kept may be closed by the other side just when it is used again.
    const outgoing = requestHttp(
      { socketPath, path, method, headers, agent: false, ...(signal ? { signal } : { timeout: TIMEOUT_MS }) },
      resolve,
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** `isUp`: the mesh is there, and only its control plane doesn't answer. */
function unreachable(
  name: string,
  { error, isUp }: { readonly error: NodeJS.ErrnoException; readonly isUp: boolean },
): CommandFailure {
  const start = name === DEFAULT_MESH_NAME ? "meltemi up DIR" : `meltemi up --mesh ${name} DIR`;
  const isAbsent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  const subject = isUp ? `the control plane of mesh "${name}"` : `mesh "${name}"`;
  const reason = isAbsent ? "it isn't running" : error.message;
  const hint = isUp ? "it is started again by itself; try again in a moment" : `start it: ${start}`;
  return new CommandFailure(exitCodes.unreachable, `Cannot reach ${subject}: ${reason}`, hint);
}

async function readJson<T>(answer: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (answer.statusCode === 200 || answer.statusCode === 202) return JSON.parse(text) as T;
  const { error, hint } = parseError(text);
  throw new CommandFailure(exitCodes.no, error ?? `The mesh answered ${answer.statusCode}`, hint);
}

function parseError(text: string): Partial<ErrorAnswer> {
  try {
    return JSON.parse(text) as Partial<ErrorAnswer>;
  } catch {
    return {};
  }
}

async function* readLines<T>(answer: IncomingMessage, signal: AbortSignal): AsyncIterable<T> {
  try {
    for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== "") yield JSON.parse(line) as T;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
