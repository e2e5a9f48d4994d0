import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { inspect } from "node:util";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { buildRootFiles, createCertificateAuthority } from "../identity/certificate-authority.ts";
import { createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import type { SignRequest, WorkloadCertificate } from "./certificate-rotation.ts";
import { startCertificateRotation } from "./certificate-rotation.ts";

const HOUR_MS = 3_600_000;
const names = { uris: ["spiffe://cluster.local/ns/shop/sa/reviews"], dnsNames: [], ipAddresses: [] };

function start(options: { random?: () => number; wrap?: (sign: SignRequest) => SignRequest } = {}) {
  const { random = () => 0.5, wrap = (sign) => sign } = options;
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const context = { clock, randomBytes };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const built = createCertificateAuthority(buildRootFiles(privateKey, "cluster.local", context), context);
  assert.ok(built.kind === "authority");
  const sign = wrap(createControlPlaneSigner(built.authority, names));
  const rotation = startCertificateRotation(sign, { names, clock, random, log: silentLogger });
  const seen: WorkloadCertificate[] = [];
  rotation.watch((certificate) => seen.push(certificate));
  return { clock, rotation, seen, settle: () => nextTurn() };
}

test("startCertificateRotation() renews at half of the lifetime with a new key", async () => {
  const { clock, rotation, seen, settle } = start();
  await settle();
  assert.equal(seen.length, 1);
  clock.advance(12 * HOUR_MS - 1);
  await settle();
  assert.equal(seen.length, 1);
  clock.advance(1);
  await settle();
  assert.equal(seen.length, 2);
  assert.equal(rotation.current, seen[1]);
  assert.notEqual(seen[0]?.keyPem.reveal(), seen[1]?.keyPem.reveal());
  const [certificate] = seen;
  assert.ok(certificate !== undefined);
  const leaf = new X509Certificate(certificate.chainPem);
  assert.equal(leaf.checkPrivateKey(createPrivateKey(certificate.keyPem.reveal())), true);
  assert.equal(leaf.verify(new X509Certificate(certificate.rootsPem).publicKey), true);
});

test("startCertificateRotation() spreads renewals by one per cent to each side", async () => {
  const early = start({ random: () => 0.999_999 });
  await early.settle();
  early.clock.advance(0.4901 * 24 * HOUR_MS);
  await early.settle();
  assert.equal(early.seen.length, 2);
  const late = start({ random: () => 0 });
  await late.settle();
  late.clock.advance(0.5099 * 24 * HOUR_MS);
  await late.settle();
  assert.equal(late.seen.length, 1);
});

test("startCertificateRotation() keeps the old certificate and backs off while the CA fails", async () => {
  let failures = 0;
  let isDown = false;
  const wrap = (sign: SignRequest): SignRequest => {
    return async (...request) => {
      if (!isDown) return sign(...request);
      failures++;
      throw new Error("no CA");
    };
  };
  const { clock, rotation, seen, settle } = start({ wrap });
  await settle();
  isDown = true;
  clock.advance(12 * HOUR_MS);
  await settle();
  assert.equal(failures, 1);
  clock.advance(74);
  await settle();
  assert.equal(failures, 1, "the first retry comes after 75 ms");
  clock.advance(1);
  await settle();
  assert.equal(failures, 2);
  assert.equal(rotation.current, seen[0]);
  isDown = false;
  clock.advance(150);
  await settle();
  assert.equal(seen.length, 2);
});

test("startCertificateRotation() refuses a certificate of another key", async () => {
  let first: readonly string[] | undefined;
  const wrap = (sign: SignRequest): SignRequest => {
    return async (...request) => {
      first ??= await sign(...request);
      return first;
    };
  };
  const { clock, seen, settle } = start({ wrap });
  await settle();
  clock.advance(13 * HOUR_MS);
  await settle();
  assert.equal(seen.length, 1);
});

test("close() ends renewal and the key shows nowhere", async () => {
  const { clock, rotation, seen, settle } = start();
  await settle();
  assert.equal(inspect(rotation.current, { depth: 9 }).includes("PRIVATE"), false);
  rotation.close();
  clock.advance(100 * HOUR_MS);
  await settle();
  assert.equal(seen.length, 1);
});
