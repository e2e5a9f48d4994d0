// Answers one DNS question from a table. Pure: a question that the table can't settle says what to ask elsewhere.

import { type DnsAnswer, type DnsQuestion, type DnsRecord, dnsTypes } from "../../agent/dns/dns-answer.ts";
import type { DnsName, DnsTable } from "./dns-table.ts";

export function resolve(question: DnsQuestion, table: DnsTable): DnsAnswer {
  const answers: DnsRecord[] = [];
  const visited = new Set<string>();
  let { name } = question;
  for (;;) {
    const entry = table.names.get(name);
    if (entry === undefined) {
      return isOurs(name, table) ? answer("NXDOMAIN", answers) : { kind: "forward", name, answers };
    }
    visited.add(name);
    if (entry.alias === undefined) return answerFrom(entry, { name, question, answers, table });
    answers.push({ type: "CNAME", name, data: entry.alias });
    if (question.type === dnsTypes.CNAME) return answer("NOERROR", answers);
    // A service that is an alias of itself has no addresses.
    if (visited.has(entry.alias)) return answer("NOERROR", answers);
    name = entry.alias;
  }
}

interface AnswerContext {
  readonly name: string;
  readonly question: DnsQuestion;
  readonly answers: readonly DnsRecord[];
  readonly table: DnsTable;
}

function answerFrom(entry: DnsName, { name, question, answers, table }: AnswerContext): DnsAnswer {
  const wants = (type: number): boolean => question.type === type || question.type === dnsTypes.ANY;
  const found: DnsRecord[] = [...answers];
  const additionals: DnsRecord[] = [];
  if (wants(dnsTypes.A)) found.push(...entry.ipv4.map((data) => ({ type: "A", name, data }) as const));
  if (wants(dnsTypes.AAAA)) found.push(...entry.ipv6.map((data) => ({ type: "AAAA", name, data }) as const));
  if (wants(dnsTypes.PTR))
    found.push(...entry.pointers.map((data) => ({ type: "PTR", name, data }) as const));
  if (wants(dnsTypes.SRV)) {
    for (const { port, target } of entry.services) {
      found.push({ type: "SRV", name, port, target });
      const addresses = table.names.get(target)?.ipv4 ?? [];
      additionals.push(...addresses.map((data) => ({ type: "A", name: target, data }) as const));
    }
  }
  return { kind: "answer", code: "NOERROR", answers: found, additionals: distinct(additionals) };
}

function answer(code: "NOERROR" | "NXDOMAIN", answers: readonly DnsRecord[]): DnsAnswer {
  return { kind: "answer", code, answers, additionals: [] };
}

// Names under `internal` are ours as well: RFC-reserved for private use, and no resolver outside knows meltemi's.
function isOurs(name: string, { clusterDomain }: DnsTable): boolean {
  return [clusterDomain, "meltemi.internal"].some((domain) => name === domain || name.endsWith(`.${domain}`));
}

function distinct(records: readonly DnsRecord[]): readonly DnsRecord[] {
  const byText = new Map(records.map((record) => [JSON.stringify(record), record]));
  return [...byText.values()];
}
