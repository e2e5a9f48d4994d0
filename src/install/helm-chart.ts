// The Helm charts, made from the objects of an installation: the builders are given Helm's expressions for settings, and
// parts that a setting takes in or leaves out become conditions. A chart holds nothing of its own.

import { stringify } from "yaml";
import { chartValuesFile, chartValuesSchema } from "./chart-values.ts";
import { cniNamespace, cniObjects } from "./cni-objects.ts";
import { controlPlaneRights } from "./control-plane-rights.ts";
import { controlPlaneValues, valuesOfSettings } from "./control-plane-values.ts";
import { controlPlaneWorkload } from "./control-plane-workload.ts";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import { gatewayObjects } from "./gateway-objects.ts";
import { defaultGateway, type GatewaySettings } from "./gateway-settings.ts";
import { gatewayValues, valuesOfGateway } from "./gateway-values.ts";
import type { InstallObject } from "./install-object.ts";
import { DEFAULT_NAMESPACE, profileNames, profileSettings } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import type { PodPlacement } from "./pod-placement.ts";
import { MINIMUM_MINOR_VERSION } from "./precheck.ts";
import { webhookConfigurations } from "./webhook-configurations.ts";

export type Chart = ReadonlyMap<string, string>;

/** Of the control plane. Texts by path below the chart's folder. */
export function controlPlaneChart(version: string): Chart {
  const description = "The control plane of Meltemi, a service mesh that speaks Istio's API";
  return chartOf([
    ["Chart.yaml", chartFile({ name: "meltemi", description, version })],
    ["values.yaml", chartValuesFile(controlPlaneValues, valuesOfSettings(profileSettings("default", "")))],
    ["values.schema.json", chartValuesSchema(controlPlaneValues)],
    ["templates/_names.tpl", namesFile],
    ["templates/definitions.yaml", when(".Values.definitions", documents(customResourceDefinitions()))],
    ["templates/control-plane.yaml", controlPlaneFile()],
    ["templates/webhooks.yaml", webhooksFile()],
    ["templates/cni.yaml", when(".Values.cni", cniText())],
    ...chartProfiles.map((name): [string, string] => [`profiles/${name}.yaml`, profileFile(name)]),
  ]);
}

/** Those that say something of the control plane: `minimal` is without a gateway, as the chart is. */
export const chartProfiles = profileNames.filter((name) => name !== "default" && name !== "minimal");

/** Of a gateway, as many as are wanted, each in a namespace and with a release of its own. */
export function gatewayChart(version: string): Chart {
  const description = "A gateway of a Meltemi mesh";
  const control = { revision: "default", controlPlaneNamespace: DEFAULT_NAMESPACE };
  const defaults = { ...control, ...valuesOfGateway(defaultGateway), name: "" };
  return chartOf([
    ["Chart.yaml", chartFile({ name: "gateway", description, version })],
    ["values.yaml", chartValuesFile(gatewayValues, defaults)],
    ["values.schema.json", chartValuesSchema(gatewayValues)],
    ["templates/_names.tpl", gatewayNamesFile],
    ["templates/gateway.yaml", gatewayFile()],
  ]);
}

function chartOf(files: readonly [path: string, text: string][]): Chart {
  return new Map(files.map(([path, text]) => [path, path.includes("templates/") ? NOTICE + text : text]));
}

const NOTICE =
  "{{- /* Made by src/install/helm-chart.ts: change the builders there, then make it anew. */}}\n";

// Parts that aren't text stand for themselves here and are put in below.
const templatedPlacement: PodPlacement = {
  imagePullSecrets: ["@imagePullSecrets"],
  nodeSelector: { "@nodeSelector": "" },
  tolerations: [{ key: "@tolerations" }],
  affinity: { "@affinity": {} } as PodPlacement["affinity"],
  priorityClassName: "@priorityClassName",
  env: [{ name: "@env" }],
};

const templated: Installation = {
  ...templatedPlacement,
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
  gateway: defaultGateway,
  hasDefinitions: true,
  controlPlaneResources: { requests: {}, limits: {} },
  meshConfig: {},
};

const templatedGateway: GatewaySettings = {
  ...templatedPlacement,
  name: '{{ include "gateway.name" . }}',
  namespace: "{{ .Release.Namespace }}",
  replicas: 990_001,
  imagePullPolicy: "{{ .Values.imagePullPolicy }}" as GatewaySettings["imagePullPolicy"],
  resources: { requests: { "@resources": 0 } },
  podAnnotations: { "@podAnnotations": "" },
  service: { type: "@service" as "NodePort", annotations: { "@annotations": "" } },
};

type Change = readonly [from: string | RegExp, to: string];

const pullSecrets: Change = [
  /^( *)imagePullSecrets:\n +- name: '@imagePullSecrets'\n/m,
  [
    "{{- with .Values.imagePullSecrets }}",
    "$1imagePullSecrets:",
    "{{- range . }}",
    "$1  - name: {{ . | quote }}",
    "{{- end }}",
    "{{- end }}\n",
  ].join("\n"),
];

const placementChanges: readonly Change[] = [
  pullSecrets,
  [
    /nodeSelector:\n( +)kubernetes.io\/os: linux\n +'@nodeSelector': ''\n/,
    'nodeSelector: {{ toJson (mergeOverwrite (dict "kubernetes.io/os" "linux") .Values.nodeSelector) }}\n',
  ],
  [/^( *)tolerations:\n +- key: '@tolerations'\n/m, given("tolerations")],
  [/^( *)affinity:\n +'@affinity': \{\}\n/m, given("affinity")],
  [/^( *)priorityClassName: '@priorityClassName'\n/m, given("priorityClassName")],
];

/** The field with the value of that name, where there is one. */
function given(name: string, field = name): string {
  return `{{- with .Values.${name} }}\n$1${field}: {{ toJson . }}\n{{- end }}\n`;
}

const namesFile = `{{- define "meltemi.suffix" -}}
{{- if ne .Values.revision "default" }}-{{ .Values.revision }}{{ end -}}
{{- end }}
`;

const gatewayNamesFile = `{{- define "gateway.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end }}
`;

interface ChartName {
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

function chartFile({ description, name, version }: ChartName): string {
  return stringify({
    apiVersion: "v2",
    name,
    description,
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
      [
        /^( *)- name: IMAGE_PULL_SECRETS\n( +)value: '@imagePullSecrets'\n/m,
        '{{- with .Values.imagePullSecrets }}\n$1- name: IMAGE_PULL_SECRETS\n$2value: {{ join "," . | quote }}\n{{- end }}\n',
      ],
      [/^( *)- name: '@env'\n/m, "{{- range .Values.env }}\n$1- {{ toJson . }}\n{{- end }}\n"],
      ...placementChanges,
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
    pullSecrets,
  ]);
}

function gatewayFile(): string {
  const control = {
    revision: "{{ .Values.revision }}",
    namespace: "{{ .Values.controlPlaneNamespace }}",
    // Not the installer's: what it hasn't made, it must not remove.
    labels: { "app.kubernetes.io/part-of": "meltemi" },
  };
  return put(documents(gatewayObjects(templatedGateway, control)), [
    [/istio: '\{\{ (include "gateway.name" \.) \}\}'/g, "istio: '{{ $1 | trimPrefix \"istio-\" }}'"],
    ["990001", "{{ .Values.replicas }}"],
    [/^( *)annotations:\n +'@annotations': ''\n/m, given("service.annotations", "annotations")],
    [
      /^( *)type: '@service'\n/m,
      '{{- range $name, $value := omit .Values.service "annotations" }}\n$1{{ $name }}: {{ toJson $value }}\n{{- end }}\n',
    ],
    [
      /^( *)'@podAnnotations': ''\n/m,
      "{{- range $name, $value := .Values.podAnnotations }}\n$1{{ $name }}: {{ $value | quote }}\n{{- end }}\n",
    ],
    [/^( *)env:\n +- name: '@env'\n/m, given("env")],
    [/^( *)resources:\n +requests:\n +'@resources': 0\n/m, given("resources")],
    ...placementChanges,
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
function put(text: string, changes: readonly Change[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`The chart's objects hold no ${from}`);
    return after;
  }, text);
}

/** What a profile says otherwise than the default values. */
function profileFile(name: (typeof profileNames)[number]): string {
  const usual: Readonly<Record<string, unknown>> = valuesOfSettings(profileSettings("default", ""));
  const own = Object.entries(valuesOfSettings(profileSettings(name, ""))).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key]),
  );
  return `# helm install meltemi . -f profiles/${name}.yaml\n${stringify(Object.fromEntries(own))}`;
}
