// From the bytes of a query to the bytes of its answer, given who knows the names and whom to ask for the rest.

import { decode } from "dns-packet";
import type { Logger } from "../../core/logger.ts";
import type { DnsAnswer, DnsRecord, ResolveQuestion } from "./dns-answer.ts";
import { type DnsQuery, type DnsReply, encodeError, encodeReply, parseQuery } from "./dns-message.ts";
import { encodeQuestion } from "./encode-question.ts";
import type { UpstreamResolver } from "./upstream-resolver.ts";

export interface AnswerContext {
  readonly resolve: ResolveQuestion;
  /** Whose SOA goes with an empty answer; absent for what no zone of ours says. */
  readonly zone?: string;
  readonly transport: "udp" | "tcp";
  readonly upstream: UpstreamResolver;
  /** By how much several addresses are turned round, so that clients that take the first spread. */
  readonly rotation: number;
  readonly log: Logger;
}

/** Undefined where there is nothing to say: not a query at all. Never rejects. */
export async function answerQuery(bytes: Buffer, context: AnswerContext): Promise<Buffer | undefined> {
  const parsed = parseQuery(bytes);
  if (parsed.kind === "ignore") return undefined;
  if (parsed.kind === "error") return encodeError(parsed.id, parsed.code);
  const { query } = parsed;
  const { zone, transport, rotation, log } = context;
  const found = context.resolve(query.question);
  if (found.kind === "forward" && found.answers.length === 0) {
    const answer = await context.upstream.ask(bytes, transport);
    if (answer === undefined) return encodeReply(query, failure([]), maxBytes(query, transport));
    // A cache that hears NXDOMAIN forgets the addresses as well.
    const isDenied = found.isKnown === true && isNameError(answer);
    return isDenied ? encodeReply(query, nothing, maxBytes(query, transport)) : answer;
  }
  const reply =
    found.kind === "answer"
      ? { ...found, answers: rotate(found.answers, rotation), ...(zone !== undefined && { zone }) }
      : await followAlias(found, query, context);
  try {
    return encodeReply(query, reply, maxBytes(query, transport));
  } catch (cause) {
    // A name in the table that DNS can't carry, as an external name of a label too long.
    log.warn({ name: query.question.name, reason: String(cause) }, "dns answer can't be encoded");
    return encodeReply(query, failure([]), maxBytes(query, transport));
  }
}

/** The name exists, and has no such record. */
const nothing: DnsReply = { code: "NOERROR", answers: [], additionals: [] };

function isNameError(answer: Buffer): boolean {
  return (answer.readUInt8(3) & 15) === 3;
}

function maxBytes(query: DnsQuery, transport: "udp" | "tcp"): number {
  return transport === "udp" ? query.maxUdpBytes : 65_535;
}

function failure(answers: readonly DnsRecord[]): DnsReply {
  return { code: "SERVFAIL", answers, additionals: [] };
}

// Stub resolvers don't follow an alias by themselves: the answer must hold the addresses as well.
async function followAlias(
  found: Extract<DnsAnswer, { kind: "forward" }>,
  query: DnsQuery,
  { upstream }: AnswerContext,
): Promise<DnsReply> {
  const question = encodeQuestion({ name: found.name, type: query.question.type });
  const answer = question === undefined ? undefined : await upstream.ask(question, "udp");
  const records = answer === undefined ? undefined : readAddresses(answer);
  if (records === undefined) return failure(found.answers);
  return { code: "NOERROR", answers: [...found.answers, ...records], additionals: [] };
}

function readAddresses(answer: Buffer): readonly DnsRecord[] | undefined {
  try {
    return (decode(answer).answers ?? []).flatMap((record): DnsRecord[] => {
      if (record.type !== "A" && record.type !== "AAAA" && record.type !== "CNAME") return [];
      return [{ type: record.type, name: record.name.toLowerCase(), data: record.data }];
    });
  } catch {
    return undefined;
  }
}

function rotate(records: readonly DnsRecord[], by: number): readonly DnsRecord[] {
  const isAddress = (record: DnsRecord): boolean => record.type === "A" || record.type === "AAAA";
  const addresses = records.filter(isAddress);
  if (addresses.length < 2) return records;
  const start = by % addresses.length;
  const turned = [...addresses.slice(start), ...addresses.slice(0, start)];
  return [...records.filter((record) => !isAddress(record)), ...turned];
}
