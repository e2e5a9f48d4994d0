// What replicas of the control plane ask each other, over mutual TLS on the port of xDS: how far an object has reached
// the proxies that the other serves, and whether anything has happened there. Nobody but a control plane may ask.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { NamedReport, ReplicaReport } from "../admin/combined-report.ts";
import type { Clock } from "../core/clock.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { parseSpiffeId } from "../core/spiffe-id.ts";
import { GrpcClient } from "../grpc/client.ts";
import { type CallContext, type GrpcMethod, unaryMethod } from "../grpc/method.ts";
import { GrpcError } from "../grpc/status.ts";
import { namesOfPeerCertificate } from "../identity/certificate.ts";
import type { ControlPlaneIdentity } from "../serving/control-plane-identity.ts";
import type { ReplicaAddress } from "./replica-directory.ts";

/** Asked with the object's key, answered with a ReplicaReport as JSON: both as google.protobuf.StringValue. */
const PROGRAMMED = "/meltemi.replica.v1.ReplicaService/Programmed";
/** Asked with nothing, answered with a text that stays the same as long as all reports do. */
const NEWS = "/meltemi.replica.v1.ReplicaService/News";
const ANSWER_LIMIT_MS = 2_000;

export interface ReplicaMethodOptions {
  /** Of the control planes; whoever may run pods there is trusted with all of the mesh. */
  readonly namespace: string;
  readonly trustDomain: string;
}

export interface ReplicaAnswers {
  report(object: ObjectKey): ReplicaReport;
  news(): string;
}

export function replicaMethods(
  answers: ReplicaAnswers,
  options: ReplicaMethodOptions,
): readonly GrpcMethod[] {
  const method = (path: string, answer: (question: string) => string) =>
    unaryMethod({ path, decode: decodeText, encode: encodeText }, async (question, call) => {
      requireReplica(call, options);
      return answer(question);
    });
  return [
    method(PROGRAMMED, (object) => JSON.stringify(answers.report(object as ObjectKey))),
    method(NEWS, answers.news),
  ];
}

function requireReplica({ peer }: CallContext, { namespace, trustDomain }: ReplicaMethodOptions): void {
  const uris = peer.certificate === undefined ? [] : namesOfPeerCertificate(peer.certificate.raw).uris;
  const isReplica = uris.some((uri) => {
    const identity = parseSpiffeId(uri);
    return identity?.namespace === namespace && identity.trustDomain === trustDomain;
  });
  if (!isReplica) throw new GrpcError("PERMISSION_DENIED", "Only a control plane may ask this");
}

export interface ReplicaClientsOptions {
  readonly clock: Clock;
  readonly identity: ControlPlaneIdentity;
  /** That every replica's certificate has. */
  readonly serverName: string;
}

/** Keeps a connection to each replica that was asked. */
export class ReplicaClients {
  readonly #options: ReplicaClientsOptions;
  readonly #clientsByAddress = new Map<string, GrpcClient>();

  constructor(options: ReplicaClientsOptions) {
    this.#options = options;
  }

  /** Rejects where one that is ready doesn't answer: what is known would be too good. Others are passed over then. */
  async programmed(object: ObjectKey, replicas: readonly ReplicaAddress[]): Promise<readonly NamedReport[]> {
    const answers = await this.#ask(PROGRAMMED, object, replicas);
    return answers.map(([replica, text]) => ({ replica, report: JSON.parse(text) as ReplicaReport }));
  }

  /** By the replicas' names; rejects as `programmed` does. */
  news(replicas: readonly ReplicaAddress[]): Promise<readonly (readonly [string, string])[]> {
    return this.#ask(NEWS, "", replicas);
  }

  async #ask(
    path: string,
    question: string,
    replicas: readonly ReplicaAddress[],
  ): Promise<readonly (readonly [string, string])[]> {
    const answers = replicas.map(async (replica): Promise<readonly (readonly [string, string])[]> => {
      try {
        const client = this.#clientOf(replica);
        const bytes = await client.unary(path, encodeText(question), { timeoutMs: ANSWER_LIMIT_MS });
        return [[replica.name, decodeText(bytes)]];
      } catch (error) {
        if (!replica.isReady) return [];
        throw new Error(`Replica ${replica.name} doesn't answer`, { cause: error });
      }
    });
    return (await Promise.all(answers)).flat();
  }

  /** Closes connections to replicas that are no more. */
  keepOnly(replicas: readonly ReplicaAddress[]): void {
    const wanted = new Set(replicas.map(addressOf));
    for (const [address, client] of this.#clientsByAddress) {
      if (wanted.has(address)) continue;
      this.#clientsByAddress.delete(address);
      client.close();
    }
  }

  #clientOf(replica: ReplicaAddress): GrpcClient {
    const address = addressOf(replica);
    const existing = this.#clientsByAddress.get(address);
    if (existing !== undefined) return existing;
    const { clock, identity, serverName } = this.#options;
    const { host, port } = replica;
    const target = () => {
      const { chainPem, keyPem, rootsPem } = identity.current();
      const tls = { certificate: chainPem, key: keyPem.reveal(), serverRoots: rootsPem, serverName };
      return { kind: "tcp", host, port, tls } as const;
    };
    const client = new GrpcClient(target, { clock, connectTimeoutMs: ANSWER_LIMIT_MS });
    this.#clientsByAddress.set(address, client);
    return client;
  }
}

function addressOf({ host, port }: ReplicaAddress): string {
  return `${host} ${port}`;
}

function encodeText(value: string): Uint8Array {
  return toBinary(StringValueSchema, create(StringValueSchema, { value }));
}

function decodeText(bytes: Uint8Array): string {
  return fromBinary(StringValueSchema, bytes).value;
}
