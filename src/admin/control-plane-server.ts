// The control plane's admin interface: HTTP and JSON. It answers by the functions that it is given and knows no proxy.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:http";
import type { LogLevels } from "../core/log-levels.ts";
import type { Logger } from "../core/logger.ts";
import { type ObjectKey, objectKey } from "../core/object-key.ts";
import { refusalOfForeignPage } from "../core/own-pages.ts";
import type { Problem } from "../core/problem.ts";
import { quoted } from "../core/quoted.ts";
import type {
  IssuerKeysReport,
  ProgrammedReport,
  ProxyStatus,
  PushReport,
  TrafficWindowReport,
  UninjectedPods,
  VersionReport,
} from "./contract/control-plane.ts";
import type { DebugPage } from "./debug-pages.ts";
import { answerLogScopes } from "./log-pages.ts";
import { parsePushLimit } from "./push-report.ts";
import { requestedUrl } from "./requested-url.ts";
import { parseTrafficWindow } from "./traffic-page.ts";

export interface ControlPlaneAnswers {
  proxies(): readonly ProxyStatus[];
  problems(): readonly Problem[];
  uninjected(): readonly UninjectedPods[];
  issuerKeys(): readonly IssuerKeysReport[];
  /** The newest first. */
  pushes(limit: number): readonly PushReport[];
  traffic(windowMs: number): TrafficWindowReport;
  programmed(object: ObjectKey): ProgrammedReport;
  /** Of the proxies of all replicas; absent, or undefined, where there is nobody else to ask. */
  programmedEverywhere?(object: ObjectKey): Promise<ProgrammedReport> | undefined;
  /** The page at a path and query under `/debug/`. */
  debugPage(path: string): Promise<DebugPage>;
  version(): VersionReport;
  /** All objects have been read, and proxies are served. */
  isReady(): boolean;
  /** Prometheus' text format. */
  metrics(): Promise<string>;
  readonly logLevels: LogLevels;
}

/** What Prometheus, kubelet and `istioctl version` ask for, by whatever name they know the control plane. */
export const publicPaths: ReadonlySet<string> = new Set(["/ready", "/metrics", "/version"]);

/** Not listening yet: a unix socket and a port of the machine may share it. */
export function createControlPlaneServer(answers: ControlPlaneAnswers, log: Logger): Server {
  return createServer((request, response) => {
    route(request, response, answers).catch((error: unknown) => {
      log.error({ url: quoted(request.url ?? ""), error }, "admin request failed");
      if (response.headersSent) response.destroy();
      else send(response, 500, { error: "The control plane failed to answer" });
    });
  });
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  answers: ControlPlaneAnswers,
): Promise<void> {
  const { pathname, search, searchParams } = requestedUrl(request);
  const [, scope] = /^\/scopej(?:$|\/)(.*)/.exec(pathname) ?? [];
  if (request.method !== "GET" && !(request.method === "PUT" && scope !== undefined))
    return send(response, 405, { error: `Cannot ${request.method} here: only GET is answered` });
  const refusal = publicPaths.has(pathname) ? undefined : refusalOfForeignPage(request.headers);
  if (refusal !== undefined) return send(response, 403, { error: refusal });
  if (scope !== undefined) {
    const { status, body } = await answerLogScopes(request, scope, answers.logLevels);
    return send(response, status, body);
  }
  const [, debugPath] = /^\/debug(?:$|\/)(.*)/.exec(pathname) ?? [];
  if (debugPath !== undefined) {
    const { status, ...page } = await answers.debugPage(`${debugPath}${search}`);
    return sendText(response, status, page);
  }
  switch (pathname) {
    case "/proxies":
      return send(response, 200, answers.proxies());
    case "/problems":
      return send(response, 200, answers.problems());
    case "/uninjected":
      return send(response, 200, answers.uninjected());
    case "/issuer-keys":
      return send(response, 200, answers.issuerKeys());
    case "/pushes": {
      const limit = parsePushLimit(searchParams.get("limit"));
      if (limit === undefined) return send(response, 400, { error: "limit must be a number above 0" });
      return send(response, 200, answers.pushes(limit));
    }
    case "/traffic": {
      const windowMs = parseTrafficWindow(searchParams.get("window"));
      if (windowMs === undefined)
        return send(response, 400, { error: "window must be milliseconds above 0" });
      return send(response, 200, answers.traffic(windowMs));
    }
    case "/programmed": {
      const object = parseKey(searchParams.get("object") ?? "");
      if (object === undefined) return send(response, 400, { error: "Name an object: Kind/namespace/name" });
      const isOfAll = searchParams.get("replicas") === "all";
      const report = isOfAll ? await answers.programmedEverywhere?.(object) : undefined;
      return send(response, 200, report ?? answers.programmed(object));
    }
    case "/version":
      return sendVersion(request, response, answers.version());
    case "/ready":
      return answers.isReady() ? send(response, 200, { ready: true }) : send(response, 503, { ready: false });
    case "/metrics":
      return sendText(response, 200, {
        contentType: "text/plain; version=0.0.4; charset=utf-8",
        text: await answers.metrics(),
      });
    default:
      return send(response, 404, { error: `There is nothing at ${quoted(pathname)}` });
  }
}

function parseKey(text: string): ObjectKey | undefined {
  const [kind = "", namespace, name = "", ...rest] = text.split("/");
  if (kind === "" || namespace === undefined || name === "" || rest.length > 0) return undefined;
  return objectKey({ kind, namespace, name });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, { contentType: "application/json", text: JSON.stringify(body) });
}

/** Istio's tools, which don't say what they accept, take all of the text for the version. */
function sendVersion(request: IncomingMessage, response: ServerResponse, report: VersionReport): void {
  if (request.headers.accept?.includes("application/json")) send(response, 200, report);
  else sendText(response, 200, { contentType: "text/plain; charset=utf-8", text: report.version });
}

function sendText(
  response: ServerResponse,
  status: number,
  { contentType, text }: { readonly contentType: string; readonly text: string },
): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
