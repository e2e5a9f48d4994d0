// The supervisor's admin interface: HTTP and JSON on a unix socket, whose file mode is the only key to it.
// It answers by the functions that it is given and knows no pod.

import { chmod, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as requestHttp } from "node:http";
import type {
  ErrorAnswer,
  ExecAnswer,
  ExecRequest,
  LocationReport,
  LogLine,
  MeshReport,
  PodReport,
} from "../../admin/contract/supervisor.ts";
import { serveTap, type TapServing } from "../../agent/tap/serve-tap.ts";
import { startListening } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import { quoted } from "../../core/quoted.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { adminFailure } from "./admin-failure.ts";

export interface PodPlace {
  readonly namespace: string;
  readonly pod: string;
}

export interface LogQuery extends PodPlace {
  readonly container?: string;
  readonly tailCount?: number;
  /** Only what is newer. */
  readonly sinceMs?: number;
}

/** What went wrong, as an answer. */
export interface Refusal {
  readonly status: 400 | 404 | 409;
  readonly answer: ErrorAnswer;
}

export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "refusal"; readonly refusal: Refusal };

export interface AdminAnswers {
  pods(): readonly PodReport[];
  mesh(): MeshReport;
  objects(kind: string, namespace: string | undefined): readonly KubernetesObject[];
  location(object: ObjectKey, path: string): LocationReport;
  exec(request: ExecRequest): Promise<Answer<ExecAnswer>>;
  /** The lines so far, and a way to get those to come. */
  logs(
    query: LogQuery,
  ): Answer<{ readonly lines: readonly LogLine[]; watch(listener: (line: LogLine) => void): () => void }>;
  /** Of a pod's proxy. */
  taps(place: PodPlace): Answer<TapServing>;
  /** The admin socket of a pod's Envoy. */
  envoySocket(place: PodPlace): Answer<string>;
  shutdown(): void;
}

export interface AdminServer {
  close(): Promise<void>;
}

export async function serveAdmin(
  answers: AdminAnswers,
  { socketPath, log }: { readonly socketPath: string; readonly log: Logger },
): Promise<AdminServer> {
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    route(request, response, answers).catch((error: unknown) => {
      log.error({ url: request.url, error }, "admin request failed");
      if (response.headersSent) return void response.destroy();
      const { status, answer } = adminFailure(error);
      sendJson(response, status, answer);
    });
  });
  await startListening(server, { path: socketPath }, log);
  await chmod(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  answers: AdminAnswers,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://supervisor");
  const query = url.searchParams;
  switch (`${request.method} ${url.pathname}`) {
    case "GET /healthz":
      return sendJson(response, 200, { status: "ok" });
    case "GET /version":
      return sendJson(response, 200, { version: answers.mesh().version });
    case "GET /mesh":
      return sendJson(response, 200, answers.mesh());
    case "GET /pods":
      return sendJson(response, 200, answers.pods());
    case "GET /objects":
      return sendJson(
        response,
        200,
        answers.objects(query.get("kind") ?? "", query.get("namespace") ?? undefined),
      );
    case "GET /location":
      return sendJson(
        response,
        200,
        answers.location((query.get("object") ?? "") as ObjectKey, query.get("path") ?? ""),
      );
    case "GET /logs":
      return sendLogs(response, query, answers);
    case "GET /tap":
      return sendTap(response, query, answers);
    case "GET /envoy":
      return forwardToEnvoy(response, query, answers);
    case "POST /exec":
      return sendAnswer(response, await answers.exec(await readJson<ExecRequest>(request)));
    case "POST /shutdown":
      sendJson(response, 200, {});
      return answers.shutdown();
    default:
      return sendJson(response, 404, { error: `There is no page ${quoted(url.pathname)}` });
  }
}

function sendLogs(response: ServerResponse, query: URLSearchParams, answers: AdminAnswers): void {
  const container = query.get("container");
  const tail = query.get("tail");
  const since = query.get("since");
  const found = answers.logs({
    ...placeOf(query),
    ...(container === null ? {} : { container }),
    ...(tail === null ? {} : { tailCount: Number(tail) }),
    ...(since === null ? {} : { sinceMs: Number(since) }),
  });
  if (found.kind === "refusal") {
    sendAnswer(response, found);
    return;
  }
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const line of found.value.lines) response.write(`${JSON.stringify(line)}\n`);
  if (query.get("follow") !== "true") {
    response.end();
    return;
  }
  response.flushHeaders();
  const end = found.value.watch((line) => {
    // Who doesn't read loses lines: nothing is queued for him beyond the socket's own buffer.
    if (!response.writableNeedDrain) response.write(`${JSON.stringify(line)}\n`);
  });
  response.on("close", end);
}

function sendTap(response: ServerResponse, query: URLSearchParams, answers: AdminAnswers): void {
  const found = answers.taps(placeOf(query));
  if (found.kind === "refusal") sendAnswer(response, found);
  else serveTap(response, query, found.value);
}

function forwardToEnvoy(response: ServerResponse, query: URLSearchParams, answers: AdminAnswers): void {
  const found = answers.envoySocket(placeOf(query));
  if (found.kind === "refusal") {
    sendAnswer(response, found);
    return;
  }
  const path = query.get("path") ?? "/";
  const upstream = requestHttp({ socketPath: found.value, path, headers: { host: "envoy" } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      "content-type": answer.headers["content-type"] ?? "text/plain",
    });
    answer.pipe(response);
  });
  upstream.on("error", (cause) => {
    if (response.headersSent) response.destroy();
    else sendJson(response, 502, { error: `Cannot ask Envoy: ${cause.message}` });
  });
  response.on("close", () => upstream.destroy());
  upstream.end();
}

function placeOf(query: URLSearchParams): PodPlace {
  return { namespace: query.get("namespace") ?? "default", pod: query.get("pod") ?? "" };
}

const MAX_BODY_BYTES = 1_048_576;

async function readJson<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_BODY_BYTES) throw new Error("The request is too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as T;
}

function sendAnswer<T>(response: ServerResponse, answer: Answer<T>): void {
  if (answer.kind === "answer") sendJson(response, 200, answer.value);
  else sendJson(response, answer.refusal.status, answer.refusal.answer);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}
