// What commands need of the rooms that the CLI may not import, as functions: main wires them, each loading
// its room only when it is called.

import type { Problem } from "../core/problem.ts";
import type { ClusterRoom } from "./cluster-room.ts";
import type { InstallRoom } from "./install-room.ts";
import type { MeshLaunch, RunningMesh } from "./local-mesh.ts";

export interface CommandRooms {
  findEnvoy(options: {
    readonly onProgress: (sentence: string) => void;
    readonly signal: AbortSignal;
  }): Promise<FoundEnvoy>;
  injectManifest(text: string, file: string, settings: InjectionChoices): Promise<InjectedText>;
  startLocalMesh(launch: MeshLaunch): Promise<RunningMesh>;
  readonly installation: InstallRoom;
  readonly clusters: ClusterRoom;
  /** The folder of the example that `meltemi demo` starts. */
  readonly exampleDirectory: string;
}

export type FoundEnvoy =
  | { readonly envoy: { readonly path: string; readonly source: string; readonly version: string } }
  | { readonly problem: Problem };

export interface InjectionChoices {
  readonly revision: string | undefined;
  readonly meshConfigFile: string | undefined;
  readonly usesNativeSidecars: boolean;
}

export interface InjectedText {
  readonly text: string;
  readonly skipped: readonly string[];
  readonly problems: readonly Problem[];
}
