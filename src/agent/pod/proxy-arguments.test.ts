import assert from "node:assert/strict";
import { test } from "node:test";
import { hasIpv6, podAddresses } from "./pod-addresses.ts";
import { parseProxyArguments, readControlPlane, readDrainTimes, readSecretTtlMs } from "./proxy-arguments.ts";

const injected = [
  "sidecar",
  "--domain",
  "shop.svc.cluster.example",
  "--proxyLogLevel=info",
  "--proxyComponentLogLevel=misc:error",
  "--log_output_level=default:info",
];

test("parseProxyArguments() reads what injection writes", () => {
  const env = { PROXY_CONFIG: '{"concurrency":3}', ISTIO_CPU_LIMIT: "8" };
  assert.deepEqual(parseProxyArguments(injected, env), {
    role: "sidecar",
    clusterDomain: "cluster.example",
    logLevel: "info",
    componentLogLevel: "misc:error",
    agentLogLevel: "info",
    concurrency: 3,
  });
});

const concurrencies = [
  { env: { ISTIO_CPU_LIMIT: "4" }, wanted: 4 },
  { env: { ISTIO_CPU_LIMIT: "0.5" }, wanted: 1 },
  { env: {}, wanted: 2 },
  { env: { PROXY_CONFIG: '{"concurrency":0}', ISTIO_CPU_LIMIT: "4" }, wanted: undefined },
];

for (const { env, wanted } of concurrencies) {
  test(`parseProxyArguments() runs ${wanted ?? "all cores'"} workers for ${JSON.stringify(env)}`, () => {
    assert.equal(parseProxyArguments(["router"], env).concurrency, wanted);
  });
}

test("readDrainTimes() takes ProxyConfig's durations", () => {
  const PROXY_CONFIG = '{"terminationDrainDuration":"1m30s","drainDuration":"2s"}';
  const { terminationDrainMs, drainTimeSeconds } = readDrainTimes({ PROXY_CONFIG });
  assert.deepEqual([terminationDrainMs, drainTimeSeconds], [90_000, 2]);
  assert.equal(readDrainTimes({}).terminationDrainMs, 5_000);
});

test("readDrainTimes() refuses what isn't a time", () => {
  const PROXY_CONFIG = '{"terminationDrainDuration":"soon"}';
  assert.throws(() => readDrainTimes({ PROXY_CONFIG }), /Cannot read terminationDrainDuration "soon"/);
  assert.throws(() => readDrainTimes({ MINIMUM_DRAIN_DURATION: "5" }), /MINIMUM_DRAIN_DURATION "5"/);
  assert.throws(
    () => readSecretTtlMs({ SECRET_TTL: "500ms" }),
    /SECRET_TTL "500ms": wanted a duration of at least 1s/,
  );
});

test("readControlPlane() verifies the name that it dials", () => {
  const wanted = { host: "meltemi-canary.mesh.svc", port: 15012, serverName: "meltemi-canary.mesh.svc" };
  assert.deepEqual(
    readControlPlane({ PROXY_CONFIG: '{"discoveryAddress":"meltemi-canary.mesh.svc:15012"}' }, ""),
    wanted,
  );
});

test("readControlPlane() takes an address whose certificate has another name", () => {
  const found = readControlPlane({ ISTIOD_SAN: "mesh.example" }, "[fd00::1]:15012");
  assert.deepEqual(found, { host: "fd00::1", port: 15012, serverName: "mesh.example" });
});

test("readControlPlane() dials in plaintext only where that was asked for", () => {
  assert.equal(
    readControlPlane({ PROXY_CONFIG: '{"controlPlaneAuthPolicy":"NONE"}' }, "a:1").serverName,
    undefined,
  );
});

test("podAddresses() leads with kubelet's address and leaves out link-local ones", () => {
  const address = (text: string, internal = false) =>
    ({ address: text, internal }) as NonNullable<
      ReturnType<typeof import("node:os").networkInterfaces>[string]
    >[number];
  const interfaces = {
    lo: [address("127.0.0.1", true)],
    eth0: [address("fe80::1"), address("10.0.0.5"), address("fd00::5")],
  };
  assert.deepEqual(podAddresses(interfaces, "fd00::5"), ["fd00::5", "10.0.0.5"]);
  assert.ok(hasIpv6(["10.0.0.5", "fd00::5"]) && !hasIpv6(["10.0.0.5"]));
});

for (const { text, level } of [
  { text: "default:debug", level: "debug" },
  { text: "default:info,xds:warn", level: "info" },
  { text: "error", level: "error" },
  { text: "xds:debug", level: undefined },
]) {
  test(`parseProxyArguments() reads the agent's log level of ${text}`, () => {
    const { agentLogLevel } = parseProxyArguments(["sidecar", `--log_output_level=${text}`], {});
    assert.equal(agentLogLevel, level);
  });
}
