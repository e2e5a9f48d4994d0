// What the control plane says of itself over its socket, as JSON: who is connected and how far each proxy
// is in step. Types only; the server and its clients share them.

import type { LogLevel } from "../../core/log-levels.ts";
import type { Problem } from "../../core/problem.ts";
import type { TrafficProtocol, TrafficReporter, TrafficSecurity } from "../../core/traffic-report.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { RefusalReason } from "./refusal-reasons.ts";

/** `SYNCED`: all sent was accepted; `STALE`: sent and not answered yet, or refused; `NOT SENT`: nothing to send. */
export type SyncState = "SYNCED" | "STALE" | "NOT SENT" | "IGNORED";

/** Resource types by Istio's short names. */
export type SyncedType = "cds" | "lds" | "eds" | "rds" | "ecds";

export interface Rejection {
  /** Type URL or short name of the resources that the proxy refused. */
  readonly type: string;
  /** The proxy's own words. */
  readonly message: string;
  /** The object that the refused resource was made of, with its place, where it is known. */
  readonly object?: string;
  readonly location?: string;
}

/** `GET /proxies` answers with a list of these. */
export interface ProxyStatus {
  readonly name: string;
  readonly namespace: string;
  readonly nodeId: string;
  /** `sidecar` or `router`. */
  readonly type: string;
  readonly version: string;
  /** Proven to be a pod of the mesh; a client on plaintext, a machine, or the Envoy of a pod that has gone isn't. */
  readonly isPod: boolean;
  /** Proxies with the same view get the same resources. */
  readonly view: string;
  readonly acked: Readonly<Partial<Record<SyncedType, SyncState>>>;
  readonly nacks: readonly Rejection[];
  /** The replica that it is connected to, where there are several; whoever asks them all adds it. */
  readonly controlPlane?: string;
}

/** `GET /problems` answers with a list of Problems. */
export type ProblemList = readonly Problem[];

/**
 * `GET /programmed?object=VirtualService/shop/reviews`: how far an object has reached the proxies that it concerns, of
 * those that this replica serves; with `&replicas=all` of those of every replica.
 */
export interface ProgrammedReport {
  /** `Kind/namespace/name` */
  readonly object: string;
  /** The object as it is in force; absent while there is none. */
  readonly inForce?: KubernetesObject;
  readonly proxyCount: number;
  readonly acknowledgedCount: number;
  /** Proxies that haven't answered yet, as `NAME.NAMESPACE`. */
  readonly awaited: readonly string[];
  /** Proxies that refuse what was made of it, and keep what was before. */
  readonly refusedBy: readonly string[];
  readonly reasons: readonly RefusalReason[];
}

/**
 * `GET /uninjected` answers with a list of these: pods without the sidecar that their labels ask for, since nobody injects
 * the revision that they name, or since they were made before anybody did, and wait for an image that never comes.
 */
export interface UninjectedPods {
  readonly namespace: string;
  readonly reason: "unknown revision" | "made too early";
  readonly revision: string;
  /** None where the namespace asks and has no such pod yet. */
  readonly pods: readonly string[];
}

/** `GET /version`, of the control plane to whom accepts JSON, and of the supervisor. */
export interface VersionReport {
  readonly version: string;
}

/**
 * `GET /pushes?limit=20` answers with a list of these, the newest first: what was sent to proxies because something
 * changed, of this replica.
 */
export interface PushReport {
  /** Counts from 1 at the start of the replica. */
  readonly id: number;
  /** When the first of its changes was seen, in ISO 8601. */
  readonly at: string;
  /** `config`, `endpoint`, `proxy`, `issuer-keys`, `secret-readers` or `refusal`. */
  readonly trigger: string;
  /** The first ten objects that changed; a proxy, where it came, left or refused something. */
  readonly causes: readonly PushCauseReport[];
  /** As many as are listed, or more. */
  readonly causeCount: number;
  /** Proxies that were sent something: in step, gone since, or neither yet. */
  readonly proxyCount: number;
  readonly inStepCount: number;
  readonly leftCount: number;
  readonly responseCount: number;
  /** Responses that a proxy refused. */
  readonly refusedCount: number;
  readonly bytes: number;
  /** Of the control plane. */
  readonly cpuMs: number;
  /** From the first change until the last proxy that is in step came into step; absent before the first. */
  readonly inStepAfterMs?: number;
  /** The replica, where there are several; whoever asks them all adds it. */
  readonly controlPlane?: string;
}

export interface PushCauseReport {
  /** `VirtualService shop/reviews`, or `proxy web-1.shop`. */
  readonly what: string;
  /** `resourceVersion` of the object; absent where it was deleted. */
  readonly revision?: string;
  /** `file:line` of an object that a file holds. */
  readonly location?: string;
}

/**
 * `GET /traffic?window=60000` answers with what the proxies that reported to this replica did in the last so many
 * milliseconds, an hour at most.
 */
export interface TrafficWindowReport {
  /** In ISO 8601; later than was asked for where less is kept. */
  readonly since: string;
  readonly until: string;
  readonly series: readonly TrafficSeriesReport[];
}

/** What one end says of its requests and connections with another. */
export interface TrafficSeriesReport {
  /** `source`: who called says it; `destination`: who was called. Of the other end it says what it was shown. */
  readonly reporter: TrafficReporter;
  readonly source: TrafficEnd;
  readonly destination: TrafficEnd;
  /** Host of the service that was called; empty where nobody knows. */
  readonly service: string;
  readonly route: string;
  readonly protocol: TrafficProtocol;
  readonly security: TrafficSecurity;
  readonly failures: number;
  readonly connectionsOpened: number;
  readonly connectionsClosed: number;
  /** From who called, and to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Requests by how long they took, in the buckets of latencyBoundsMs and one for what is longer. */
  readonly latency: readonly number[];
}

/** Empty where it isn't known: who is outside of the mesh. */
export interface TrafficEnd {
  readonly workload: string;
  readonly namespace: string;
  /** Its SPIFFE id. */
  readonly principal: string;
}

/**
 * `GET /scopej` answers with a list of these, in the form of Istio's ControlZ. `PUT /scopej/ads` with an `output_level`
 * changes how much is logged of one, until the replica ends.
 */
export interface LogScopeReport {
  readonly name: string;
  readonly description: string;
  /** `none`, `error`, `warn`, `info` or `debug` */
  readonly output_level: LogLevel;
  /** Errors have their stack at any level. */
  readonly stack_trace_level: "none";
  readonly log_callers: false;
  /** The replica, where there are several; whoever asks them all adds it. */
  readonly controlPlane?: string;
}

/** `GET /issuer-keys` answers with a list of these: public keys alone. */
export interface IssuerKeysReport {
  /** `jwks URL`, or `discovery ISSUER`. */
  readonly location: string;
  /** A JSON Web Key Set, as JSON; absent where there are none. */
  readonly jwks?: string;
  /** In ISO 8601. */
  readonly fetchedAt?: string;
  /** Why the last try failed. */
  readonly failure?: string;
}
