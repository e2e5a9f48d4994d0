// What is kept of each location of keys, as text: one entry a location, so that a ConfigMap and a file hold the same.

import { createHash } from "node:crypto";
import { parseJson } from "./public-key-set.ts";

export interface KeyRecord {
  readonly jwks?: string;
  /** When they were last fetched, in ISO 8601. */
  readonly fetchedAt?: string;
  /** Why the last try failed; absent where it didn't. */
  readonly failure?: string;
}

/** By location. */
export type KeyRecords = ReadonlyMap<string, KeyRecord>;

/** A ConfigMap holds 1 MiB; its other fields take some of it. */
export const MAX_RECORDS_BYTES = 900 * 1024;

/** Entry names hold what a ConfigMap allows. */
export function recordEntries(records: KeyRecords): Readonly<Record<string, string>> {
  const entries = [...records]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([location, record]) => [entryName(location), entryText(location, record)] as const);
  return Object.fromEntries(entries);
}

function entryText(location: string, record: KeyRecord): string {
  return JSON.stringify({ location, ...record });
}

/** Entries that aren't ours are passed over. */
export function parseRecordEntries(entries: Readonly<Record<string, unknown>>): KeyRecords {
  const records = new Map<string, KeyRecord>();
  for (const text of Object.values(entries)) {
    const value = typeof text === "string" ? parseJson(text) : undefined;
    const { location, jwks, fetchedAt, failure } = (value ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof location !== "string") continue;
    records.set(location, {
      ...(typeof jwks === "string" ? { jwks } : {}),
      ...(typeof fetchedAt === "string" ? { fetchedAt } : {}),
      ...(typeof failure === "string" ? { failure } : {}),
    });
  }
  return records;
}

/** Of its entry in JSON, with the comma after it. */
export function recordByteCount(location: string, record: KeyRecord): number {
  const text = JSON.stringify(entryText(location, record));
  return ENTRY_NAME_LENGTH + '"":,'.length + Buffer.byteLength(text);
}

const ENTRY_NAME_LENGTH = 40;

function entryName(location: string): string {
  return createHash("sha256").update(location).digest("hex").slice(0, ENTRY_NAME_LENGTH);
}
