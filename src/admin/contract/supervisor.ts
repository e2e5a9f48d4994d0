// What the supervisor of a local mesh says over its socket, as JSON: pods, their logs, and how to enter them.
// Types only; the server and its clients share them.

export interface WorkloadName {
  /** `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, or `Pod` for a pod made by hand. */
  readonly kind: string;
  readonly name: string;
}

export interface ContainerReport {
  readonly name: string;
  readonly role: "init" | "app" | "proxy";
  readonly isReady: boolean;
  readonly restartCount: number;
  /** `Running`, `CrashLoopBackOff`, `Completed`, … */
  readonly state: string;
  readonly pid?: number;
  /** Resident memory of its processes. */
  readonly memoryBytes?: number;
}

/** `GET /pods` answers with a list of these. */
export interface PodReport {
  readonly namespace: string;
  readonly name: string;
  readonly workload: WorkloadName;
  readonly phase: string;
  readonly ip?: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs?: number;
  readonly containers: readonly ContainerReport[];
}

export interface ProcessReport {
  /** `control plane`, `supervisor`. */
  readonly name: string;
  readonly pid: number;
  readonly memoryBytes: number;
}

/** A port of a gateway, and where the machine reaches it. */
export interface GatewayAddress {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly url: string;
}

/** `GET /mesh` */
export interface MeshReport {
  readonly name: string;
  readonly version: string;
  /** Of the front: ending it ends the mesh. */
  readonly frontPid: number;
  readonly processes: readonly ProcessReport[];
  readonly gateways: readonly GatewayAddress[];
}

/** `GET /logs?namespace=&pod=&container=&tail=&since=&follow=` (`since` in milliseconds) answers with one of these a line. */
export interface LogLine {
  readonly container: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** `POST /exec` */
export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  /** The app's first container where it is absent. */
  readonly container?: string;
  readonly command: readonly string[];
  /** The kind of the caller's terminal, as TERM names it, where the command is to have one too. */
  readonly terminal?: string;
}

/** What the caller is to run on the machine, with its own streams, to be inside. */
export interface ExecAnswer {
  readonly argv: readonly [string, ...string[]];
  /** All of it. Values may be secret, and arguments are for every user of the machine to read. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command has a terminal of its own behind the caller's; false where the machine lacks what makes one. */
  readonly hasTerminal: boolean;
}

/** `GET /location?object=VirtualService/shop/reviews&path=spec.http[0]`: where that is written; empty where no file holds it. */
export interface LocationReport {
  /** `file:line:column` */
  readonly location?: string;
}

/** Any answer that isn't a success carries this. */
export interface ErrorAnswer {
  readonly error: string;
  readonly hint?: string;
}

// `GET /objects?kind=Service&namespace=shop` answers with a list of Kubernetes objects (of all namespaces without one);
// `GET /envoy?namespace=&pod=&path=/config_dump` with what the Envoy of that pod says at that path of its admin.
