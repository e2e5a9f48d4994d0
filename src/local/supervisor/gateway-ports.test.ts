import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../../kinds/service.ts";
import { gatewayListener, parseGatewayListener } from "./front-protocol.ts";
import { planGatewayPorts } from "./gateway-ports.ts";

function gateway(
  name: string,
  ports: readonly number[],
  hostPort?: string,
  type: "LoadBalancer" | "ClusterIP" = "LoadBalancer",
): Service {
  const annotations = hostPort === undefined ? {} : { "local.meltemi.dev/host-port": hostPort };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", annotations },
    spec: { type, ports: ports.map((port) => ({ name: `p${port}`, port })) },
  };
}

function mapping(...services: Service[]): Record<string, number> {
  const { wishes } = planGatewayPorts(services);
  return Object.fromEntries(wishes.map(({ service, port, hostPort }) => [`${service}:${port}`, hostPort]));
}

test("planGatewayPorts() moves 80 and 443, leaves others, and keeps the health port inside", () => {
  assert.deepEqual(mapping(gateway("gate", [15021, 80, 443, 31400])), {
    "gate:80": 8080,
    "gate:443": 8443,
    "gate:31400": 31400,
  });
});

test("planGatewayPorts() obeys the annotation, for one port or for several", () => {
  assert.deepEqual(mapping(gateway("gate", [15021, 80, 443], "9080")), { "gate:80": 9080, "gate:443": 8443 });
  assert.deepEqual(mapping(gateway("gate", [80, 443], "80:9080, 443:9443")), {
    "gate:80": 9080,
    "gate:443": 9443,
  });
  assert.deepEqual(mapping(gateway("web", [80], "9000", "ClusterIP")), { "web:80": 9000 });
});

test("planGatewayPorts() leaves Services alone that nobody outside is to call", () => {
  assert.deepEqual(mapping(gateway("web", [80], undefined, "ClusterIP")), {});
});

test("planGatewayPorts() gives a port that two want to the first, and says so where it was asked for", () => {
  const plan = planGatewayPorts([gateway("two", [80], "8080"), gateway("one", [80])]);
  assert.deepEqual(
    plan.wishes.map(({ service, hostPort }) => [service, hostPort]),
    [
      ["one", 8080],
      ["two", 0],
    ],
  );
  assert.deepEqual(
    plan.problems.map(({ code }) => code),
    ["MLT3112"],
  );
});

test("planGatewayPorts() reports an annotation that it can't read", () => {
  const { problems } = planGatewayPorts([gateway("gate", [80], "high")]);
  assert.match(problems[0]?.message ?? "", /Cannot read host port "high"/);
});

test("parseGatewayListener() reads what gatewayListener() wrote, and nothing else", () => {
  const at = { namespace: "shop", service: "gate", port: 80 };
  assert.deepEqual(parseGatewayListener(gatewayListener(at)), at);
  assert.equal(parseGatewayListener("xds"), undefined);
});
