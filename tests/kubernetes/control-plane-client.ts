// What a test needs to speak to a control plane as a workload does: its roots, a ServiceAccount's token, a certificate.

import { generateKeyPairSync } from "node:crypto";
import { createCertificateClient } from "../../src/agent/certificate-client.ts";
import { systemClock } from "../../src/core/clock.ts";
import { redacted } from "../../src/core/redacted.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { buildCertificateRequest } from "../../src/identity/certificate-request.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import type { ControlPlaneProcess } from "./control-plane-process.ts";

export async function rootsIn(server: ApiServer, namespace: string): Promise<string> {
  const name = "configmap/istio-ca-root-cert";
  await server.kubectl(["-n", namespace, "wait", "--for=create", name, "--timeout=40s"]);
  return await server.kubectl(["-n", namespace, "get", name, "-o", "jsonpath={.data.root-cert\\.pem}"]);
}

export async function clientOf(
  server: ApiServer,
  { xdsPort }: ControlPlaneProcess,
  identity: { certificate?: string; key?: string } = {},
): Promise<GrpcClient> {
  const tls = {
    serverRoots: await rootsIn(server, "shop"),
    serverName: "meltemi.meltemi-system.svc",
    ...identity,
  };
  return new GrpcClient({ kind: "tcp", host: "127.0.0.1", port: xdsPort, tls }, { clock: systemClock });
}

/** For the ServiceAccount `default` of the namespace `shop`, bound to one of its pods where that is named. */
export async function tokenFor(server: ApiServer, audience: string, pod?: string): Promise<string> {
  const binding = pod === undefined ? [] : ["--bound-object-kind", "Pod", "--bound-object-name", pod];
  const args = ["-n", "shop", "create", "token", "default", "--audience", audience, ...binding];
  return (await server.kubectl(args)).trim();
}

export async function sign(server: ApiServer, plane: ControlPlaneProcess, audience: string, pod?: string) {
  const client = await clientOf(server, plane);
  try {
    const token = redacted(await tokenFor(server, audience, pod));
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ask = createCertificateClient(client, { readToken: async () => token });
    const request = buildCertificateRequest(privateKey, { uris: [], dnsNames: [], ipAddresses: [] });
    const [certificate = ""] = await ask(request, 3_600_000);
    return { certificate, key: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
  } finally {
    client.close();
  }
}
