// The commands that bring Meltemi into clusters and pods, and out of them.

import type { CommandDeclaration } from "./command.ts";
import {
  clusterOptions,
  outputOption,
  revisionOption,
  settingsOptions,
  timeoutOption,
} from "./option-list.ts";

export const installCommands: readonly CommandDeclaration[] = [
  {
    name: "inject",
    aliases: ["kube-inject"],
    summary: "print manifests with a sidecar in every workload",
    options: [
      { flags: "-f, --filename <file>", summary: "the manifests, - for standard input" },
      { flags: "-o, --output <file>", summary: "where the result goes, instead of standard output" },
      { flags: "--mesh-config <file>", summary: "MeshConfig to inject by" },
      { flags: "--meshConfigFile <file>", summary: "the same, as kube-inject has it" },
      { flags: "--injectConfigFile <file>", summary: "injection's configuration: templates, selectors" },
      { flags: "--valuesFile <file>", summary: "values to inject by, and for templates" },
      { flags: "--meshConfigMapName <name>", summary: "a ConfigMap of the cluster with the MeshConfig" },
      { flags: "--injectConfigMapName <name>", summary: "one with injection's configuration and values" },
      { flags: "-i, --istioNamespace <namespace>", summary: 'the control plane\'s ("meltemi-system")' },
      { flags: "-r, --revision <revision>", summary: 'of the control plane ("default")' },
      { flags: "--native-sidecars", summary: "as restartable init containers" },
      { flags: "--cni", summary: "for nodes where the CNI plugin captures pods" },
      { flags: "--webhookConfig <name>", summary: "not taken: injection by hand asks no webhook" },
      { flags: "--operatorFileName <file>", summary: "not taken: there is no operator" },
      ...clusterOptions,
    ],
    examples: [{ line: "meltemi inject -f app.yaml | kubectl apply -f -", does: "inject by hand" }],
    load: () => import("./inject.ts"),
  },
  {
    name: "precheck",
    summary: "say what would make an installation on a cluster fail; changes nothing",
    options: [...settingsOptions, ...clusterOptions],
    examples: [{ line: "meltemi precheck", does: "exit code 1 if something stands in the way" }],
    load: () => import("./precheck.ts"),
  },
  {
    name: "install",
    summary: "install the control plane on a cluster and wait until it works",
    options: [...settingsOptions, timeoutOption, ...clusterOptions],
    examples: [
      { line: "meltemi install", does: "two replicas, webhooks and an ingress gateway" },
      { line: "meltemi install --profile cni", does: "pods need no capability: a DaemonSet intercepts" },
      { line: "meltemi install --revision canary", does: "a second control plane beside the first" },
      {
        line: "meltemi install -f values.yaml --gateway-values gateway.yaml",
        does: "pull secrets, tolerations, the kind of load balancer, …",
      },
    ],
    load: () => import("./install.ts"),
  },
  {
    name: "upgrade",
    summary: "bring an installed control plane to this program's version",
    options: [...settingsOptions, timeoutOption, ...clusterOptions],
    examples: [{ line: "meltemi upgrade --profile cni", does: "and remove what is no longer wanted" }],
    load: () => import("./upgrade.ts"),
  },
  {
    name: "uninstall",
    summary: "remove a control plane; definitions, your objects and the CA stay",
    options: [
      revisionOption,
      { flags: "--purge", summary: "remove those too, so that nothing is left" },
      { flags: "-y, --yes", summary: "don't ask, whatever depends on it or goes with it" },
      timeoutOption,
      ...clusterOptions,
    ],
    examples: [
      { line: "meltemi uninstall --revision canary", does: "one of several control planes" },
      { line: "meltemi uninstall --purge", does: "says what goes, asks, and leaves nothing behind" },
    ],
    load: () => import("./uninstall.ts"),
  },
  {
    name: "tag",
    summary: "names that point to a revision, so that moving to another needs no label changed",
    examples: [
      {
        line: "meltemi tag set prod --revision canary --overwrite",
        does: "pods of prod are canary's when restarted",
      },
      { line: "meltemi tag list", does: "which there are, and who uses them" },
    ],
    subcommands: [
      {
        name: "set",
        summary: "make a tag, or point it to another revision",
        arguments: [{ name: "<tag>", summary: "the name; default is that of istio-injection=enabled" }],
        options: [
          revisionOption,
          { flags: "--overwrite", summary: "though it points to another revision" },
          timeoutOption,
          ...clusterOptions,
        ],
        examples: [
          { line: "meltemi tag set prod --revision canary", does: "namespaces say istio.io/rev=prod" },
          {
            line: "meltemi tag set default --revision canary",
            does: "namespaces say istio-injection=enabled",
          },
        ],
        load: async () => (await import("./tag.ts")).setTag,
      },
      {
        name: "list",
        summary: "show tags, their revisions and the namespaces that use them",
        options: [outputOption, ...clusterOptions],
        examples: [{ line: "meltemi tag list -o json", does: "for scripts" }],
        load: async () => (await import("./tag.ts")).listTags,
      },
      {
        name: "remove",
        summary: "remove a tag; pods that run stay as they are",
        arguments: [{ name: "<tag>", summary: "the name" }],
        options: [
          { flags: "--force", summary: "though namespaces use it: their new pods get no sidecar" },
          ...clusterOptions,
        ],
        examples: [{ line: "meltemi tag remove prod", does: "once no namespace has its label" }],
        load: async () => (await import("./tag.ts")).removeTag,
      },
    ],
  },
  {
    name: "move",
    summary: "move a namespace to another control plane under traffic, workload by workload",
    arguments: [{ name: "<namespace>", summary: "its pods get the other's sidecars" }],
    options: [
      { flags: "--to <revision>", summary: "a revision or tag, Meltemi's or Istio's" },
      { flags: "--back", summary: "to where it was moved from" },
      { flags: "--timeout <time>", summary: "how long to wait for one workload, such as 90s or 5m" },
      ...clusterOptions,
    ],
    examples: [
      {
        line: "meltemi move shop --to meltemi",
        does: "label, then restart and wait, one workload at a time",
      },
      { line: "meltemi move shop --back", does: "undo it in the same way" },
    ],
    load: () => import("./move.ts"),
  },
  {
    name: "manifest",
    summary: "print what an installation consists of",
    options: [...settingsOptions, { flags: "-o, --output <format>", summary: 'yaml or json ("yaml")' }],
    examples: [
      { line: "meltemi manifest --profile cni", does: "all objects, in the order of installation" },
      { line: "meltemi manifest | kubectl apply --server-side -f -", does: "install by hand" },
    ],
    load: () => import("./manifest.ts"),
  },
];
