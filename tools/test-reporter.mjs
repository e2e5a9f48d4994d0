// Reporter of node:test in a test process: sends what happens to the parent, one JSON object a line on file
// descriptor 3, so that whatever the tests print can't be mistaken for a result.

import { writeSync } from "node:fs";
import { relative } from "node:path";
import { inspect } from "node:util";

const EVENT_FILE_DESCRIPTOR = 3;

export function sendTestEvent(event) {
  writeSync(EVENT_FILE_DESCRIPTOR, `${JSON.stringify(event)}\n`);
}

// node:test takes a reporter as a module's default export, and no other way.
// biome-ignore lint/style/noDefaultExport: see above
export default async function* report(events) {
  const names = [];
  for await (const { type, data } of events) {
    if (type === "test:start") names[data.nesting] = data.name;
    if (type === "test:dequeue" || type === "test:complete") {
      sendTestEvent({ type: type.slice(5), id: `${fileOf(data)} ${data.name}` });
    }
    if (type === "test:pass" || type === "test:fail") {
      const event = resultEvent(type, data, names.slice(0, data.nesting));
      if (event !== undefined) sendTestEvent(event);
    }
    // The run's own counts have no file.
    if (type === "test:diagnostic" && data.file !== undefined) {
      const name = names.slice(0, data.nesting + 1).join(" > ");
      sendTestEvent({ type: "note", file: fileOf(data), name, message: data.message });
    }
  }
  sendTestEvent({ type: "end" });
  // A reporter is a stream that must be a generator; everything goes by the descriptor.
  yield "";
}

/** Undefined for what isn't a result of its own: a suite that passed, or a parent that failed by its children alone. */
function resultEvent(type, data, parents) {
  const { error, duration_ms: durationMs } = data.details;
  const isContainer = data.details.type === "suite" || error?.failureType === "subtestsFailed";
  if (isContainer && (type === "test:pass" || error?.failureType === "subtestsFailed")) {
    if (data.skip === undefined) return undefined;
  }
  const base = {
    file: fileOf(data),
    name: [...parents, data.name].join(" > "),
    durationMs,
  };
  const excuse = data.skip ?? data.todo;
  if (excuse !== undefined && excuse !== false) {
    return {
      type: "skip",
      ...base,
      reason: typeof excuse === "string" && excuse !== "" ? excuse : "no reason given",
    };
  }
  if (type === "test:pass") return { type: "pass", ...base };
  return { type: "fail", ...base, error: inspect(error.cause ?? error, { depth: 4 }) };
}

/** Without the line: node:test reads it from compiled code, where a TypeScript file has only one. */
function fileOf(data) {
  return data.file === undefined ? "-" : relative(process.cwd(), data.file);
}
