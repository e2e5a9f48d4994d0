// Every command of `meltemi`: names, arguments, flags and examples. Help, completion and the reference are
// made of this; a command's code is loaded when it is run.

import type { CommandDeclaration, OptionDeclaration } from "./command.ts";
import type { SectionName } from "./proxy-config/section.ts";

const clusterOptions: readonly OptionDeclaration[] = [
  { flags: "--kubeconfig <file>", summary: "instead of KUBECONFIG and ~/.kube/config" },
  { flags: "--context <context>", summary: "of the kubeconfig, instead of its current one" },
];
/** Which mesh; without any of them, one that runs on this machine, else that of the current context. */
const meshOptions: readonly OptionDeclaration[] = [
  { flags: "--mesh <name>", summary: 'ask a mesh of this machine (MELTEMI_MESH, or "default", if it runs)' },
  { flags: "--name <name>", summary: "", instead: "--mesh" },
  { flags: "--kubernetes", summary: "ask the cluster of the kubeconfig's current context" },
  ...clusterOptions,
];
const namespaceOption: OptionDeclaration = {
  flags: "-n, --namespace <namespace>",
  summary: "look in this namespace only",
};
const outputOption: OptionDeclaration = {
  flags: "-o, --output <format>",
  summary: "json or yaml instead of a table",
};
const containerOption: OptionDeclaration = {
  flags: "-c, --container <container>",
  summary: "the container, when it isn't the app's first",
};

const workload = { name: "<workload>", summary: "reviews-v1, deploy/reviews-v1, pod/NAME or NAME.NAMESPACE" };

/** Of a mesh that a command starts or ends. */
const meshNameOptions = (summary: string): readonly OptionDeclaration[] => [
  { flags: "--mesh <name>", summary: `${summary} (MELTEMI_MESH, or "default")` },
  { flags: "--name <name>", summary: "", isHidden: true },
];

const launchOptions: readonly OptionDeclaration[] = [
  ...meshNameOptions("name of the mesh; several run side by side"),
  { flags: "--xds-port <port>", summary: "port on loopback for plaintext xDS, 0 for a free one (15010)" },
  {
    flags: "--admin-port <port>",
    summary: "port on loopback for metrics and debugging, 0 for a free one (15014)",
  },
  { flags: "--mesh-config <file>", summary: "MeshConfig, instead of ConfigMap istio or meltemi" },
  { flags: "--pod-cidr <range>", summary: "addresses of pods (10.244.0.0/16)" },
  { flags: "--service-cidr <range>", summary: "virtual addresses of Services (10.96.0.0/16)" },
  {
    flags: "--image <name=command>",
    summary: "the command to run for an image; may be given several times",
    isList: true,
  },
  {
    flags: "--once",
    summary: "end when everything is ready, or with 1 when errors stand for 30 s: for scripts",
  },
];

const proxySection = (
  name: SectionName,
  aliases: readonly string[],
  filters: readonly OptionDeclaration[],
): CommandDeclaration => ({
  name,
  aliases,
  summary: `show the ${name} config of a workload's Envoy`,
  arguments: [{ name: "[workload]", summary: workload.summary }],
  options: [
    namespaceOption,
    ...filters,
    { flags: "-f, --file <file>", summary: "read Envoy's dump from a file instead" },
    outputOption,
    ...meshOptions,
  ],
  examples: [{ line: `meltemi proxy-config ${name} reviews-v1`, does: `its ${name} config` }],
  load: async () => (await import("./proxy-config.ts")).proxyConfigCommand(name),
});

const portFilter: OptionDeclaration = { flags: "--port <port>", summary: "of this port only" };
const addressFilter: OptionDeclaration = { flags: "--address <address>", summary: "at this address only" };

const timeoutOption: OptionDeclaration = {
  flags: "--timeout <time>",
  summary: "how long to wait for the cluster, such as 90s or 5m",
};
const revisionOption: OptionDeclaration = {
  flags: "--revision <revision>",
  summary: 'of the control plane ("default")',
};
const settingsOptions: readonly OptionDeclaration[] = [
  { flags: "--profile <profile>", summary: 'default, minimal, demo or cni ("default")' },
  revisionOption,
  {
    flags: "-n, --namespace <namespace>",
    summary: 'of the control plane ("meltemi-system", or where it is already)',
  },
  { flags: "-f, --values <file>", summary: "values of the control plane, as charts/meltemi has them" },
  { flags: "--gateway-values <file>", summary: "values of the ingress gateway, as charts/gateway has them" },
  { flags: "--hub <hub>", summary: "where the images come from: HUB/control-plane:TAG" },
  { flags: "--tag <tag>", summary: "of the images, instead of this program's version" },
  { flags: "--image-pull-policy <policy>", summary: "Always, IfNotPresent or Never" },
  { flags: "--replicas <count>", summary: "of the control plane, at least" },
  {
    flags: "--cni-repair <mode>",
    summary: 'repair, delete or label pods that started before the CNI plugin, or none ("repair")',
  },
  { flags: "--cni-bin-dir <folder>", summary: 'of the nodes, for CNI programs ("/opt/cni/bin")' },
  { flags: "--cni-conf-dir <folder>", summary: 'of the nodes, for CNI configurations ("/etc/cni/net.d")' },
  { flags: "--mesh-config <file>", summary: "MeshConfig to begin with" },
];

export const commandList: readonly CommandDeclaration[] = [
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
  {
    name: "proxy-status",
    aliases: ["ps"],
    summary: "show which proxies are connected and in step, and what they refused",
    arguments: [{ name: "[proxy]", summary: "a pod or workload" }],
    options: [namespaceOption, outputOption, ...meshOptions],
    examples: [
      { line: "meltemi proxy-status", does: "all of them; exit code 1 if one refused something" },
      { line: "meltemi proxy-status --context staging", does: "of a cluster, from all replicas" },
    ],
    load: () => import("./proxy-status.ts"),
  },
  {
    name: "proxy-config",
    aliases: ["pc"],
    summary: "show what a workload's Envoy has been told",
    examples: [
      { line: "meltemi proxy-config route web", does: "its routes" },
      {
        line: "meltemi proxy-config cluster web --fqdn reviews -o json",
        does: "clusters of a service, whole",
      },
      {
        line: "meltemi proxy-config endpoint web --status unhealthy",
        does: "what Envoy doesn't use just now",
      },
    ],
    subcommands: [
      proxySection(
        "cluster",
        ["clusters", "c"],
        [
          { flags: "--fqdn <name>", summary: "whose host name holds this" },
          portFilter,
          { flags: "--direction <direction>", summary: "inbound or outbound" },
          { flags: "--subset <subset>", summary: "of this subset only" },
        ],
      ),
      proxySection(
        "listener",
        ["listeners", "l"],
        [portFilter, addressFilter, { flags: "--name <name>", summary: "of this name only" }],
      ),
      proxySection("route", ["routes", "r"], [{ flags: "--name <name>", summary: "of this name only" }]),
      proxySection(
        "endpoint",
        ["endpoints", "ep"],
        [
          portFilter,
          addressFilter,
          { flags: "--cluster <cluster>", summary: "of this cluster only" },
          { flags: "--status <status>", summary: "healthy, unhealthy, draining, …" },
        ],
      ),
      proxySection("secret", ["secrets", "s"], []),
      proxySection("bootstrap", ["b"], []),
    ],
  },
  {
    name: "wait",
    summary: "wait until every proxy that an object concerns has it as it is now",
    arguments: [{ name: "<object>", summary: "KIND/NAME, such as vs/reviews" }],
    options: [
      { flags: "-n, --namespace <namespace>", summary: "of the object, where several have one" },
      { flags: "--timeout <duration>", summary: "how long at the most, such as 30s or 2m (30s)" },
      ...meshOptions,
    ],
    examples: [
      { line: "meltemi wait vs/reviews", does: "then all requests go the new way; 1 if a proxy refuses it" },
      { line: "meltemi wait gw/shop -n shop --timeout 2m", does: "of another namespace, with more patience" },
    ],
    load: () => import("./wait.ts"),
  },
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
  {
    name: "envoy",
    summary: "show which Envoy is run, and where it was found",
    options: [outputOption],
    examples: [{ line: "meltemi envoy", does: "MELTEMI_ENVOY, PATH, cache, or fetched" }],
    load: () => import("./envoy.ts"),
  },
  {
    name: "version",
    summary: "show the versions of this program and of the mesh's control plane",
    options: [outputOption, ...meshOptions],
    examples: [{ line: "meltemi version -o json", does: "for scripts" }],
    load: () => import("./version.ts"),
  },
  {
    name: "completion",
    summary: "print a completion script for a shell",
    arguments: [{ name: "<shell>", summary: "bash, zsh or fish" }],
    examples: [{ line: "source <(meltemi completion bash)", does: "for this shell" }],
    load: () => import("./completion.ts"),
  },
];
