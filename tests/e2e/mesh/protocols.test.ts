// Issue 3, item 3: what isn't HTTP/1.1 to a named port. Every server here is STRICT, so what arrives went over mTLS.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { applyRoutes } from "./echo-routes.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ manifests: ["protocols.yaml"] });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

test("gRPC calls of one connection are spread over the pods", { skip }, async () => {
  const messages = Array.from({ length: 30 }, (_, index) => `m${index}`);
  const replies = await client.say("echo:9090", messages);
  assert.deepEqual(
    replies.map((reply) => reply.slice(3)),
    messages,
  );
  assert.deepEqual([...new Set(replies.map((reply) => reply.slice(0, 2)))].sort(), ["v1", "v2"]);
});

test("a gRPC stream goes both ways while it is open, to one pod", { skip }, async () => {
  const messages = Array.from({ length: 20 }, (_, index) => `m${index}`);
  const replies = await client.talk("echo:9090", messages);
  assert.equal(replies.length, 20);
  const version = replies[0]?.slice(0, 2);
  assert.deepEqual(
    replies,
    messages.map((message) => `${version}:${message}`),
  );
});

test("gRPC is routed and retried as HTTP is", { skip }, async () => {
  await applyRoutes(
    mesh,
    client,
    `
- match: [{uri: {prefix: /test.Echo/Say}}]
  route: [{destination: {host: echo, port: {number: 9090}, subset: v2}}]
- match: [{port: 9090}]
  fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 100}}}
  route: [{destination: {host: echo, port: {number: 9090}}}]
- route: [{destination: {host: echo, port: {number: 80}}}]
`,
  );
  assert.deepEqual(await client.say("echo:9090", ["a", "b", "c", "d"]), ["v2:a", "v2:b", "v2:c", "v2:d"]);
  await assert.rejects(client.talk("echo:9090", ["a"]), /UNAVAILABLE/);
});

test("a WebSocket through the mesh echoes", { skip }, async () => {
  const messages = ["one", "two", "three"];
  assert.deepEqual(await client.websocket("ws://echo/socket", messages), messages);
});

test("Redis keeps and gives values over mTLS", { skip }, async () => {
  const command = (...words: string[]) =>
    `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
  const { received } = await client.tcp({
    host: "redis",
    port: 6379,
    send: command("SET", "book", "Moby-Dick") + command("GET", "book"),
    until: "Moby-Dick\r\n",
  });
  assert.equal(received, "+OK\r\n$9\r\nMoby-Dick\r\n");
});

test("a TCP Service whose server speaks first greets over mTLS", { skip }, async () => {
  const { received } = await client.tcp({ host: "echo", port: 9001, until: "\n" });
  assert.match(received, /^hello from v[12]\n$/);
});

test("TCP connections follow the weights of their VirtualService", { skip }, async () => {
  const versions = async (count: number) => {
    const connections = Array.from({ length: count }, () =>
      client.tcp({ host: "echo", port: 9000, send: "hello\n", until: "hello" }),
    );
    return (await Promise.all(connections)).map(({ received }) => received.slice(0, 2));
  };
  const save = (v1: number, v2: number) =>
    mesh.save(
      "tcp-routes.yaml",
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo-tcp, namespace: test}
spec:
  hosts: [echo.test.svc.cluster.local]
  tcp:
    - match: [{port: 9000}]
      route:
        - {destination: {host: echo, port: {number: 9000}, subset: v1}, weight: ${v1}}
        - {destination: {host: echo, port: {number: 9000}, subset: v2}, weight: ${v2}}
`,
    );
  await save(0, 100);
  await eventually(async () => assert.deepEqual(new Set(await versions(8)), new Set(["v2"])));
  await save(100, 0);
  await eventually(async () => assert.deepEqual(new Set(await versions(8)), new Set(["v1"])));
  await save(75, 25);
  await eventually(async () => assert.equal(new Set(await versions(12)).size, 2));
  const shares = await versions(400);
  const countOfV2 = shares.filter((version) => version === "v2").length;
  assert(Math.abs(countOfV2 - 100) < 45, `${countOfV2} of 400 connections went to v2`);
});

test("a port without a name: HTTP is treated as HTTP, and bytes as bytes", { skip }, async () => {
  const response = await client.request("http://nameless/");
  assert.equal(response.status, 200, response.body);
  assert.equal(response.headers.server, "istio-envoy", "an HTTP filter answered");
  const { byVersion } = await client.many(20, { url: "http://nameless/", concurrency: 1 });
  assert.deepEqual(Object.keys(byVersion).sort(), ["v1", "v2"], "requests of one connection are spread");
  const bytes = await client.tcp({ host: "nameless-tcp", port: 9000, send: "hello\n", until: "hello" });
  assert.match(bytes.received, /^v[12]:hello\n$/);
});

test("a headless Service's name reaches its pods, and each pod by its own", { skip }, async () => {
  const { byStatus, byPod } = await client.many(20, { url: "http://peers:8080/", isNew: true });
  assert.deepEqual(byStatus, { 200: 20 });
  for (const pod of Object.keys(byPod)) assert.match(pod, /^peers-[01]$/);
  for (const pod of ["peers-0", "peers-1"]) {
    const echo = await client.echo(`http://${pod}.peers:8080/`);
    assert.equal(echo.pod, pod);
    assert.match(echo.headers["x-forwarded-client-cert"] ?? "", /sa\/client/);
    assert.equal((await client.echo(`http://${pod}.peers.test.svc.cluster.local:8080/`)).pod, pod);
  }
});
