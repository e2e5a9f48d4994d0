// Who has no certificate of the mesh, or wants another's: refused in the handshake or by the CA, and logged with the
// reason. The CA's own key, which no attacker has, makes the control: one good certificate, and one that has expired.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createCertificateClient } from "../../../../src/agent/certificate-client.ts";
import { systemClock } from "../../../../src/core/clock.ts";
import { redacted } from "../../../../src/core/redacted.ts";
import { GrpcClient } from "../../../../src/grpc/client.ts";
import { buildCertificateRequest } from "../../../../src/identity/certificate-request.ts";
import {
  createTestRoot,
  openTestRoot,
  type TestCertificate,
  type TestRoot,
} from "../../../support/certificates.ts";
import { pathInMesh } from "../../lifecycle/pod-sockets.ts";
import { eventually } from "../../mesh/eventually.ts";
import { ALLOWED_PRINCIPAL } from "./tour-manifests.ts";
import { newMark, rawRequest, type Tour, willLog } from "./tour-mesh.ts";

const ALLOWED = `spiffe://${ALLOWED_PRINCIPAL}`;
const DAY_MS = 86_400_000;

export function proveCertificates(tourOf: () => Tour, skip: false | string): void {
  test("a certificate of the mesh with the right name is let in: the control", { skip }, async () => {
    const root = await meshRoot(tourOf());
    assert.match(await callVault(tourOf(), await root.issue(ALLOWED)), /^HTTP\/1\.1 200/);
    const stranger = await callVault(tourOf(), await root.issue("spiffe://cluster.local/ns/test/sa/legacy"));
    assert.match(stranger, /^HTTP\/1\.1 403/);
    assert.equal((await tourOf().client.request("http://vault/")).status, 200);
    assert.equal((await tourOf().second.request("http://vault/")).status, 403);
    willLog(tourOf(), "vault", " 403 ", "rbac_access_denied_matched_policy[none]");
  });

  test("plain text where mTLS is asked for finds no chain", { skip }, async () => {
    const { status, text } = await rawRequest(tourOf(), { to: "vault", host: "vault" });
    assert.equal(status, 0, text);
    willLog(tourOf(), "vault", " NR filter_chain_not_found ");
  });

  test("no certificate, another CA's with the right name, and an expired one end in the handshake", {
    skip,
  }, async () => {
    const tour = tourOf();
    const root = await meshRoot(tour);
    const expired = { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) };
    const attacks: readonly (readonly [TestCertificate | undefined, reason: string])[] = [
      [undefined, "PEER_DID_NOT_RETURN_A_CERTIFICATE"],
      [
        await (await createTestRoot("cluster.local")).issue(ALLOWED),
        "unable_to_get_local_issuer_certificate",
      ],
      [await root.issue(ALLOWED, expired), "certificate_has_expired"],
    ];
    for (const [certificate, reason] of attacks) {
      assert.equal(await callVault(tour, certificate), "");
      willLog(tour, "vault", reason);
    }
  });

  test("a workload that asks the CA for another's identity is refused, and so is a token for another audience", {
    skip,
  }, async (t) => {
    const tour = tourOf();
    const vault = "spiffe://cluster.local/ns/test/sa/vault";
    const [own, other] = [tokenOf(tour, "own"), tokenOf(tour, "other")];
    await (await askAuthority(t, tour, await own))(vault);
    assert.match(await refusalOf((await askAuthority(t, tour, await own))(ALLOWED)), /Cannot sign for/);
    await authorityLogged(tour, "certificate request refused", ALLOWED);
    const ofOther = await refusalOf((await askAuthority(t, tour, await other))(vault));
    assert.match(ofOther, /the token isn't for "istio-ca"/);
    await authorityLogged(tour, "certificate request unauthenticated", "isn't for");
    assert.match(await refusalOf((await askAuthority(t, tour, ""))(vault)), /Cannot sign a certificate/);
  });
}

/** Everything that came back. */
async function callVault(tour: Tour, certificate: TestCertificate | undefined): Promise<string> {
  const credentials = certificate && { cert: certificate.certificate, key: certificate.key };
  const { received } = await tour.attacker.tcp({
    host: await tour.addressOf("vault"),
    port: 8080,
    send: `GET / HTTP/1.1\r\nhost: vault\r\nuser-agent: ${newMark()}\r\nconnection: close\r\n\r\n`,
    tls: { ...credentials, alpn: ["istio-http/1.1"] },
    timeoutMs: 5_000,
  });
  return received;
}

async function meshRoot({ mesh }: Tour): Promise<TestRoot> {
  const read = (name: string) => readFile(join(mesh.stateDirectory, "ca", name), "utf8");
  return openTestRoot({ certificate: await read("ca-cert.pem"), key: await read("ca-key.pem") });
}

/** As the vault's application reads it. */
async function tokenOf({ mesh }: Tour, name: string): Promise<string> {
  const [program, ...words] = await mesh.exec("vault", ["cat", `/var/run/tokens/${name}`]);
  const { stdout } = spawnSync(program, words, { encoding: "utf8" });
  assert.match(stdout, /^ey/);
  return stdout.trim();
}

/** A function that has a certificate signed for a name, with a token as the only proof. */
async function askAuthority(t: TestContext, { mesh }: Tour, token: string) {
  const path = await pathInMesh(mesh, "/run/meltemi/control-plane/xds.sock");
  const serverRoots = await readFile(join(mesh.stateDirectory, "ca", "root-cert.pem"), "utf8");
  const tls = { serverRoots, serverName: "meltemi.meltemi-system.svc" };
  const client = new GrpcClient({ kind: "unix", path, tls }, { clock: systemClock });
  t.after(() => client.close());
  const sign = createCertificateClient(client, { readToken: async () => redacted(token) });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ttlMs = 60_000;
  return (uri: string) =>
    sign(buildCertificateRequest(privateKey, { uris: [uri], dnsNames: [], ipAddresses: [] }), ttlMs);
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as Error).message;
  }
  return "signed";
}

function authorityLogged({ mesh }: Tour, ...words: readonly string[]): Promise<void> {
  return eventually(async () => {
    const log = await readFile(join(mesh.stateDirectory, "supervisor.log"), "utf8");
    assert.ok(
      log.split("\n").some((line) => words.every((word) => line.includes(word))),
      words.join(" and "),
    );
  });
}
