// The commands that show traffic as the mesh sees it.

import type { CommandDeclaration, OptionDeclaration } from "./command.ts";
import { meshOptions, namespaceOption, outputOption } from "./option-list.ts";

export const windowOption: OptionDeclaration = {
  flags: "--window <time>",
  summary: "how far back, 10s to 1h (1m)",
};

export const trafficCommands: readonly CommandDeclaration[] = [
  {
    name: "stat",
    summary: "show success rate, requests a second, times, bytes and mTLS, as proxies report them",
    arguments: [
      {
        name: "[what]",
        summary: "workloads, services, routes or namespaces; or one: deploy/reviews-v1, svc/reviews",
      },
    ],
    options: [namespaceOption, windowOption, outputOption, ...meshOptions],
    examples: [
      { line: "meltemi stat", does: "each workload: what it served (in) and called (out)" },
      { line: "meltemi stat services -n shop --window 10m", does: "as their callers see them" },
      { line: "meltemi stat deploy/reviews-v1 -o json", does: "of one, for scripts" },
    ],
    load: () => import("./traffic/stat.ts"),
  },
  {
    name: "edges",
    summary: "show who calls whom, and by which identities it is secured",
    options: [namespaceOption, windowOption, outputOption, ...meshOptions],
    examples: [
      { line: "meltemi edges -n shop", does: "that begin or end in a namespace" },
      { line: "meltemi edges --window 1h -o json", does: "of the last hour, for scripts" },
    ],
    load: () => import("./traffic/edges.ts"),
  },
];
