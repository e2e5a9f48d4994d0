// Wires `meltemi inject`: settings from files, or from a cluster's own ConfigMaps and nodes, and then the same injection
// as the webhook's.

import type { InjectedText, InjectionChoices } from "../cli/command-operations.ts";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { Problem } from "../core/problem.ts";
import { injectManifest } from "../inject/inject-manifest.ts";
import type { InjectionConfigText } from "../inject/injection-config.ts";
import { parseInjectionConfig } from "../inject/injection-config.ts";
import type { InjectionSettings } from "../inject/injection-settings.ts";
import { agentImages, defaultInjectionSettings } from "../inject/injection-settings.ts";
import type { NativeSidecars } from "../inject/native-sidecars.ts";
import { nativeSidecarsOf } from "../inject/native-sidecars.ts";
import type { MeshConfig } from "../kinds/mesh-config/mesh-config.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { loadMeshConfig } from "../sources/files/load-mesh-config.ts";
import { readManifestFile } from "../sources/files/manifest-files.ts";
import { parseMeshConfig } from "../sources/files/mesh-config-text.ts";
import type { CommandEnvironment } from "./cluster-connection.ts";
import { connectToCluster } from "./cluster-connection.ts";

/** `text`: of the manifest; `file` is for the Problems' locations. */
export async function injectText(
  text: string,
  file: string,
  choices: InjectionChoices,
  environment: CommandEnvironment,
): Promise<InjectedText> {
  const { capture, namespace, revision, usesNativeSidecars } = choices;
  const sources = await readSources(choices, environment);
  const config = parseInjectionConfig(sources.config, environment.env);
  const service = revision === "default" ? "meltemi" : `meltemi-${revision}`;
  const settings: InjectionSettings = {
    ...defaultInjectionSettings,
    ...config.settings,
    meshConfig: sources.meshConfig,
    images: agentImages(`meltemi/agent:${environment.version}`),
    controlPlaneAddress: `${service}.${namespace}.svc:15012`,
    revision,
    capture,
    usesNativeSidecars: usesNativeSidecars || sources.native.isDefault,
    supportsNativeSidecars: sources.native.isPossible,
  };
  const injected = injectManifest(text, file, settings);
  return { ...injected, problems: [...sources.problems, ...config.problems, ...injected.problems] };
}

interface InjectionSources {
  readonly meshConfig: MeshConfigSpec;
  readonly config: InjectionConfigText;
  readonly native: NativeSidecars;
  readonly problems: readonly Problem[];
}

/** Files stand before the cluster's ConfigMaps; a cluster is asked only where one of those is named. */
async function readSources(
  choices: InjectionChoices,
  environment: CommandEnvironment,
): Promise<InjectionSources> {
  const { injectConfigFile, injectConfigMapName, meshConfigFile, meshConfigMapName, valuesFile } = choices;
  const hasCluster = meshConfigMapName !== undefined || injectConfigMapName !== undefined;
  const cluster = hasCluster ? await readCluster(choices, environment) : nothing;
  const mesh = meshConfigFile === undefined ? cluster : await readMeshConfigFile(meshConfigFile);
  const config = injectConfigFile === undefined ? cluster.config.config : await readText(injectConfigFile);
  const values = valuesFile === undefined ? cluster.config.values : await readText(valuesFile);
  return {
    meshConfig: mesh.meshConfig,
    problems: mesh.problems,
    native: cluster.native,
    config: { ...(config !== undefined && { config }), ...(values !== undefined && { values }) },
  };
}

const nothing: InjectionSources = {
  meshConfig: {},
  config: {},
  native: { isDefault: false, isPossible: true },
  problems: [],
};

async function readMeshConfigFile(file: string): Promise<Pick<InjectionSources, "meshConfig" | "problems">> {
  const { meshConfig, problems } = await loadMeshConfig(file);
  return { meshConfig: (meshConfig?.object as MeshConfig | undefined)?.spec ?? {}, problems };
}

async function readText(file: string): Promise<string> {
  const text = await readManifestFile(file);
  if (typeof text === "string") return text;
  throw new CommandFailure(exitCodes.usage, text.message, text.hint);
}

async function readCluster(
  choices: InjectionChoices,
  environment: CommandEnvironment,
): Promise<InjectionSources> {
  const { injectConfigMapName, meshConfigMapName, namespace } = choices;
  const { client, failureOf } = await connectToCluster(choices.cluster, environment);
  try {
    const mesh = await readConfigMap(client, namespace, meshConfigMapName);
    const config = await readConfigMap(client, namespace, injectConfigMapName);
    const { entries, problems } = parseMeshConfig(`ConfigMap ${meshConfigMapName}`, mesh.mesh ?? "");
    const meshConfig = (entries[0]?.object as MeshConfig | undefined)?.spec ?? {};
    return { meshConfig, problems, config, native: nativeSidecarsOf(await kubeletVersions(client), "auto") };
  } catch (error) {
    throw failureOf(error);
  } finally {
    client.close();
  }
}

async function readConfigMap(
  client: ApiClient,
  namespace: string,
  name: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (name === undefined) return {};
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}`;
  const { data = {} } = (await client.request({ path })) as { data?: Readonly<Record<string, string>> };
  return data;
}

async function kubeletVersions(client: ApiClient): Promise<string[]> {
  const { items } = (await client.request({ path: "/api/v1/nodes" })) as {
    items: readonly { readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } } }[];
  };
  return items.map(({ status }) => status?.nodeInfo?.kubeletVersion ?? "");
}
