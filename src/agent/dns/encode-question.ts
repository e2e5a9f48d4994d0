// A query of ours, as bytes: one question, recursion desired.

import type { DnsQuestion } from "./dns-answer.ts";

/** Undefined for a name that DNS can't carry. */
export function encodeQuestion({ name, type }: DnsQuestion, id = 0): Buffer | undefined {
  const labels = name === "" ? [] : name.split(".").map((label) => Buffer.from(label, "latin1"));
  if (labels.some((label) => label.length === 0 || label.length > 63) || name.length > 253) return undefined;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(1, 3);
  return Buffer.concat([header, ...labels.flatMap((label) => [Buffer.from([label.length]), label]), tail]);
}
