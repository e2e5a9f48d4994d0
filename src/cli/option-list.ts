// Options and arguments that several commands have.

import type { OptionDeclaration } from "./command.ts";

export const clusterOptions: readonly OptionDeclaration[] = [
  { flags: "--kubeconfig <file>", summary: "instead of KUBECONFIG and ~/.kube/config" },
  { flags: "--context <context>", summary: "of the kubeconfig, instead of its current one" },
];
/** Which mesh; without any of them, one that runs on this machine, else that of the current context. */
export const meshOptions: readonly OptionDeclaration[] = [
  { flags: "--mesh <name>", summary: 'ask a mesh of this machine (MELTEMI_MESH, or "default", if it runs)' },
  { flags: "--name <name>", summary: "", instead: "--mesh" },
  { flags: "--kubernetes", summary: "ask the cluster of the kubeconfig's current context" },
  ...clusterOptions,
];
export const namespaceOption: OptionDeclaration = {
  flags: "-n, --namespace <namespace>",
  summary: "look in this namespace only",
};
export const outputOption: OptionDeclaration = {
  flags: "-o, --output <format>",
  summary: "json or yaml instead of a table",
};
export const containerOption: OptionDeclaration = {
  flags: "-c, --container <container>",
  summary: "the container, when it isn't the app's first",
};

export const workload = {
  name: "<workload>",
  summary: "reviews-v1, deploy/reviews-v1, pod/NAME or NAME.NAMESPACE",
};

/** Of a mesh that a command starts or ends. */
export const meshNameOptions = (summary: string): readonly OptionDeclaration[] => [
  { flags: "--mesh <name>", summary: `${summary} (MELTEMI_MESH, or "default")` },
  { flags: "--name <name>", summary: "", isHidden: true },
];

export const launchOptions: readonly OptionDeclaration[] = [
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

export const timeoutOption: OptionDeclaration = {
  flags: "--timeout <time>",
  summary: "how long to wait for the cluster, such as 90s or 5m",
};
export const revisionOption: OptionDeclaration = {
  flags: "--revision <revision>",
  summary: 'of the control plane ("default")',
};
export const settingsOptions: readonly OptionDeclaration[] = [
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
