import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "../kinds/pod/container.ts";
import { rewriteProbes } from "./probe-rewrite.ts";

function containerWith(fields: Partial<Container>): Container {
  return { name: "app", ports: [{ name: "http", containerPort: 8080 }], ...fields };
}

test("rewriteProbes() leads an HTTP probe through the agent and keeps its timing", () => {
  const livenessProbe = {
    httpGet: { path: "/live", port: "http", scheme: "HTTPS" },
    periodSeconds: 7,
  } as const;
  const { container, probers } = rewriteProbes(containerWith({ livenessProbe }), 15020);
  const httpGet = { path: "/app-health/app/livez", port: 15020 };
  assert.deepEqual(container.livenessProbe, { periodSeconds: 7, httpGet });
  assert.deepEqual(probers, {
    "/app-health/app/livez": { httpGet: { path: "/live", port: 8080, scheme: "HTTPS" }, timeoutSeconds: 1 },
  });
});

test("rewriteProbes() turns TCP and gRPC probes into HTTP ones", () => {
  const { container, probers } = rewriteProbes(
    containerWith({ readinessProbe: { tcpSocket: { port: 8080 } }, startupProbe: { grpc: { port: 9000 } } }),
    15020,
  );
  assert.deepEqual(container.readinessProbe, { httpGet: { path: "/app-health/app/readyz", port: 15020 } });
  assert.deepEqual(container.startupProbe, { httpGet: { path: "/app-health/app/startupz", port: 15020 } });
  assert.deepEqual(probers["/app-health/app/readyz"], { tcpSocket: { port: 8080 }, timeoutSeconds: 1 });
  assert.deepEqual(probers["/app-health/app/startupz"], { grpc: { port: 9000 }, timeoutSeconds: 1 });
});

test("rewriteProbes() leaves exec probes and unknown port names alone", () => {
  const original = containerWith({
    livenessProbe: { exec: { command: ["true"] } },
    readinessProbe: { httpGet: { port: "nowhere" } },
  });
  assert.deepEqual(rewriteProbes(original, 15020), { container: original, probers: {} });
});

test("rewriteProbes() leads HTTP hooks through the agent", () => {
  const lifecycle = {
    preStop: { httpGet: { path: "/bye", port: 8080 } },
    postStart: { exec: { command: ["hi"] } },
  };
  const { container, probers } = rewriteProbes(containerWith({ lifecycle }), 15020);
  assert.deepEqual(container.lifecycle, {
    preStop: { httpGet: { path: "/app-lifecycle/app/prestopz", port: 15020 } },
    postStart: { exec: { command: ["hi"] } },
  });
  assert.deepEqual(probers["/app-lifecycle/app/prestopz"], { httpGet: { path: "/bye", port: 8080 } });
});
