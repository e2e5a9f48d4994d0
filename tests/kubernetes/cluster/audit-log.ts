// The API server's audit log, for tests of rights: which user did what, and whether it was allowed.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface AuditEvent {
  readonly verb: string;
  /** With query. */
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** `authorization.k8s.io/decision` is `allow` or `forbid`. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export async function writeAuditPolicy(folder: string): Promise<void> {
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived", "Panic"],
    rules: [{ level: "Metadata" }],
  };
  await writeFile(join(folder, "audit-policy.yaml"), JSON.stringify(policy));
}

/** A watch counts when it starts to answer (`ResponseStarted`) and again when it ends; others once. */
export async function readAuditLog(folder: string): Promise<readonly AuditEvent[]> {
  const lines = (await readFile(join(folder, "audit.log"), "utf8")).split("\n");
  // The last line may be half written.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as AuditEvent);
}
