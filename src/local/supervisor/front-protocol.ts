// What front and supervisor say to each other over their IPC channel, besides the listeners that pass-listener
// hands over. Types and the names of listeners; sends nothing.

import type { ObjectKey } from "../../core/object-key.ts";
import type { MovedObject, Positions } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { AppUser } from "../front/app-user.ts";
import type { EgressAddresses } from "../front/egress.ts";
import type { MeshPrivilege } from "../front/machine-ability.ts";
import type { ImagesFile } from "../workloads/image-command.ts";

/** All that a supervisor must be told to begin; plain data. */
export interface SupervisorSettings {
  readonly meshName: string;
  readonly version: string;
  readonly stateDirectory: string;
  /** Directories that pods see empty: this mesh's state and others'. */
  readonly hiddenDirectories: readonly string[];
  /** Directories that pods can't write: Envoy, which other meshes run too. */
  readonly readOnlyDirectories: readonly string[];
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Absent where pods have no way out. */
  readonly egress?: EgressAddresses;
  /** Of the front, and of the process that holds the mesh's namespaces, both as the machine counts. */
  readonly frontPid: number;
  readonly namespacesPid: number;
  readonly privilege: MeshPrivilege;
  readonly envoyPath: string;
  /** Starts the control plane; it gets an IPC channel. */
  readonly controlPlaneArgv: readonly [string, ...string[]];
  /** The agent's program, and the directory of all that it loads. */
  readonly agentProgram: { readonly argv: readonly [string, ...string[]]; readonly directory: string };
  /** Who runs applications whose pods don't say, as seen inside the mesh. */
  readonly user: AppUser & { readonly path: string };
  /** Where applications without workingDir start. */
  readonly workingDirectory: string;
  /** `--image NAME=COMMAND`. */
  readonly imageCommands: Readonly<Record<string, string>>;
}

export interface DeclaredObject {
  readonly object: KubernetesObject;
  readonly positions?: Positions;
}

export interface Declarations {
  readonly upserts: readonly DeclaredObject[];
  /** Of those that were declared before and say the same. */
  readonly moves: readonly MovedObject[];
  readonly deletes: readonly ObjectKey[];
}

export type FrontMessage =
  | { readonly kind: "start"; readonly settings: SupervisorSettings }
  /** A batch of what the manifests say now; in force as one. */
  | ({ readonly kind: "objects" } & Declarations)
  /** Every images.yaml beside the manifests. */
  | { readonly kind: "images"; readonly files: readonly ImagesFile[] }
  /** The answer to a gateway wish: the port that the front listens on, its listener being on the way. */
  | { readonly kind: "gatewayPort"; readonly listener: string; readonly hostPort: number }
  | { readonly kind: "shutdown"; readonly graceSeconds: number };

export type SupervisorMessage =
  /** The sockets answer, and objects are taken. */
  | { readonly kind: "started" }
  /** The control plane takes connections, for the first time. */
  | { readonly kind: "serving" }
  /** Something that each mesh needs can't be had, and won't be: why, as a sentence. Ends a mesh that hasn't been ready yet. */
  | { readonly kind: "failed"; readonly sentence: string }
  /** All problems there are. */
  | { readonly kind: "problems"; readonly problems: readonly Problem[] }
  | {
      readonly kind: "output";
      readonly namespace: string;
      readonly workload: string;
      readonly pod: string;
      readonly container: string;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
    }
  /** All ports that gateways want on the machine; the front listens and passes the sockets. */
  | { readonly kind: "gatewayPorts"; readonly wishes: readonly GatewayPortWish[] }
  | {
      readonly kind: "progress";
      readonly readyPodCount: number;
      readonly podCount: number;
      readonly isReady: boolean;
    }
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "stopped" };

export interface GatewayPortWish {
  /** Name of the listener to pass. */
  readonly listener: string;
  readonly namespace: string;
  readonly service: string;
  /** Of the Service. */
  readonly port: number;
  readonly protocol: "http" | "https" | "tcp";
  /** The port to try first; another free one if it is taken, unless `isExact`. */
  readonly hostPort: number;
  /** The user asked for this very port. */
  readonly isExact: boolean;
}

const GATEWAY_PREFIX = "gateway/";

export function gatewayListener(at: { namespace: string; service: string; port: number }): string {
  return `${GATEWAY_PREFIX}${at.namespace}/${at.service}/${at.port}`;
}

/** The listener for scrapes of pods. */
export const SCRAPE_LISTENER = "scrapes";

/** Undefined for a listener that is none of a gateway's, such as `xds`. */
export function parseGatewayListener(
  name: string,
): { readonly namespace: string; readonly service: string; readonly port: number } | undefined {
  if (!name.startsWith(GATEWAY_PREFIX)) return undefined;
  const [namespace = "", service = "", port = ""] = name.slice(GATEWAY_PREFIX.length).split("/");
  return { namespace, service, port: Number(port) };
}
