// What commands ask of a mesh, wherever it runs: on this machine, over its sockets, or in a cluster, over the API
// server. Types only. What a user or his surroundings did wrong is thrown as the sentence that he is shown.

import type { LogLevel } from "../../core/log-levels.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { TapEvent, TapLoss, TapQuery } from "../../core/tap-event.ts";
import type { Kind, KubernetesObject } from "../../kinds/define-kind.ts";
import type {
  IssuerKeysReport,
  LogScopeReport,
  ProgrammedReport,
  ProxyStatus,
  PushReport,
  TrafficWindowReport,
  UninjectedPods,
} from "./control-plane.ts";
import type { LogLine, PodReport, ProcessReport } from "./supervisor.ts";

export interface Mesh {
  /** For who wonders why an object isn't in force: a hint, as errors have them. */
  readonly problemsHint: string;
  /** Of a kind, in the order of their names; of all namespaces where none is named. */
  objects(kind: Kind, namespace?: string): Promise<readonly KubernetesObject[]>;
  pods(namespace?: string): Promise<readonly PodReport[]>;
  /** The mesh's own, where they run on this machine. */
  processes(): Promise<readonly ProcessReport[]>;
  logs(pod: PodName, query: LogQuery): AsyncIterable<LogLine>;
  /** Runs it with this process's standard streams and terminal; resolves to its exit code. */
  exec(pod: PodName, request: CommandRequest): Promise<number>;
  /** What the pod's Envoy answers at a path of its admin interface, parsed. */
  envoy(pod: PodName, path: string): Promise<unknown>;
  /** What the pod's proxy does from now on, until the signal. */
  tap(pod: PodName, query: TapQuery, signal: AbortSignal): AsyncIterable<TapEvent | TapLoss>;
  /** Where a field of an object is written, as `file:line:column`; undefined where nobody knows, as in a cluster. */
  locate(object: ObjectKey, path: string): Promise<string | undefined>;
  /** Of all replicas of the control plane. */
  proxies(): Promise<readonly ProxyStatus[]>;
  /** Pods without the sidecar that they ask for, as all control planes see it. */
  uninjected(): Promise<readonly UninjectedPods[]>;
  /** Keys of token issuers that are at a URL. */
  issuerKeys(): Promise<readonly IssuerKeysReport[]>;
  /** What was pushed to proxies, of all replicas, the newest first; `limit` of each replica. */
  pushes(limit: number): Promise<readonly PushReport[]>;
  /** What proxies did in the last so many milliseconds, as each replica was told. */
  traffic(windowMs: number): Promise<readonly TrafficWindowReport[]>;
  /** How much the log of the control plane says, of each replica. */
  logScopes(): Promise<readonly LogScopeReport[]>;
  /** Of a scope that `logScopes` has, in all replicas, until they end. */
  setLogLevel(scope: string, level: LogLevel): Promise<void>;
  /** How far this object, as it is written, has reached the proxies that it concerns. */
  programmed(stored: KubernetesObject): Promise<ProgrammedObject>;
  /** Empty where none is there. */
  controlPlanes(): Promise<readonly ControlPlaneVersion[]>;
  close(): void;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export interface LogQuery {
  /** All applications of the pod where it is absent. */
  readonly container?: string;
  readonly tailCount?: number;
  readonly sinceMs?: number;
  /** Until the signal. */
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

export interface CommandRequest {
  /** The app's first container where it is absent. */
  readonly container?: string;
  readonly command: readonly string[];
  /** It has a terminal of its own, behind this process's. */
  readonly isTty: boolean;
  readonly signal: AbortSignal;
}

export interface ProgrammedObject extends Omit<ProgrammedReport, "object" | "inForce"> {
  /** Every control plane works by the object as it is written. */
  readonly isInForce: boolean;
}

export interface ControlPlaneVersion {
  readonly version: string;
  /** The replica's pod, in a cluster. */
  readonly pod?: string;
  readonly revision?: string;
}
