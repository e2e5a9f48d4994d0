// What commands need of the rooms that the CLI may not import, as functions: main wires them, each loading
// its room only when it is called.

import type { Problem } from "../core/problem.ts";
import type { ClusterOperations } from "./cluster-operations.ts";
import type { ClusterChoices, InstallOperations } from "./install-operations.ts";
import type { MeshLaunch, RunningMesh } from "./local-mesh.ts";

export interface CommandOperations {
  findEnvoy(options: {
    readonly onProgress: (sentence: string) => void;
    readonly signal: AbortSignal;
  }): Promise<FoundEnvoy>;
  injectManifest(text: string, file: string, settings: InjectionChoices): Promise<InjectedText>;
  startLocalMesh(launch: MeshLaunch): Promise<RunningMesh>;
  readonly installation: InstallOperations;
  readonly clusters: ClusterOperations;
  /** The folder of the example that `meltemi demo` starts. */
  readonly exampleDirectory: string;
}

export type FoundEnvoy =
  | { readonly envoy: { readonly path: string; readonly source: string; readonly version: string } }
  | { readonly problem: Problem };

export interface InjectionChoices {
  readonly revision: string;
  readonly meshConfigFile: string | undefined;
  /** What the key `config` of injection's ConfigMap holds. */
  readonly injectConfigFile: string | undefined;
  /** What its key `values` holds. */
  readonly valuesFile: string | undefined;
  /** In the cluster, in `namespace`; none is read unless it is named. */
  readonly meshConfigMapName: string | undefined;
  readonly injectConfigMapName: string | undefined;
  /** The control plane's. */
  readonly namespace: string;
  readonly cluster: ClusterChoices;
  readonly usesNativeSidecars: boolean;
  readonly capture: "init" | "cni";
}

export interface InjectedText {
  readonly text: string;
  readonly skipped: readonly string[];
  readonly problems: readonly Problem[];
}
