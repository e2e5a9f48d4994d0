// Runs one of the system's tools (ip, iptables-restore, mount …) to its end. Never through a shell.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export interface ToolOutcome {
  /** 0 is success; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 1 << 20;

/** Resolves with whatever the tool's end is; rejects only where it can't be started at all. */
export function runTool(
  argv: readonly [string, ...string[]],
  { input = "", timeoutMs = 30_000 }: { input?: string; timeoutMs?: number } = {},
): Promise<ToolOutcome> {
  return new Promise((resolve, reject) => {
    const [command, ...args] = argv;
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: toolEnvironment(),
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.on("error", (cause) => reject(new Error(`Cannot run ${command}`, { cause })));
    child.on("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
    // A tool that ends without reading its input closes the pipe: its exit code tells, not EPIPE.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** As `runTool`, but an exit code other than 0 is thrown, with the tool's own words. */
export async function requireTool(argv: readonly [string, ...string[]], input?: string): Promise<string> {
  const outcome = await runTool(argv, input === undefined ? {} : { input });
  if (outcome.code !== 0) {
    throw new Error(`${argv.join(" ")} failed with ${outcome.code}: ${outcome.stderr.trim()}`);
  }
  return outcome.stdout;
}

/** PATH with the administrators' directories, which an unprivileged user's lacks on Debian. */
export function toolPath(path = process.env.PATH ?? ""): string {
  const directories = path.split(":").filter((directory) => directory !== "");
  for (const directory of ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]) {
    if (!directories.includes(directory)) directories.push(directory);
  }
  return directories.join(":");
}

/** The absolute path of an executable on PATH or in the administrators' directories. */
export function findTool(name: string): string | undefined {
  return toolPath()
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

/** Environment for the system's tools: messages untranslated, since some are read. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: toolPath(), LC_ALL: "C" };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  stream.on("data", (chunk: Buffer) => {
    byteCount += chunk.length;
    if (byteCount <= MAX_OUTPUT_BYTES) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
