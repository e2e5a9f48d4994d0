// What a running mesh tells, as lines for people: steps, problems and gateways on standard error, and each
// workload's output on standard output behind its name in its own colour.

import { assertNever } from "../core/assert-never.ts";
import type { Problem } from "../core/problem.ts";
import { formatProblem } from "../core/problem.ts";
import type { MeshEvent } from "./local-mesh.ts";
import type { Style, Terminal } from "./terminal.ts";
import { paint, workloadStyles } from "./terminal.ts";

const PROXY_CONTAINER = "istio-proxy";

export interface MeshPrinter {
  print(event: MeshEvent): void;
  /** Problems of severity error that are there now. */
  readonly errorCount: number;
}

export function meshPrinter(terminal: Terminal): MeshPrinter {
  const stylesByWorkload = new Map<string, Style>();
  let errorCount = 0;
  let prefixWidth = 0;
  const say = (text: string) => terminal.writeError(`${text}\n`);
  const prefixOf = (workload: string) => {
    const known = stylesByWorkload.get(workload);
    const style = known ?? workloadStyles[stylesByWorkload.size % workloadStyles.length] ?? "cyan";
    stylesByWorkload.set(workload, style);
    prefixWidth = Math.max(prefixWidth, workload.length);
    return `${paint(terminal, style, workload.padEnd(prefixWidth))} | `;
  };
  return {
    get errorCount() {
      return errorCount;
    },
    print(event) {
      switch (event.kind) {
        case "progress":
          return say(paint(terminal, "dim", event.text));
        case "notice":
          return say(`${paint(terminal, "yellow", "notice:")} ${event.text}`);
        case "output":
          // Proxies say much that is nobody's concern here; `meltemi logs WORKLOAD -c istio-proxy` has it.
          if (event.container === PROXY_CONTAINER) return;
          return terminal.write(`${prefixOf(event.workload)}${event.text}\n`);
        case "problemAppeared":
          errorCount += weightOf(event.problem);
          return say(paint(terminal, severityStyles[event.problem.severity], formatProblem(event.problem)));
        case "problemGone":
          errorCount -= weightOf(event.problem);
          return say(paint(terminal, "green", `resolved: ${formatProblem(event.problem)}`));
        case "gateway":
          return say(`${paint(terminal, "bold", event.url)}   gateway ${event.name}, port ${event.port}`);
        case "ready":
          return say(paint(terminal, "green", `ready: ${event.podCount} pods`));
        default:
          return assertNever(event);
      }
    },
  };
}

const severityStyles: Readonly<Record<Problem["severity"], Style>> = {
  error: "red",
  warning: "yellow",
  info: "dim",
};

function weightOf({ severity }: Problem): number {
  return severity === "error" ? 1 : 0;
}
