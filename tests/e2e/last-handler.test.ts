import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const throwing = 'throw new Error("nobody catches this")';
const rejecting = 'void Promise.reject(new Error("nobody catches this"))';

const programs: readonly (readonly [name: string, args: readonly string[], origin: string, fault: string])[] =
  [
    [
      "control-plane",
      ["--state-dir", "STATE", "--xds-socket", "STATE/xds.sock"],
      "uncaughtException",
      throwing,
    ],
    ["supervisor", [], "unhandledRejection", rejecting],
    ["agent", ["proxy", "sidecar"], "unhandledRejection", rejecting],
    ["cni", [], "uncaughtException", throwing],
  ];

/** Runs a program whose first turn holds a fault. */
async function runFaulty(name: string, args: readonly string[], fault: string) {
  const state = await mkdtemp(join(tmpdir(), "meltemi-fault-"));
  const module = fileURLToPath(new URL(`../../src/main/${name}.ts`, import.meta.url));
  const started = `process.on("newListener", (event) => {
    if (event === "uncaughtException") queueMicrotask(() => { ${fault} });
  });`;
  const argv = [
    ...["--import", import.meta.resolve("tsx")],
    ...["--import", `data:text/javascript,${encodeURIComponent(started)}`],
    ...[module, ...args.map((arg) => arg.replace("STATE", state))],
  ];
  const env = { ...process.env, NODE_NAME: "node-1" };
  const outcome = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, argv, { env, timeout: 60_000 }, (error, _stdout, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
  await rm(state, { recursive: true });
  return outcome;
}

for (const [name, args, origin, fault] of programs) {
  test(`${name} logs an error of origin ${origin} with its stack and ends with 1`, async () => {
    const { code, stderr } = await runFaulty(name, args, fault);
    assert.equal(code, 1, stderr);
    const line = stderr.split("\n").find((text) => text.includes("process failed"));
    const logged = JSON.parse(line ?? "{}");
    assert.equal(logged.origin, origin, stderr);
    assert.equal(logged.error.message, "nobody catches this");
    assert.match(logged.error.stack, /Error: nobody catches this\n\s+at /);
  });
}
