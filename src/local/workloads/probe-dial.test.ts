import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { keyedCertificate } from "../../../tests/support/keyed-certificate-fixture.ts";
import { askProbe } from "./pod-questions.ts";
import { dialGrpc, dialHttp, dialTcp, probePort } from "./probe-dial.ts";

const target = { ip: "127.0.0.1", timeoutMs: 2_000 };

async function listen(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("dialHttp() takes 200 to 399 for success and sends the probe's headers", async (context) => {
  const server = createHttpServer((request, response) => {
    response.writeHead(request.headers["x-want"] === "bad" ? 503 : 302).end();
  });
  const port = await listen(context, server);
  assert.deepEqual(await dialHttp({ port, path: "/ready" }, target), {
    isSuccess: true,
    message: "HTTP 302",
  });
  const httpHeaders = [{ name: "X-Want", value: "bad" }];
  assert.deepEqual(await dialHttp({ port, httpHeaders }, target), { isSuccess: false, message: "HTTP 503" });
});

test("dialHttp() asks for the path, of the host, by the scheme", async (context) => {
  const asked: unknown[] = [];
  const { certificatePem, keyPem } = keyedCertificate();
  for (const scheme of ["HTTP", "HTTPS"] as const) {
    const answer: RequestListener = ({ url }, response) => {
      asked.push(`${scheme} ${url}`);
      response.end();
    };
    const server =
      scheme === "HTTP"
        ? createHttpServer(answer)
        : createHttpsServer({ cert: certificatePem, key: keyPem }, answer);
    const port = await listen(context, server);
    // Nothing listens at the pod's own address.
    const atHost = { scheme, port, host: "127.0.0.1", path: "/ready?all" };
    assert.equal((await dialHttp(atHost, { ...target, ip: "127.99.0.1" })).isSuccess, true);
    assert.equal((await dialHttp({ scheme, port }, { ...target, ip: "127.99.0.1" })).isSuccess, false);
    const other = scheme === "HTTP" ? "HTTPS" : "HTTP";
    assert.equal((await dialHttp({ ...atHost, scheme: other }, target)).message === "HTTP 200", false);
  }
  assert.deepEqual(asked, ["HTTP /ready?all", "HTTPS /ready?all"]);
});

test("askProbe() asks the host that a probe by TCP names, else the pod", async (context) => {
  const port = await listen(context, createTcpServer());
  const exec = () => Promise.reject(new Error("nothing is run"));
  const ask = (tcpSocket: { readonly host?: string }) =>
    askProbe({
      container: { name: "app" },
      kind: "readiness",
      probe: { tcpSocket: { port, ...tcpSocket } },
      ip: "127.99.0.1",
      exec,
    });
  assert.equal((await ask({ host: "127.0.0.1" })).isSuccess, true);
  assert.equal((await ask({})).isSuccess, false);
});

test("dialHttp() gives up after its timeout", async (context) => {
  const port = await listen(context, createHttpServer());
  const outcome = await dialHttp({ port }, { ...target, timeoutMs: 50 });
  assert.deepEqual(outcome, { isSuccess: false, message: "no answer within 50 ms" });
});

test("dialTcp() asks only whether the port accepts", async (context) => {
  const server = createTcpServer();
  const port = await listen(context, server);
  assert.equal((await dialTcp(port, target)).isSuccess, true);
  await new Promise((resolve) => server.close(resolve));
  assert.equal((await dialTcp(port, target)).isSuccess, false);
});

test("dialGrpc() reads the status of the health service", async (context) => {
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    assert.equal(headers[":path"], "/grpc.health.v1.Health/Check");
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const status = Buffer.concat(chunks).includes("shop") ? 1 : 2;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
    });
  });
  const port = await listen(context, server);
  assert.equal((await dialGrpc({ port, service: "shop" }, target)).isSuccess, true);
  assert.equal((await dialGrpc({ port }, target)).isSuccess, false);
});

test("probePort() resolves names by the container's ports", () => {
  const container = { name: "app", ports: [{ name: "http", containerPort: 8080 }] };
  assert.equal(probePort(container, "http"), 8080);
  assert.equal(probePort(container, "9"), 9);
  assert.equal(probePort(container, "none"), undefined);
});
