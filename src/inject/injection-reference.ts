// The reference page of injection, made of the tables that injection itself reads.

import { annotationsWithoutEffect, otherAnnotations, podLabels } from "./annotation-reference.ts";
import { captureAnnotations } from "./capture-annotations.ts";
import { injectionValues } from "./injection-values.ts";
import { podAnnotations } from "./pod-annotations.ts";
import { templateFunctions } from "./template/template.ts";

/** Markdown. */
export function injectionReference(): string {
  const annotations = [...Object.values(podAnnotations), ...captureAnnotations, ...otherAnnotations];
  return `# Injection: annotations, labels, values and templates

This page is written from the program's own tables.

## Annotations of pods

What can't be read refuses the pod, with the reason; what has no effect is a warning.

${table(["annotation", "effect"], sorted(annotations.map(({ name, effect }) => [code(name), effect])))}

Known, and without effect:

${table(["annotation", "why"], sorted(annotationsWithoutEffect.map(({ name, reason }) => [code(name), reason])))}

## Labels of pods

${table(
  ["label", "effect"],
  podLabels.map(({ name, effect }) => [code(name), effect]),
)}

## Native sidecars

Where every node's kubelet is 1.33 or newer, sidecars are restartable init containers: they start before the app's own
init containers and end after the app, so Jobs complete. From 1.29 on a pod has one by
\`sidecar.istio.io/nativeSidecar: "true"\`; with an older kubelet in the cluster the annotation has no effect, and a warning
says so. \`ENABLE_NATIVE_SIDECARS\` ("true" or "false") in the control plane's environment decides for all pods that say
nothing.

## Configuration of injection

The ConfigMap \`meltemi-sidecar-injector\` (or \`istio-sidecar-injector\`, or either with \`-REVISION\`) in the control plane's
namespace, in the form of Istio's. The first that is there counts alone; a change is in force for the pods made after it.

| key | holds |
|---|---|
| \`config\` | YAML: \`policy\`, \`templates\`, \`defaultTemplates\`, \`aliases\`, \`neverInjectSelector\`, \`alwaysInjectSelector\`, \`injectedAnnotations\` |
| \`values\` | YAML or JSON: what templates read as \`.Values\`, and these settings |

${table(
  ["value", "effect"],
  injectionValues.map(({ path, effect }) => [code(path), effect]),
)}

## Templates

\`inject.istio.io/templates: sidecar,mine\` lays the template \`mine\` over the pod beside the sidecar. \`sidecar\` and \`gateway\`
are code and can't be replaced. A template makes YAML with \`metadata\` (labels and annotations) and \`spec\`, which is merged
by Kubernetes' strategic merge (containers, volumes and variables by name, \`null\` and \`$patch\` remove). It may change the
container \`istio-proxy\`; to the app's containers it adds what they don't say themselves.

\`\`\`yaml
data:
  config: |
    templates:
      mine: |
        metadata:
          labels: { region: "{{ .Values.region }}" }
        spec:
          containers:
            - name: istio-proxy
              env: [{ name: GREETING, value: "hello {{ .DeploymentMeta.Name }}" }]
  values: |
    region: west
\`\`\`

The language is a subset of Go's: pipelines, variables, \`if\`, \`else if\`, \`with\`, \`range\` with \`break\` and \`continue\`,
\`define\`, \`template\`, \`block\`, comments and trimming. Not in it: methods (but \`Get…\` of ProxyConfig and MeshConfig), complex
numbers, characters. A template ends with an error after 100,000 steps or 1 MiB of output. It reads \`.ObjectMeta\` and
\`.Spec\` of the pod as it was, \`.DeploymentMeta\` and \`.TypeMeta\` of its workload, \`.ProxyConfig\`, \`.MeshConfig\`, \`.Values\`,
\`.Revision\`, \`.ProxyImage\`, \`.ProxyUID\`, \`.ProxyGID\`, \`.NativeSidecars\`, \`.InboundTrafficPolicyMode\`.

Functions: ${functionNames().map(code).join(" ")}.
\`indent\` leaves the first line where it is, as Istio's does.
`;
}

function functionNames(): string[] {
  return ["and", "or", ...Object.keys(templateFunctions)].sort();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function sorted(rows: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1));
}

function code(text: string): string {
  return `\`${text}\``;
}
