// Writes a file that is either whole and on disk or absent: temporary name, fsync, rename. For secrets and state.

import { open, rename } from "node:fs/promises";

/** Mode 0600. The directory must exist; an existing file is replaced in one step. */
export async function writeFileDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
