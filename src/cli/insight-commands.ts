// The commands that say what proxies and the control plane do, and why.

import type { CommandDeclaration, OptionDeclaration } from "./command.ts";
import { meshOptions, namespaceOption, outputOption, workload } from "./option-list.ts";
import type { SectionName } from "./proxy-config/section.ts";
import { windowOption } from "./traffic-commands.ts";

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

export const insightCommands: readonly CommandDeclaration[] = [
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
    examples: [
      { line: "meltemi top pushes", does: "what the control plane sent lately, and why" },
      { line: "meltemi top routes", does: "which routes are used most" },
    ],
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
      {
        name: "routes",
        summary: "the routes of services that are used most, as callers report them",
        options: [
          namespaceOption,
          windowOption,
          { flags: "--limit <count>", summary: "so many (20)" },
          outputOption,
          ...meshOptions,
        ],
        examples: [{ line: "meltemi top routes -n shop --window 10m", does: "of services of a namespace" }],
        load: () => import("./top/routes.ts"),
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
];
