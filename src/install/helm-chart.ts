// The Helm chart, made from the objects of an installation: the builders are given Helm's expressions for settings, and
// parts that a setting takes in or leaves out become conditions. The chart holds nothing of its own.

import { stringify } from "yaml";
import { chartValuesFile, chartValuesOf, chartValuesSchema } from "./chart-values.ts";
import { cniNamespace, cniObjects } from "./cni-objects.ts";
import { controlPlaneRights } from "./control-plane-rights.ts";
import { controlPlaneWorkload } from "./control-plane-workload.ts";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import { gatewayNamespace, gatewayObjects } from "./gateway-objects.ts";
import type { InstallObject } from "./install-object.ts";
import { profileNames, profileSettings } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import { MINIMUM_MINOR_VERSION } from "./precheck.ts";
import { webhookConfigurations } from "./webhook-configurations.ts";

/** Texts by path below the chart's folder. */
export function helmChart(version: string): ReadonlyMap<string, string> {
  const files: [string, string][] = [
    ["Chart.yaml", chartFile(version)],
    ["values.yaml", chartValuesFile()],
    ["values.schema.json", chartValuesSchema()],
    ["templates/_names.tpl", namesFile],
    ["templates/definitions.yaml", when(".Values.definitions", documents(customResourceDefinitions()))],
    ["templates/control-plane.yaml", controlPlaneFile()],
    ["templates/webhooks.yaml", webhooksFile()],
    ["templates/cni.yaml", when(".Values.cni", cniText())],
    ["templates/gateway.yaml", when(GATEWAY_CONDITION, gatewayText())],
    ...profileNames
      .filter((name) => name !== "default")
      .map((name): [string, string] => [`profiles/${name}.yaml`, profileFile(name)]),
  ];
  return new Map(files.map(([path, text]) => [path, path.includes("templates/") ? NOTICE + text : text]));
}

const NOTICE =
  "{{- /* Made by src/install/helm-chart.ts: change the builders there, then make it anew. */}}\n";
const GATEWAY_CONDITION = 'and .Values.gateway (eq .Values.revision "default")';

// Numbers and parts that aren't text stand for themselves here and are put in below.
const templated: Installation = {
  namespace: "{{ .Release.Namespace }}",
  revision: "{{ .Values.revision }}",
  suffix: '{{ include "meltemi.suffix" . }}',
  hub: "{{ .Values.hub }}",
  tag: "{{ .Values.tag | default .Chart.AppVersion }}",
  imagePullPolicy: "{{ .Values.imagePullPolicy }}" as Installation["imagePullPolicy"],
  replicas: 990_001,
  maxReplicas: 990_002,
  hasAutoscaler: false,
  hasNetworkPolicies: false,
  webhookCidrs: ["990003"],
  hasCni: false,
  cniRepair: "repair",
  cniBinDir: "{{ .Values.cniBinDir }}",
  cniConfDir: "{{ .Values.cniConfDir }}",
  hasGateway: false,
  controlPlaneResources: { requests: {}, limits: {} },
  meshConfig: {},
};

const namesFile = `{{- define "meltemi.suffix" -}}
{{- if ne .Values.revision "default" }}-{{ .Values.revision }}{{ end -}}
{{- end }}
`;

function chartFile(version: string): string {
  return stringify({
    apiVersion: "v2",
    name: "meltemi",
    description: "The control plane of Meltemi, a service mesh that speaks Istio's API",
    type: "application",
    version,
    appVersion: version,
    kubeVersion: `>=1.${MINIMUM_MINOR_VERSION}.0-0`,
  });
}

function controlPlaneFile(): string {
  const plain = documents([...controlPlaneRights(templated), ...controlPlaneWorkload(templated)]);
  const scaled = controlPlaneWorkload({ ...templated, hasAutoscaler: true, hasNetworkPolicies: true });
  const only = (kind: string) => documents(scaled.filter((object) => object.kind === kind));
  return [
    put(plain, [
      [
        /^( *)replicas: 990001\n/m,
        "{{- if not .Values.autoscaler }}\n$1replicas: {{ .Values.replicas }}\n{{- end }}\n",
      ],
      [
        /resources:\n +requests: \{\}\n +limits: \{\}/,
        "resources: {{ toJson .Values.controlPlaneResources }}",
      ],
      [/mesh: \|\n +\{\}\n/, "mesh: {{ toYaml .Values.meshConfig | quote }}\n"],
      [/(name: CAPTURE\n +value: )init/, "$1{{ if .Values.cni }}cni{{ else }}init{{ end }}"],
    ]),
    when(
      ".Values.autoscaler",
      put(only("HorizontalPodAutoscaler"), [
        ["990001", "{{ .Values.replicas }}"],
        ["990002", "{{ .Values.maxReplicas }}"],
      ]),
    ),
    when(
      ".Values.networkPolicies",
      put(only("NetworkPolicy"), [
        [
          /( +)from:\n( +)- ipBlock:\n( +)cidr: '990003'\n/,
          "{{- with .Values.webhookCidrs }}\n$1from:\n{{- range . }}\n$2- ipBlock:\n$3cidr: {{ . | quote }}\n{{- end }}\n{{- end }}\n",
        ],
      ]),
    ),
  ].join("");
}

// The revision `default` answers for more labels than the others.
function webhooksFile(): string {
  const own = webhookConfigurations({ ...templated, revision: "default", suffix: "" });
  const condition = 'eq .Values.revision "default"';
  return `{{- if ${condition} }}\n${documents(own)}{{- else }}\n${documents(webhookConfigurations(templated))}{{- end }}\n`;
}

// What it does to pods decides what it may.
function cniText(): string {
  const verb = (name: string, modes: string) => `\n{{- if ${modes} }}\n$1- ${name}\n{{- end }}`;
  const mode = (name: string) => `eq .Values.cniRepair "${name}"`;
  return put(documents([cniNamespace(), ...cniObjects(templated)]), [
    [
      /( +)- get\n +- list/,
      `$1- get${verb("list", `not (${mode("none")})`)}${verb("delete", mode("delete"))}${verb("patch", mode("label"))}`,
    ],
    [/(name: REPAIR_MODE\n +value: )repair/, "$1{{ .Values.cniRepair | quote }}"],
  ]);
}

function gatewayText(): string {
  return put(documents([gatewayNamespace(), ...gatewayObjects(templated)]), [
    ["990001", "{{ .Values.replicas }}"],
  ]);
}

function documents(objects: readonly InstallObject[]): string {
  return objects
    .map(
      (object) =>
        `---\n${stringify(object, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false })}`,
    )
    .join("");
}

function when(condition: string, text: string): string {
  return `{{- if ${condition} }}\n${text}{{- end }}\n`;
}

/** Throws where there is nothing to replace: the builders have changed. */
function put(text: string, changes: readonly (readonly [string | RegExp, string])[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`The chart's objects hold no ${from}`);
    return after;
  }, text);
}

/** What a profile says otherwise than the default values. */
function profileFile(name: (typeof profileNames)[number]): string {
  const usual: Readonly<Record<string, unknown>> = chartValuesOf(profileSettings("default", ""));
  const own = Object.entries(chartValuesOf(profileSettings(name, ""))).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key]),
  );
  return `# helm install meltemi . -f profiles/${name}.yaml\n${stringify(Object.fromEntries(own))}`;
}
