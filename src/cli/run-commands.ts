// The commands that run a mesh on this machine, and show and use what runs in it.

import type { CommandDeclaration } from "./command.ts";
import {
  containerOption,
  launchOptions,
  meshNameOptions,
  meshOptions,
  namespaceOption,
  workload,
} from "./option-list.ts";

export const runCommands: readonly CommandDeclaration[] = [
  {
    name: "up",
    summary: "start a mesh of manifests on this machine and follow the files",
    arguments: [{ name: "<manifests...>", summary: "directories and files of Kubernetes and Istio YAML" }],
    options: launchOptions,
    examples: [
      { line: "meltemi up ./manifests", does: "run them; saving a file changes live traffic" },
      { line: 'meltemi up app.yaml --image shop/web="node web.js"', does: "say what an image runs" },
      { line: "meltemi up --mesh other --xds-port 0 ./other", does: "a second mesh beside the first" },
    ],
    load: () => import("./up.ts"),
  },
  {
    name: "demo",
    summary: "start the bookshop example",
    options: launchOptions,
    examples: [{ line: "meltemi demo", does: "a shop of small services, each with an Envoy" }],
    load: () => import("./demo.ts"),
  },
  {
    name: "down",
    summary: "stop a running mesh",
    options: [
      ...meshNameOptions("name of the mesh"),
      { flags: "--purge", summary: "also remove its state (CA, leases) and the cache (Envoy)" },
    ],
    examples: [
      { line: "meltemi down", does: "as Ctrl-C in the terminal of meltemi up" },
      { line: "meltemi down --purge", does: "and leave nothing behind" },
    ],
    load: () => import("./down.ts"),
  },
  {
    name: "get",
    summary: "list the objects in force",
    arguments: [
      { name: "<kind>", summary: "pods, services, virtualservices, … or a short name such as vs" },
      { name: "[name]", summary: "one object" },
    ],
    options: [
      namespaceOption,
      { flags: "-A, --all-namespaces", summary: "all namespaces, which is the default" },
      { flags: "-o, --output <format>", summary: "wide, json or yaml" },
      ...meshOptions,
    ],
    examples: [
      { line: "meltemi get pods -o wide", does: "with addresses and memory" },
      { line: "meltemi get vs reviews -o yaml", does: "one VirtualService, whole" },
    ],
    load: () => import("./get.ts"),
  },
  {
    name: "logs",
    summary: "show what a workload printed",
    arguments: [workload],
    options: [
      namespaceOption,
      containerOption,
      { flags: "-f, --follow", summary: "go on with what it prints" },
      { flags: "--tail <lines>", summary: "only the last lines" },
      { flags: "--since <duration>", summary: "only what is newer, such as 30s or 5m" },
      ...meshOptions,
    ],
    examples: [
      { line: "meltemi logs reviews-v1 -f", does: "follow all pods of a Deployment" },
      { line: "meltemi logs reviews-v1 -c istio-proxy --tail 20", does: "the last lines of its Envoy" },
    ],
    load: () => import("./logs.ts"),
  },
  {
    name: "exec",
    summary: "run a command inside a workload, on this terminal",
    arguments: [workload, { name: "[command...]", summary: "after --" }],
    options: [
      namespaceOption,
      containerOption,
      {
        flags: "-i, --stdin",
        summary: "pass standard input on, which is the default; alone: without a terminal",
      },
      {
        flags: "-t, --tty",
        summary: "give the command a terminal, the default where input and output are one",
      },
      ...meshOptions,
    ],
    examples: [
      {
        line: "meltemi exec web -- curl -s http://reviews:9080/",
        does: "call a service as the web page would",
      },
      { line: "meltemi exec -it web -- sh", does: "a shell there" },
      {
        line: "meltemi exec web -c istio-proxy -- pilot-agent request GET clusters",
        does: "ask its Envoy's admin interface",
      },
    ],
    load: () => import("./exec.ts"),
  },
];
