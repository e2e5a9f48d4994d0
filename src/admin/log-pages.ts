// How much the control plane's log says, read and changed while it runs: in the form of Istio's ControlZ, so that
// `istioctl admin log` finds it.

import type { IncomingMessage } from "node:http";
import { isLogLevel, type LogLevels, type LogScope, logLevels } from "../core/log-levels.ts";
import { quoted } from "../core/quoted.ts";
import type { LogScopeReport } from "./contract/control-plane.ts";

export interface LogAnswer {
  readonly status: number;
  readonly body: unknown;
}

const MAX_BODY_BYTES = 4_096;

/** `/scopej` is all scopes, `/scopej/ads` one of them; a PUT of `{"output_level": "debug"}` there changes it. */
export async function answerLogScopes(
  request: IncomingMessage,
  path: string,
  levels: LogLevels,
): Promise<LogAnswer> {
  const isPut = request.method === "PUT";
  if (path === "") {
    if (isPut) return refusal(405, "Cannot change all scopes at once: name one, as in /scopej/default");
    return { status: 200, body: levels.list().map(report) };
  }
  const known = levels.list().find(({ name }) => name === path);
  if (known === undefined) {
    const names = levels.list().map(({ name }) => name);
    return refusal(404, `There is no scope ${quoted(path)}: there are ${names.join(", ")}`);
  }
  if (!isPut) return { status: 200, body: report(known) };
  return change(known, await readText(request), levels);
}

function change({ name }: LogScope, text: string | undefined, levels: LogLevels): LogAnswer {
  if (text === undefined) return refusal(413, `A scope takes at most ${MAX_BODY_BYTES} bytes`);
  const level = outputLevelOf(text);
  // Other fields of ControlZ, such as stack traces, are what our log has in any case.
  if (level === undefined) return { status: 202, body: {} };
  if (!isLogLevel(level)) {
    const found = typeof level === "string" ? quoted(level) : "something else";
    return refusal(400, `output_level: found ${found}, wanted one of ${logLevels.join(", ")}`);
  }
  levels.set(name, level);
  return { status: 202, body: {} };
}

/** Not a text where the body isn't JSON of an object. */
function outputLevelOf(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Partial<LogScopeReport>).output_level
      : null;
  } catch {
    return null;
  }
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function report({ name, description, level }: LogScope): LogScopeReport {
  return { name, description, output_level: level, stack_trace_level: "none", log_callers: false };
}

function refusal(status: number, error: string): LogAnswer {
  return { status, body: { error } };
}
