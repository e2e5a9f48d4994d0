// Every command of `meltemi`: names, arguments, flags and examples. Help, completion and the reference are
// made of this; a command's code is loaded when it is run.

import type { CommandDeclaration, OptionDeclaration } from "./command.ts";
import {
  clusterOptions,
  containerOption,
  launchOptions,
  meshNameOptions,
  meshOptions,
  namespaceOption,
  outputOption,
  revisionOption,
  settingsOptions,
  timeoutOption,
  workload,
} from "./option-list.ts";
import type { SectionName } from "./proxy-config/section.ts";

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
    name: "authz",
    summary: "say who may call whom, from the filters that proxies hold",
    examples: [
      { line: "meltemi authz can-i --as shop/web GET http://reviews/", does: "and which rule decides" },
      { line: "meltemi authz matrix -n shop", does: "its Services, by who calls" },
    ],
    subcommands: [
      {
        name: "can-i",
        summary: "whether a call would be let in, and by which rule of which policy",
        arguments: [
          { name: "<call...>", summary: "[METHOD] http[s]://HOST[:PORT]/PATH, or tcp://HOST:PORT" },
        ],
        options: [
          {
            flags: "--as <caller>",
            summary: "NAMESPACE/SERVICEACCOUNT, or a pod or workload; nobody that is known without it",
          },
          { flags: "--jwt <token>", summary: "the end user's token; @FILE reads it from a file" },
          { flags: "-H, --header <header>", summary: '"NAME: VALUE", of the request', isList: true },
          { flags: "--source-ip <address>", summary: "the caller's, where it isn't that of one pod" },
          { flags: "--sni <name>", summary: "the server's name that the caller gives in TLS" },
          { flags: "--to <workload>", summary: "only its pods, or pods that are behind no Service" },
          { flags: "-n, --namespace <namespace>", summary: "in which HOST is looked for (the caller's)" },
          outputOption,
          ...meshOptions,
        ],
        examples: [
          {
            line: "meltemi authz can-i --as shop/web GET http://reviews.shop:9080/",
            does: "exit code 0 if every pod lets it in, else 1",
          },
          {
            line: "meltemi authz can-i --as web --jwt @token GET http://reviews/ -o json",
            does: "with what every filter says",
          },
          {
            line: "meltemi authz can-i https://shop.example.com/",
            does: "from outside, at the gateways that serve the host",
          },
          {
            line: "meltemi authz can-i tcp://db:5432",
            does: "a connection, by a caller without an identity",
          },
        ],
        load: () => import("./authz/can-i.ts"),
      },
      {
        name: "matrix",
        summary: "Services by callers: allowed, denied, or depends on the request",
        options: [namespaceOption, outputOption, ...meshOptions],
        examples: [{ line: "meltemi authz matrix -n shop -o json", does: "for scripts" }],
        load: () => import("./authz/matrix.ts"),
      },
    ],
  },
  {
    name: "top",
    summary: "show what costs the most",
    examples: [{ line: "meltemi top pushes", does: "what the control plane sent lately, and why" }],
    subcommands: [
      {
        name: "pushes",
        summary: "what was pushed to proxies: the cause, how many had it how soon, bytes and CPU",
        options: [
          { flags: "--limit <count>", summary: "the newest so many (20); a replica keeps 10,000" },
          outputOption,
          ...meshOptions,
        ],
        examples: [
          { line: "meltemi top pushes", does: "the newest first" },
          { line: "meltemi top pushes --limit 1000 -o json", does: "for scripts" },
        ],
        load: () => import("./top/pushes.ts"),
      },
    ],
  },
  {
    name: "admin",
    summary: "the control plane itself",
    examples: [{ line: "meltemi admin log", does: "how much its log says, and of what" }],
    subcommands: [
      {
        name: "log",
        summary: "show or change what the control plane logs, while it runs",
        options: [
          {
            flags: "--level <levels>",
            summary: "SCOPE:LEVEL, several with commas, or LEVEL for all: none, error, warn, info, debug",
          },
          { flags: "--reset", summary: "info for all scopes" },
          outputOption,
          ...meshOptions,
        ],
        examples: [
          { line: "meltemi admin log", does: "the scopes and their levels" },
          { line: "meltemi admin log --level ads:debug,ca:debug", does: "more of streams and certificates" },
          { line: "meltemi admin log --reset", does: "as at the start" },
        ],
        load: () => import("./admin/log.ts"),
      },
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
    name: "jwt",
    summary: "tokens of end users",
    examples: [{ line: "meltemi jwt debug - < token.txt", does: "without the token in the shell's history" }],
    subcommands: [
      {
        name: "debug",
        summary: "which RequestAuthentication takes or refuses a token, and why; it is kept nowhere",
        arguments: [{ name: "<token>", summary: "a JSON Web Token, or - for standard input" }],
        options: [
          { flags: "--for <workload>", summary: "what its proxies make of it, by what they were sent" },
          {
            flags: "-n, --namespace <namespace>",
            summary: "policies of this namespace only, or where WORKLOAD is",
          },
          outputOption,
          ...meshOptions,
        ],
        examples: [
          { line: "meltemi jwt debug - --for reviews.shop", does: "exit code 1 unless every pod takes it" },
          { line: "meltemi jwt debug -", does: "by all policies; exit code 1 if none takes it" },
          { line: "meltemi jwt debug - -n shop -o json", does: "by those of one namespace, for scripts" },
        ],
        load: () => import("./jwt/debug.ts"),
      },
    ],
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
