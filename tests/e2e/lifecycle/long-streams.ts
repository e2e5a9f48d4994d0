// A TCP connection, a gRPC stream and a WebSocket from a pod, held open for as long as a test wants.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RunningMesh } from "../mesh/running-mesh.ts";

export interface StreamOutcome {
  /** Answers so far. */
  readonly count: number;
  /** Why it broke. */
  readonly error?: string;
}

export interface LongStreams {
  stop(): Promise<Readonly<Record<"tcp" | "grpc" | "websocket", StreamOutcome>>>;
}

const program = fileURLToPath(new URL("app/streams.mjs", import.meta.url));

/** To the ports of tests/e2e/mesh/app/echo.mjs behind `host`. */
export async function holdStreams(mesh: RunningMesh, workload: string, host: string): Promise<LongStreams> {
  const argv = [process.execPath, "--no-warnings", "--experimental-websocket", program];
  const [command, ...args] = await mesh.exec(workload, [...argv, host, "9000", "9090", "80"]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  process.once("exit", () => child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  return {
    async stop() {
      child.stdin.end();
      await ended;
      return JSON.parse(text) as Awaited<ReturnType<LongStreams["stop"]>>;
    },
  };
}
