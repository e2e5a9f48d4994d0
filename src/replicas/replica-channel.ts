// What replicas of the control plane ask each other, over mutual TLS on the port of xDS: how far an object has reached
// the proxies that the other serves, whether anything has happened there, and what a proxy of its own was given. Nobody but
// a control plane may ask.

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
/** Asked with a proxy's id, answered with what it was given as JSON: a list, empty where the proxy isn't connected there. */
const CONFIG_DUMP = "/meltemi.replica.v1.ReplicaService/ConfigDump";
const ANSWER_LIMIT_MS = 2_000;

export interface ReplicaMethodOptions {
  /** Of the control planes; whoever may run pods there is trusted with all of the mesh. */
  readonly namespace: string;
  readonly trustDomain: string;
}

export interface ReplicaAnswers {
  report(object: ObjectKey): ReplicaReport;
  news(): string;
  configDump(proxyId: string): Promise<readonly DumpSection[] | undefined>;
}

/** One of Envoy's dump messages. */
export interface DumpSection {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export function replicaMethods(
  answers: ReplicaAnswers,
  options: ReplicaMethodOptions,
): readonly GrpcMethod[] {
  const method = (path: string, answer: (question: string) => string | Promise<string>) =>
    unaryMethod({ path, decode: decodeText, encode: encodeText }, async (question, call) => {
      requireReplica(call, options);
      return answer(question);
    });
  return [
    method(PROGRAMMED, (object) => JSON.stringify(answers.report(object as ObjectKey))),
    method(NEWS, answers.news),
    method(CONFIG_DUMP, async (proxyId) => dumpText((await answers.configDump(proxyId)) ?? [])),
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

  /** Of the replica that has the proxy; undefined where none of them has it, and where that one doesn't answer. */
  async configDump(
    proxyId: string,
    replicas: readonly ReplicaAddress[],
  ): Promise<readonly DumpSection[] | undefined> {
    const answers = await Promise.allSettled(
      replicas.map((replica) => this.#askOne(CONFIG_DUMP, proxyId, replica)),
    );
    return answers
      .flatMap((answer) => (answer.status === "fulfilled" ? [parseDump(answer.value)] : []))
      .find((sections) => sections.length > 0);
  }

  async #askOne(path: string, question: string, replica: ReplicaAddress): Promise<string> {
    const client = this.#clientOf(replica);
    return decodeText(await client.unary(path, encodeText(question), { timeoutMs: ANSWER_LIMIT_MS }));
  }

  async #ask(
    path: string,
    question: string,
    replicas: readonly ReplicaAddress[],
  ): Promise<readonly (readonly [string, string])[]> {
    const answers = replicas.map(async (replica): Promise<readonly (readonly [string, string])[]> => {
      try {
        return [[replica.name, await this.#askOne(path, question, replica)]];
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

function dumpText(sections: readonly DumpSection[]): string {
  return JSON.stringify(
    sections.map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString("base64")]),
  );
}

function parseDump(text: string): readonly DumpSection[] {
  const sections = JSON.parse(text) as readonly (readonly [typeUrl: string, base64: string])[];
  return sections.map(([typeUrl, base64]) => ({ typeUrl, value: Buffer.from(base64, "base64") }));
}

function encodeText(value: string): Uint8Array {
  return toBinary(StringValueSchema, create(StringValueSchema, { value }));
}

function decodeText(bytes: Uint8Array): string {
  return fromBinary(StringValueSchema, bytes).value;
}
