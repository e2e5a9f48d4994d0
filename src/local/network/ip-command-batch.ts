// Runs `ip` commands in the mesh's namespace, those of many callers by one process: whoever comes while
// a batch runs shares the next one. A command that fails fails its own caller only.

import { runTool } from "./run-tool.ts";

interface Waiting {
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

export interface IpCommandBatch {
  /** Lines as after `ip`: `link set eth0 up`. Resolves when all are done. */
  run(lines: readonly string[]): Promise<void>;
}

export function createIpCommandBatch(runIp = runIpBatch): IpCommandBatch {
  let waiting: Waiting[] = [];
  let isRunning = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await runBatch(batch, runIp);
    }
    isRunning = false;
  }

  return {
    run(lines) {
      return new Promise((resolve, reject) => {
        waiting.push({ lines, resolve, reject });
        if (isRunning) return;
        isRunning = true;
        setImmediate(() => void drain());
      });
    },
  };
}

type RunIp = (input: string) => Promise<{ readonly code: number | null; readonly stderr: string }>;

function runIpBatch(input: string): ReturnType<RunIp> {
  return runTool(["ip", "-force", "-batch", "-"], { input });
}

async function runBatch(batch: readonly Waiting[], runIp: RunIp): Promise<void> {
  const lines = batch.flatMap((waiting) => waiting.lines);
  const outcome = await runIp(`${lines.join("\n")}\n`).catch((cause: unknown) => ({ cause }));
  let firstLine = 1;
  for (const { lines: own, resolve, reject } of batch) {
    const lastLine = firstLine + own.length - 1;
    const failure = failureOf(outcome, { firstLine, lastLine });
    if (failure === undefined) resolve();
    else reject(new Error(`ip failed: ${failure} (${own.join("; ")})`));
    firstLine = lastLine + 1;
  }
}

// Each failing line gives its reason, and then `Command failed -:LINE`.
function failureOf(
  outcome: { readonly stderr: string; readonly code: number | null } | { readonly cause: unknown },
  { firstLine, lastLine }: { firstLine: number; lastLine: number },
): string | undefined {
  if ("cause" in outcome) return String(outcome.cause);
  if (outcome.code === 0) return undefined;
  const failures = [...outcome.stderr.matchAll(/([^\n]*)\nCommand failed -:(\d+)/g)];
  const own = failures.find(([, , line]) => Number(line) >= firstLine && Number(line) <= lastLine);
  if (own !== undefined) return own[1];
  return failures.length === 0 ? outcome.stderr.trim() || `exit code ${outcome.code}` : undefined;
}
