// What is asked for over real sockets, and what never is.

import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { createTestRoot } from "../../tests/support/certificates.ts";
import { parseCidr } from "../core/cidr.ts";
import { type DocumentOptions, fetchDocument } from "./fetch-document.ts";

const LOOPBACK = parseCidr("127.0.0.1") ?? assert.fail();

async function serve(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const options = (more: Partial<DocumentOptions> = {}): DocumentOptions => ({
  resolve: async (_host, port) => [{ address: "127.0.0.1", port }],
  addresses: { allowed: [LOOPBACK] },
  signal: new AbortController().signal,
  ...more,
});

describe("fetchDocument()", () => {
  test("asks the address that the name leads to, by the name", async (t) => {
    const port = await serve(t, ({ headers, url }, response) => response.end(`${headers.host} ${url}`));
    assert.equal(await fetchDocument(`http://idp:${port}/keys?a=b`, options()), `idp:${port} /keys?a=b`);
  });

  test("goes to the port that a name's target has", async (t) => {
    const port = await serve(t, (_request, response) => response.end("keys"));
    const resolve = async () => [{ address: "127.0.0.1", port }];
    assert.equal(await fetchDocument("http://idp/keys", options({ resolve })), "keys");
  });

  test("tries each address of a name", async (t) => {
    const port = await serve(t, (_request, response) => response.end("keys"));
    const resolve = async () => [
      { address: "127.0.0.1", port: 1 },
      { address: "127.0.0.1", port },
    ];
    assert.equal(await fetchDocument("http://idp/keys", options({ resolve })), "keys");
  });

  test("never asks a forbidden address, whether written, resolved or redirected to", async (t) => {
    let askedCount = 0;
    const port = await serve(t, (request, response) => {
      askedCount += 1;
      response.writeHead(302, { location: `http://169.254.169.254/${request.url}` }).end();
    });
    const strict = options({ addresses: {} });
    for (const host of ["127.0.0.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
      await assert.rejects(
        fetchDocument(`http://${host}:${port}/`, strict),
        /a loopback address, which isn't asked/,
      );
    assert.equal(askedCount, 0);
    await assert.rejects(fetchDocument(`http://127.0.0.1:${port}/`, options()), /link-local address/);
    assert.equal(askedCount, 1);
  });

  test("dials the very address that was checked", async (t) => {
    const port = await serve(t, (_request, response) => response.end("secret"));
    let lookups = 0;
    const resolve = async () => {
      lookups += 1;
      return [{ address: lookups === 1 ? "192.0.2.1" : "127.0.0.1", port }];
    };
    const stop = AbortSignal.timeout(300);
    await assert.rejects(fetchDocument("http://idp/", options({ resolve, addresses: {}, signal: stop })));
    assert.equal(lookups, 1);
  });

  test("follows redirects, but not for ever", async (t) => {
    const port = await serve(t, ({ url = "" }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end("keys");
      else response.writeHead(301, { location: `/${left - 1}` }).end();
    });
    assert.equal(await fetchDocument(`http://127.0.0.1:${port}/3`, options()), "keys");
    await assert.rejects(fetchDocument(`http://127.0.0.1:${port}/4`, options()), /more than 3 redirects/);
  });

  test("refuses what is too large, and never quotes an answer", async (t) => {
    const port = await serve(t, ({ url }, response) => {
      if (url === "/large") response.end(Buffer.alloc(300 * 1024));
      else response.writeHead(500).end("secret");
    });
    const url = `http://127.0.0.1:${port}`;
    await assert.rejects(fetchDocument(`${url}/large`, options()), /answered with more than 256 KiB/);
    await assert.rejects(fetchDocument(url, options()), {
      message: `"127.0.0.1:${port}" answered with HTTP status 500`,
    });
  });

  test("gives up in time, whatever it waits for", async (t) => {
    const port = await serve(t, ({ url }, response) => {
      if (url === "/slow") response.writeHead(200).write("{");
    });
    for (const path of ["/silent", "/slow"]) {
      const signal = AbortSignal.timeout(100);
      await assert.rejects(
        fetchDocument(`http://127.0.0.1:${port}${path}`, options({ signal })),
        /didn't answer in time/,
      );
    }
  });

  test("refuses other schemes, and passwords in URLs", async () => {
    for (const url of ["file:///etc/passwd", "idp", "ftp://idp/", "http://"])
      await assert.rejects(fetchDocument(url, options()), /isn't an http:\/\/ or https:\/\/ URL/);
    await assert.rejects(fetchDocument("http://a:b@idp/", options()), /password/);
  });

  test("trusts a server's certificate by the roots that are given, and only for its name", async (t) => {
    const root = await createTestRoot("idp");
    const { certificate, key } = await root.issue();
    const server = createSecureServer({ cert: certificate, key }, (_request, response) =>
      response.end("keys"),
    ).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const trusting = options({ extraRootsPem: [root.certificate] });
    assert.equal(await fetchDocument(`https://localhost:${port}/`, trusting), "keys");
    await assert.rejects(fetchDocument(`https://localhost:${port}/`, options()), /UNABLE_TO_VERIFY/);
    await assert.rejects(fetchDocument(`https://other:${port}/`, trusting), /ERR_TLS_CERT_ALTNAME_INVALID/);
  });
});
