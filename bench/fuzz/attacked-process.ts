// The process that is attacked: the control plane's servers as production composes them (plaintext xDS; xDS and the
// certificate service over TLS) and an agent's SDS, over a small made-up mesh.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startCertificateRotation } from "../../src/agent/certificate-rotation.ts";
import { createSdsMethods } from "../../src/agent/sds-server.ts";
import { createWorkloadSecretSource } from "../../src/agent/secret-source.ts";
import { systemClock } from "../../src/core/clock.ts";
import { loggedFields } from "../../src/core/logged-fields.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createTokenAuthenticator } from "../../src/identity/authenticator.ts";
import { openPersistentAuthority } from "../../src/identity/authority-store.ts";
import { controlPlaneNames, createControlPlaneSigner } from "../../src/identity/control-plane-certificate.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/identity/service-account-token.ts";
import { openTokenKey } from "../../src/identity/token-key-store.ts";
import { keyOf } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { endOnFault } from "../../src/process/last-handler.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import { openControlPlaneIdentity } from "../../src/serving/control-plane-identity.ts";
import { serveSecurely } from "../../src/serving/serve-securely.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { changedService, endpointSlice, meshObjects } from "../xds/mesh-objects.ts";
import { attackedMesh } from "./attacked-mesh.ts";
import type { Question, Report, Usage } from "./process-protocol.ts";

const trustDomain = "cluster.local";
const errors: string[] = [];
let errorCount = 0;

const log = {
  ...silentLogger,
  error(fields: object, event: string) {
    errorCount += 1;
    if (errors.length < 5) errors.push(`${event} ${JSON.stringify(loggedFields(fields))}`);
  },
};

async function main(directory: string): Promise<void> {
  // Its parent prints the last words.
  endOnFault({
    ...log,
    error: (fields, event) => process.stderr.write(`${event} ${JSON.stringify(loggedFields(fields))}\n`),
  });
  const plane = createControlPlane({ clock: systemClock, log });
  const objects = meshObjects(attackedMesh).map((object) => ({ key: keyOf(object), object }));
  plane.intake.change(objects, []);
  plane.intake.flush();
  const ready = await serve(plane.fleet, directory);
  process.on("message", (question: Question) => {
    if (question.kind === "usage") return tell(usage());
    const changed = endpointSlice(
      changedService(attackedMesh),
      attackedMesh,
      `10.250.${question.round >> 8}.${question.round & 255}`,
    );
    plane.intake.change([{ key: keyOf(changed), object: changed }], []);
  });
  process.on("disconnect", () => process.exit(0));
  tell(ready);
}

async function serve(fleet: Parameters<typeof requireIdentity>[0], directory: string): Promise<Report> {
  const authority = await openAuthority(directory);
  const tokens = await openTokens(directory);
  const authenticator = createTokenAuthenticator(tokens, { trustDomain, audiences: ["istio-ca"] });
  const xds = createXdsServer(requireIdentity(fleet, authenticator), { clock: systemClock, log });
  const grpc = new GrpcServer({ clock: systemClock, log, random: Math.random });
  const anyPort = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const names = controlPlaneNames({ trustDomain });
  const identity = await openControlPlaneIdentity(authority, { names, log });
  const plaintext = await grpc.listen(anyPort, { methods: xds.methods({ servesSecrets: false }) });
  const secure = await serveSecurely(anyPort, { grpc, xds, authority, authenticator, identity, log });
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), {
    names,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const sdsPath = join(directory, "sds.sock");
  const sds = new GrpcServer({ clock: systemClock, log, random: Math.random });
  const methods = createSdsMethods(createWorkloadSecretSource(rotation), log);
  await sds.listen({ kind: "unix", path: sdsPath }, { methods });
  const token = tokens.issueToken({
    namespace: "ns-0",
    serviceAccount: "default",
    pod: { name: "attacker", uid: "1" },
    audiences: ["istio-ca"],
    expirationSeconds: 86_400,
  });
  const [plaintextPort = 0, tlsPort = 0] = [plaintext.port, secure.port];
  return { kind: "ready", plaintextPort, tlsPort, sdsPath, token: token.reveal() };
}

async function openAuthority(directory: string) {
  const opened = await openPersistentAuthority(join(directory, "ca"), { clock: systemClock, trustDomain });
  if (opened.kind === "problem") throw new Error(formatProblem(opened.problem));
  return opened.authority;
}

async function openTokens(directory: string): Promise<TokenIssuer> {
  const opened = await openTokenKey(join(directory, "token-key.pem"));
  if (opened.kind === "problem") throw new Error(formatProblem(opened.problem));
  return createTokenIssuer(opened.key, { clock: systemClock, issuer: "https://kubernetes.default.svc" });
}

function usage(): Usage {
  globalThis.gc?.();
  const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
  return { kind: "usage", rssBytes, heapBytes, peakRssBytes: readPeakRssBytes(), errorCount, errors };
}

function readPeakRssBytes(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

function tell(report: Report): void {
  process.send?.(report);
}

const [directory = ""] = process.argv.slice(2);
await main(directory);
