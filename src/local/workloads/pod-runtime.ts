// What a pod needs of the machine and the mesh, as it is asked for: namespaces, sidecar, tokens, objects.
// Interfaces alone; the supervisor hands in what stands behind them.

import type { CertificateFiles } from "../../agent/certificate-file.ts";
import type { TapHub } from "../../agent/tap/tap-hub.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { PodSandbox, SpawnOptions } from "../sandbox/pod-sandbox.ts";
import type { ContainerLog } from "./container-log.ts";
import type { DefaultUser } from "./container-user.ts";
import type { ReferencedObjects } from "./environment.ts";
import type { ImageCommands } from "./image-command.ts";
import type { PodFiles } from "./pod-files.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import type { ProbeKind } from "./probe-state.ts";

/** The agent and Envoy beside a pod's applications. */
export interface PodSidecar {
  readonly adminSocketPath: string;
  readonly taps: Pick<TapHub, "open">;
  /** Of Envoy, once it runs. */
  readonly pid: number | undefined;
  /** How often Envoy was started again. */
  readonly restartCount: number;
  /** Resolves when Envoy serves its first complete configuration; rejects when the signal is aborted. */
  ready(signal: AbortSignal): Promise<void>;
  /** Asks an application's own probe from inside the pod. */
  probe(containerName: string, kind: ProbeKind): Promise<ProbeOutcome>;
  /** How a command runs in the proxy's container. */
  commandOptions(argv: readonly [string, ...string[]]): SpawnOptions;
  /** Lets connections end. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface SidecarEvents {
  onLine(stream: "stdout" | "stderr", text: string): void;
  /** Envoy has ended; the agent starts it again unless it was told to end it. */
  onDown(): void;
  /** Why a secret in files can't be read, or undefined once that is over. */
  onUnreadableSecret(secret: string, reason: string | undefined): void;
}

/** What the agent of a pod is given by who runs the pod. */
export interface SidecarSurroundings {
  readonly events: SidecarEvents;
  /** Of the volumes that the proxy's container mounts. */
  readonly files: CertificateFiles;
}

export interface PodRuntime {
  readonly clock: Clock;
  readonly log: Logger;
  readonly images: () => ImageCommands;
  readonly objects: ReferencedObjects;
  /** Who runs an application whose pod doesn't say; and what its process finds. */
  readonly user: DefaultUser & { readonly home: string; readonly path: string };
  /** Where a container without workingDir starts. */
  readonly workingDirectory: string;
  /** The pods' volumes lie under it; those of claims stay. */
  readonly volumesDirectory: string;
  readonly fileSystem: PodFiles;
  /** The machine's files as pods see them, from here. */
  readonly machineRoot: string;
  createSandbox(pod: Pod): Promise<PodSandbox>;
  /** Sets up interception as the arguments of the init container say. */
  capture(sandbox: PodSandbox, initContainer: Container): Promise<void>;
  startSidecar(pod: Pod, sandbox: PodSandbox, surroundings: SidecarSurroundings): Promise<PodSidecar>;
  issueToken(pod: Pod, request: { audience: string | undefined; ttlSeconds: number }): Promise<string>;
  /** Bounds how many pods are set up at once; runs `work` when it is its turn. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when no proxy sends the pod new requests any more, or when it isn't worth waiting longer. */
  awaitEndpointRemoval(pod: Pod): Promise<void>;
  /** The log of a container, which may outlive it. */
  containerLog(pod: Pod, containerName: string): ContainerLog;
  /** `place` is the container, or the pod's own name; undefined withdraws what was told of it. */
  onProblem(pod: Pod, place: string, problem: Problem | undefined): void;
  onStatus(pod: Pod): void;
}
