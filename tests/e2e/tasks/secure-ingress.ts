// Istio's task "Secure Gateways": TLS for one host, a certificate that is replaced, two hosts, and mutual TLS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

const TEAPOT = "https://httpbin.example.com/status/418";
// Of a certificate that isn't trusted: the authorities share a name, so curl finds a signature that doesn't fit.
const HANDSHAKE_FAILED = 35;

/** Declares the steps as tests; to be called in a suite of their own. */
export function trySecureIngress(tasksOf: () => TaskMesh): void {
  /** Answers with the status and the version of HTTP, such as `418 2`. */
  async function ask(url: string, ...args: readonly string[]) {
    const format = "%{stderr}%{http_code} %{http_version}";
    const { code, stderr } = await tasksOf().curlGateway(url, "-o", "/dev/null", "-w", format, ...args);
    return { code, answer: stderr.trim().replaceAll(/\s+/g, " ") };
  }
  const trusting = (authority: string) => ["--cacert", tasksOf().pem(`${authority}.crt`)] as const;
  const untilAnswered = (url: string, wanted: string, ...args: readonly string[]) =>
    eventually(async () => assert.deepEqual(await ask(url, ...args), { code: 0, answer: wanted }));

  test("1-one-host: a teapot over TLS", async (t) => {
    await tasksOf().apply("secrets/httpbin-credential", "secure-ingress/1-one-host");
    await untilAnswered(TEAPOT, "418 2", ...trusting("example.com"));
    t.diagnostic("curl with the authority's certificate: 418 by HTTP/2");
  });

  test("a Secret of another authority: only who trusts that one is served", async (t) => {
    await tasksOf().apply("secrets/httpbin-credential-new");
    await untilAnswered(TEAPOT, "418 2", ...trusting("other-example.com"));
    const { code, answer } = await ask(TEAPOT, ...trusting("example.com"));
    assert.equal(code, HANDSHAKE_FAILED, answer);
    t.diagnostic(`curl with the new authority: 418; with the old one: exit code ${code}`);
  });

  test("2-two-hosts: each host has its certificate on the one port", async (t) => {
    const { apply } = tasksOf();
    await apply("secrets/httpbin-credential", "secrets/helloworld-credential", "apps/helloworld");
    await apply("secure-ingress/2-two-hosts");
    const hello = "https://helloworld.example.com/hello";
    await untilAnswered(hello, "200 2", ...trusting("example.com"));
    await untilAnswered(TEAPOT, "418 2", ...trusting("example.com"));
    t.diagnostic("helloworld.example.com/hello: 200; httpbin.example.com/status/418: 418");
  });

  test("3-mutual: a teapot for who has a certificate, nothing for others", async (t) => {
    const { apply, pem } = tasksOf();
    await apply("secrets/httpbin-credential-mutual", "secure-ingress/3-mutual");
    const anonymous = await eventually(async () => {
      const refused = await ask(TEAPOT, ...trusting("example.com"));
      assert.notEqual(refused.code, 0, refused.answer);
      assert.match(refused.answer, /certificate required/);
      return refused;
    });
    const identified = ["--cert", pem("client.crt"), "--key", pem("client.key")] as const;
    await untilAnswered(TEAPOT, "418 2", ...trusting("example.com"), ...identified);
    t.diagnostic(`with a certificate: 418; without: ${anonymous.answer}`);
  });
}
