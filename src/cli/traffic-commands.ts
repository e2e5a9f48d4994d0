// The commands that show traffic as the mesh sees it.

import { tapHeaders } from "../core/tap-record.ts";
import type { CommandDeclaration, OptionDeclaration } from "./command.ts";
import { meshOptions, namespaceOption, outputOption, workload } from "./option-list.ts";

export const windowOption: OptionDeclaration = {
  flags: "--window <time>",
  summary: "how far back, 10s to 1h (1m)",
};

export const trafficCommands: readonly CommandDeclaration[] = [
  {
    name: "tap",
    summary: "show requests and connections as they happen, with what decided about them",
    arguments: [{ name: "[workload]", summary: `${workload.summary}; all, where none is named` }],
    options: [
      namespaceOption,
      {
        flags: "--from <caller>",
        summary: "a workload or service account: web, shop/web; or a namespace: shop/",
      },
      { flags: "--to <called>", summary: "the same, or a service: reviews, reviews.shop" },
      { flags: "--path <prefix>", summary: "whose path begins so" },
      { flags: "--method <method>", summary: "such as POST" },
      { flags: "--status <status>", summary: "such as 503 or 5xx; 0 where no answer came" },
      {
        flags: "--header <header>",
        summary: `show its value, which no tap does by itself; only of ${tapHeaders.join(", ")}`,
        isList: true,
      },
      { flags: "--show-query", summary: "show queries of paths, which may hold secrets" },
      { flags: "--max <count>", summary: "end after so many" },
      { flags: "-o, --output <format>", summary: "json: an object a line" },
      ...meshOptions,
    ],
    examples: [
      { line: "meltemi tap deploy/reviews-v1", does: "what it is called and what it calls, until Ctrl-C" },
      {
        line: "meltemi tap --to reviews --status 5xx -n shop",
        does: "failures, at every proxy of a namespace",
      },
      { line: "meltemi tap web --header x-request-id --max 10 -o json", does: "for scripts" },
    ],
    load: () => import("./tap/tap.ts"),
  },
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
