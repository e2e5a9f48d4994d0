// The key that signs local ServiceAccount tokens, kept in the state directory so that tokens outlive a restart.

import type { KeyObject } from "node:crypto";
import { createPrivateKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { writeFileDurably } from "./durable-file.ts";

export type OpenedTokenKey =
  | { readonly kind: "key"; readonly key: KeyObject }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Loads the P-256 key at `path`, or makes it there with mode 0600. Two that start at once end with the same key. */
export async function openTokenKey(path: string): Promise<OpenedTokenKey> {
  try {
    const mode = (await modeOf(path)) ?? (await createKey(path));
    if ((mode & 0o077) !== 0) {
      const message = `Cannot use the token key "${path}": its mode is ${mode.toString(8)}, so others can read it; wanted is 600`;
      return { kind: "problem", problem: problem("MLT5001", { message, hint: `chmod 600 ${path}` }) };
    }
    const pem = await readFile(path, "utf8");
    return readKey(path, pem);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const message = `Cannot open the token key "${path}": ${error.message}`;
    return { kind: "problem", problem: problem("MLT5003", { message }) };
  }
}

function readKey(path: string, pem: string): OpenedTokenKey {
  const unfit = problem("MLT5002", {
    message: `Cannot use the token key "${path}": it isn't a P-256 private key`,
  });
  try {
    const key = createPrivateKey(pem);
    const isP256 = key.asymmetricKeyDetails?.namedCurve === "prime256v1";
    return isP256 ? { kind: "key", key } : { kind: "problem", problem: unfit };
  } catch {
    // OpenSSL's message may quote the input, so it goes no further.
    return { kind: "problem", problem: unfit };
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

// link(2) fails where a file exists: whoever comes second uses the first one's key.
async function createKey(path: string): Promise<number> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const staging = `${path}.${randomUUID()}`;
  await writeFileDurably(staging, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  try {
    await link(staging, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(staging, { force: true });
  }
  return (await modeOf(path)) ?? 0o600;
}
