// A mesh on this machine as `meltemi up` sees it: what it is started with, and what it then tells.

import type { Problem } from "../core/problem.ts";

export interface MeshLaunch {
  readonly name: string;
  readonly stateDirectory: string;
  /** Directories and files of manifests, watched. */
  readonly manifests: readonly string[];
  readonly meshConfigFile: string | undefined;
  readonly xdsPort: PortChoice;
  readonly adminPort: PortChoice;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Commands for images, by image name. */
  readonly imageCommands: Readonly<Record<string, string>>;
  readonly onEvent: (event: MeshEvent) => void;
  readonly signal: AbortSignal;
}

/** A port on the machine's loopback; 0 is any that is free. */
export interface PortChoice {
  readonly port: number;
  /** The user named it: where it is taken, the mesh doesn't start, rather than take another. */
  readonly isExact: boolean;
}

export type MeshEvent =
  /** A step of starting, as a sentence without a full stop. */
  | { readonly kind: "progress"; readonly text: string }
  /** Worth knowing, and nothing is wrong: no way out for pods, a port that was taken. */
  | { readonly kind: "notice"; readonly text: string }
  | {
      readonly kind: "output";
      readonly workload: string;
      readonly pod: string;
      readonly container: string;
      readonly text: string;
    }
  | { readonly kind: "problemAppeared"; readonly problem: Problem }
  | { readonly kind: "problemGone"; readonly problem: Problem }
  | { readonly kind: "gateway"; readonly name: string; readonly port: number; readonly url: string }
  /** Every pod is ready for the first time. */
  | { readonly kind: "ready"; readonly podCount: number };

export type MeshEnd =
  | { readonly kind: "stopped" }
  /** It could never have become ready. */
  | { readonly kind: "failed"; readonly sentence: string }
  /** The supervisor died; its pods died with it. */
  | { readonly kind: "died"; readonly reason: string };

export interface RunningMesh {
  readonly ended: Promise<MeshEnd>;
  /** Endpoints leave, processes get their grace, everything is cleaned up. */
  close(): Promise<void>;
  /** At once, without grace. */
  kill(): void;
}
