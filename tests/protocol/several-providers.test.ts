// From one provider that is asked about connections to several, and back: the listener changes, and meanwhile nothing is
// more open or more closed than before or after.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { objectKey } from "../../src/core/object-key.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { startGrpcAuthorizer } from "./authorization/authorizers.ts";
import { findEnvoy } from "./envoy-process.ts";
import { type GatewayUnderPlane, startGateway } from "./gateway-under-plane.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

interface Provider {
  readonly name: string;
  readonly port: number;
  allows: boolean;
  askedCount: number;
}

async function startProvider(t: TestContext, name: string): Promise<Provider> {
  const provider = { name, port: 0, allows: true, askedCount: 0 };
  provider.port = await startGrpcAuthorizer(t, () => {
    provider.askedCount += 1;
    return provider.allows;
  });
  return provider;
}

const entry = ({ name, port }: Provider) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  resolution: STATIC
  ports: [{ number: ${port}, name: grpc, protocol: GRPC }]
  endpoints: [{ address: 127.0.0.1 }]
`;

const meshConfig = (providers: readonly Provider[]) => `
kind: MeshConfig
metadata: { name: mesh }
spec:
  extensionProviders:
    ${providers
      .map(
        ({ name, port }) =>
          `- { name: ${name}, envoyExtAuthzGrpc: { service: ${name}.example.com, port: ${port} } }`,
      )
      .join("\n    ")}
`;

const asks = ({ name }: Provider, port: number) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec: { action: CUSTOM, provider: { name: ${name} }, rules: [{ to: [{ operation: { ports: ["${port}"] } }] }] }
`;

async function startAsking(t: TestContext) {
  const first = await startProvider(t, "first");
  const second = await startProvider(t, "second");
  const gateway = await startGateway(t, ({ tcpPort }) => [
    ...[first, second].map(entry),
    meshConfig([first, second]),
    asks(first, tcpPort),
  ]);
  return { gateway, first, second };
}

/** Opens one connection after another while `change` is made; returns how many were answered, and how many not. */
async function probed(gateway: GatewayUnderPlane, change: () => Promise<void>) {
  const counts = { answered: 0, refused: 0 };
  let isOver = false;
  const probe = async () => {
    while (!isOver) counts[(await gateway.isEchoed()) ? "answered" : "refused"] += 1;
  };
  const probes = [probe(), probe(), probe()];
  await change();
  isOver = true;
  await Promise.all(probes);
  return counts;
}

async function untilAsked(provider: Provider): Promise<void> {
  const before = provider.askedCount;
  await eventually(async () => assert.ok(provider.askedCount > before));
}

/** With what was on its way to it answered. */
async function untilNotAsked(gateway: GatewayUnderPlane, provider: Provider): Promise<void> {
  await eventually(async () => {
    const before = provider.askedCount;
    for (let connection = 0; connection < 5; connection += 1) await gateway.isEchoed();
    assert.equal(provider.askedCount, before);
  });
}

for (const [what, firstAllows, expected] of [
  ["lets in", true, "answered"],
  ["keeps out", false, "refused"],
] as const) {
  test(`a second provider comes and goes, and whom the first one ${what} stays so meanwhile`, {
    skip,
  }, async (t) => {
    const { gateway, first, second } = await startAsking(t);
    const other = expected === "answered" ? "refused" : "answered";
    first.allows = firstAllows;
    await untilAskedBy(gateway, first);
    const held = firstAllows ? await gateway.hold() : undefined;
    const coming = await probed(gateway, async () => {
      gateway.apply(asks(second, gateway.tcpPort));
      await (firstAllows ? untilAsked(second) : untilNumbered(gateway, true));
    });
    assert.deepEqual([coming[expected] > 0, coming[other]], [true, 0]);
    const going = await probed(gateway, async () => {
      gateway.plane.intake.change(
        [],
        [objectKey({ kind: "AuthorizationPolicy", namespace: "shop", name: "second" })],
      );
      gateway.plane.intake.flush();
      await untilNumbered(gateway, false);
      await untilNotAsked(gateway, second);
    });
    assert.deepEqual([going[expected] > 0, going[other]], [true, 0]);
    // The port of HTTP has nothing to do with it.
    const closed = (await held?.closed()) ?? [];
    assert.deepEqual(
      closed.filter((each) => each !== "bytes"),
      [],
    );
  });
}

test("whom only the second one keeps out is let in until it is asked, and never after", {
  skip,
}, async (t) => {
  const { gateway, first, second } = await startAsking(t);
  await untilAskedBy(gateway, first);
  second.allows = false;
  gateway.apply(asks(second, gateway.tcpPort));
  await eventually(async () => assert.equal(await gateway.isEchoed(), false));
  await untilNumbered(gateway, true);
  const { answered } = await probed(gateway, () => untilAsked(second));
  assert.equal(answered, 0);
});

async function untilAskedBy(gateway: GatewayUnderPlane, provider: Provider): Promise<void> {
  await eventually(async () => {
    const before = provider.askedCount;
    await gateway.isEchoed();
    assert.ok(provider.askedCount > before);
  });
}

/** The listener in use has slots for several, or for one. */
async function untilNumbered(gateway: GatewayUnderPlane, isNumbered: boolean): Promise<void> {
  await eventually(async () => {
    const dump: unknown = JSON.parse(await gateway.listenerText());
    const active = JSON.stringify(dump, (key, value) =>
      key === "warming_state" || key === "draining_state" ? undefined : value,
    );
    assert.equal(active.includes("custom-authorization-rules-1"), isNumbered);
  });
}
