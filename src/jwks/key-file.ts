// The keys of issuers in a file: of the one control plane of a mesh on this machine.

import { open, readFile, rename } from "node:fs/promises";
import { type KeyRecords, parseRecordEntries, recordEntries } from "./key-record.ts";
import { parseJson } from "./public-key-set.ts";

/** Empty where the file isn't there, or holds something else: the keys are fetched again. */
export async function readKeyFile(path: string): Promise<KeyRecords> {
  try {
    const value = parseJson(await readFile(path, "utf8"));
    return parseRecordEntries((value ?? {}) as Readonly<Record<string, unknown>>);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

/** Either whole or as it was. */
export async function writeKeyFile(path: string, records: KeyRecords): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(recordEntries(records), undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
