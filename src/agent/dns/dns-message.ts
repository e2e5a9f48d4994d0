// DNS messages as bytes: reads queries strictly (one question, no compression) and writes answers that fit.
// Never throws on what comes from outside.

import type { Answer, Packet } from "dns-packet";
import { encode } from "dns-packet";
import type { DnsQuestion, DnsRecord } from "./dns-answer.ts";

export interface DnsQuery {
  readonly id: number;
  readonly question: DnsQuestion;
  /** As the client wrote it, upper case and all: some clients check that it comes back so. */
  readonly writtenName: string;
  readonly recursionDesired: boolean;
  /** What the client can take over UDP; 512 without EDNS. */
  readonly maxUdpBytes: number;
  readonly hasEdns: boolean;
  /** The question section, byte for byte. */
  readonly questionBytes: Buffer;
}

export type ParsedQuery =
  | { readonly kind: "query"; readonly query: DnsQuery }
  /** To be answered with that code: FORMERR 1, NOTIMP 4. */
  | { readonly kind: "error"; readonly id: number; readonly code: 1 | 4 }
  /** Too short, or itself an answer: not to be answered at all. */
  | { readonly kind: "ignore" };

const HEADER_BYTES = 12;
const INTERNET_CLASS = 1;
const OPT_TYPE = 41;
// Above this, fragments: the agreed limit of DNS over UDP since 2020.
const MAX_UDP_BYTES = 1_232;

export function parseQuery(bytes: Buffer): ParsedQuery {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt8(2) & 0x80) !== 0) return { kind: "ignore" };
  const id = bytes.readUInt16BE(0);
  const opcode = (bytes.readUInt8(2) >> 3) & 15;
  if (opcode !== 0) return { kind: "error", id, code: 4 };
  const malformed = { kind: "error", id, code: 1 } as const;
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  if (counts[0] !== 1 || counts[1] !== 0 || counts[2] !== 0 || (counts[3] ?? 0) > 2) return malformed;
  const name = readName(bytes, HEADER_BYTES);
  if (name === undefined || name.end + 4 > bytes.length) return malformed;
  const type = bytes.readUInt16BE(name.end);
  const questionClass = bytes.readUInt16BE(name.end + 2);
  if (questionClass !== INTERNET_CLASS) return { kind: "error", id, code: 4 };
  const questionEnd = name.end + 4;
  const edns = readEdns(bytes, { start: questionEnd, recordCount: counts[3] ?? 0 });
  if (edns === "malformed") return malformed;
  return {
    kind: "query",
    query: {
      id,
      question: { name: name.text.toLowerCase(), type },
      writtenName: name.text,
      recursionDesired: (bytes.readUInt8(2) & 1) !== 0,
      maxUdpBytes: Math.min(MAX_UDP_BYTES, Math.max(512, edns ?? 512)),
      hasEdns: edns !== undefined,
      questionBytes: bytes.subarray(HEADER_BYTES, questionEnd),
    },
  };
}

export interface DnsReply {
  readonly code: "NOERROR" | "NXDOMAIN" | "SERVFAIL";
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** The zone whose SOA goes with an empty answer, for how long it may be kept; absent for what isn't ours. */
  readonly zone?: string;
}

/** Over UDP, what doesn't fit is left out and marked, upon which the client asks again over TCP. */
export function encodeReply(query: DnsQuery, reply: DnsReply, maxBytes: number): Buffer {
  const whole = encodeWhole(query, reply);
  if (whole.length <= maxBytes) return whole;
  const withoutAdditionals = encodeWhole(query, { ...reply, additionals: [] });
  if (withoutAdditionals.length <= maxBytes) return withoutAdditionals;
  const truncated = encodeWhole(query, { code: reply.code, answers: [], additionals: [] });
  truncated.writeUInt8(truncated.readUInt8(2) | 0x02, 2);
  return truncated;
}

/** A header without a question, which is all that a query that can't be read allows. */
export function encodeError(id: number, code: 1 | 4): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x8000 | code, 2);
  return bytes;
}

interface Name {
  readonly text: string;
  /** The offset after it. */
  readonly end: number;
}

/** A name without compression, of host characters; undefined for anything else. */
function readName(bytes: Buffer, start: number): Name | undefined {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63 || at - start > 254) return undefined;
    at += 1;
    if (length === 0) return { text: labels.join("."), end: at };
    if (at + length > bytes.length) return undefined;
    const label = bytes.toString("latin1", at, at + length);
    if (!/^[\x21-\x2d\x2f-\x7e]+$/.test(label)) return undefined;
    labels.push(label);
    at += length;
  }
}

/** The client's buffer size; undefined where there is no OPT record. */
function readEdns(
  bytes: Buffer,
  { start, recordCount }: { start: number; recordCount: number },
): number | undefined | "malformed" {
  let at = start;
  let bufferBytes: number | undefined;
  for (let record = 0; record < recordCount; record += 1) {
    const name = readName(bytes, at);
    if (name === undefined || name.end + 10 > bytes.length) return "malformed";
    const dataBytes = bytes.readUInt16BE(name.end + 8);
    if (name.end + 10 + dataBytes > bytes.length) return "malformed";
    if (bytes.readUInt16BE(name.end) === OPT_TYPE) {
      if (bufferBytes !== undefined) return "malformed";
      bufferBytes = bytes.readUInt16BE(name.end + 2);
    }
    at = name.end + 10 + dataBytes;
  }
  return bufferBytes;
}

// Pods come and go: answers are kept for as short as CoreDNS says by default.
const TTL_SECONDS = 5;
const responseCodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;
const AUTHORITATIVE = 0x0400;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;

// The question is put back as it came: dns-packet doesn't know every type that may be asked for.
function encodeWhole(query: DnsQuery, reply: DnsReply): Buffer {
  const bytes = encode(packetOf(query, reply));
  query.questionBytes.copy(bytes, HEADER_BYTES);
  return bytes;
}

function packetOf(query: DnsQuery, reply: DnsReply): Packet {
  const authoritative = reply.zone === undefined ? 0 : AUTHORITATIVE;
  const recursion = RECURSION_AVAILABLE | (query.recursionDesired ? RECURSION_DESIRED : 0);
  const edns: Answer[] = query.hasEdns ? [ednsRecord()] : [];
  return {
    type: "response",
    id: query.id,
    // dns-packet takes the code as part of the flags.
    flags: authoritative | recursion | responseCodes[reply.code],
    questions: [{ type: "A", name: query.writtenName, class: "IN" }],
    answers: reply.answers.map((record) => answerOf(record, query)),
    authorities: reply.answers.length === 0 && reply.zone !== undefined ? [startOfAuthority(reply.zone)] : [],
    additionals: [...reply.additionals.map((record) => answerOf(record, query)), ...edns],
  };
}

function answerOf(record: DnsRecord, query: DnsQuery): Answer {
  const name = record.name === query.question.name ? query.writtenName : record.name;
  if (record.type === "SRV") {
    const { port, target } = record;
    return { type: "SRV", name, ttl: TTL_SECONDS, data: { priority: 0, weight: 100, port, target } };
  }
  return { type: record.type, name, ttl: TTL_SECONDS, data: record.data };
}

function startOfAuthority(zone: string): Answer {
  const data = {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial: 1,
    refresh: 7_200,
    retry: 1_800,
    expire: 86_400,
    minimum: TTL_SECONDS,
  };
  return { type: "SOA", name: zone, ttl: TTL_SECONDS, data };
}

function ednsRecord(): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: MAX_UDP_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
