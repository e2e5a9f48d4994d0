import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "../core/problem.ts";
import { meshPrinter } from "./mesh-printer.ts";
import { openTerminal } from "./terminal.ts";

function record({ isTTY = false, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const streams = {
    stdout: { isTTY, write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
  };
  return { printer: meshPrinter(openTerminal(streams, env)), out, err };
}

const line = { kind: "output", workload: "web", pod: "web-1", container: "web", text: "hello" } as const;

test("meshPrinter() puts the workload before each line, aligned", () => {
  const { printer, out } = record();
  printer.print({ ...line, workload: "reviews-v1" });
  printer.print(line);
  assert.deepEqual(out, ["reviews-v1 | hello\n", "web        | hello\n"]);
});

test("meshPrinter() colours workloads on a terminal only", () => {
  const { printer, out } = record({ isTTY: true });
  printer.print(line);
  assert.deepEqual(out, ["\u001b[36mweb\u001b[0m | hello\n"]);
});

test("meshPrinter() has no colours under NO_COLOR", () => {
  const { printer, out } = record({ isTTY: true, env: { NO_COLOR: "1" } });
  printer.print(line);
  assert.deepEqual(out, ["web | hello\n"]);
});

test("meshPrinter() leaves proxies' output to meltemi logs", () => {
  const { printer, out } = record();
  printer.print({ ...line, container: "istio-proxy" });
  assert.deepEqual(out, []);
});

test("meshPrinter() counts the errors that stand", () => {
  const { printer, err } = record();
  const found = problem("MLT1001", {
    message: "bad indent",
    location: { file: "a.yaml", line: 3, column: 1 },
  });
  printer.print({ kind: "problemAppeared", problem: found });
  assert.equal(printer.errorCount, 1);
  printer.print({ kind: "problemGone", problem: found });
  assert.equal(printer.errorCount, 0);
  assert.deepEqual(err, [
    "a.yaml:3:1: error MLT1001: bad indent\n",
    "resolved: a.yaml:3:1: error MLT1001: bad indent\n",
  ]);
});
