// The attacked process as its parent holds it: started, asked, stopped. Its end is what the fuzz looks for.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { bundleProgram } from "../xds/bundled-program.ts";
import type { Question, Ready, Report, Usage } from "./process-protocol.ts";

export interface AttackedServers extends Ready {
  /** What the process said as it ended, once it has. */
  readonly lastWords: string | undefined;
  change(round: number): void;
  usage(): Promise<Usage>;
  close(): Promise<void>;
}

const MAX_HEAP_MEGABYTES = 512;

export async function startAttackedServers(): Promise<AttackedServers> {
  const program = await bundleProgram(new URL("./attacked-process.ts", import.meta.url));
  const child = fork(program.path, [program.directory], {
    execArgv: ["--expose-gc", `--max-old-space-size=${MAX_HEAP_MEGABYTES}`],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-8_000);
  });
  let lastWords: string | undefined;
  const exited = once(child, "exit").then(([code, signal]) => {
    lastWords = `The process ended with ${signal ?? `code ${code}`}: ${words}`;
  });
  const ready = await nextReport(child, "ready", exited);
  const send = (question: Question) => void (child.connected && child.send(question));
  return {
    ...ready,
    get lastWords() {
      return lastWords;
    },
    change: (round) => send({ kind: "change", round }),
    async usage() {
      send({ kind: "usage" });
      return nextReport(child, "usage", exited);
    },
    async close() {
      if (child.connected) child.disconnect();
      await exited;
      await program.remove();
    },
  };
}

/** Rejects when the process ends first. */
async function nextReport<Kind extends Report["kind"]>(
  child: ChildProcess,
  kind: Kind,
  exited: Promise<void>,
): Promise<Extract<Report, { kind: Kind }>> {
  const isOfKind = (report: Report): report is Extract<Report, { kind: Kind }> => report.kind === kind;
  for (;;) {
    const [report] = await Promise.race([
      once(child, "message") as Promise<[Report]>,
      exited.then(() => {
        throw new Error(`The attacked process ended before it said "${kind}"`);
      }),
    ]);
    if (isOfKind(report)) return report;
  }
}
