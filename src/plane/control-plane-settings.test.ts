import assert from "node:assert/strict";
import { test } from "node:test";
import { parseControlPlaneSettings } from "./control-plane-settings.ts";

test("parseControlPlaneSettings() takes the local mode's two words", () => {
  const args = ["--state-dir", "/s", "--xds-socket", "/x"];
  assert.deepEqual(parseControlPlaneSettings(args), {
    mode: "local",
    stateDirectory: "/s",
    xdsSocket: "/x",
    tlsCompliance: undefined,
  });
  assert.equal(parseControlPlaneSettings(["--state-dir", "/s"]), undefined);
});

test("parseControlPlaneSettings() completes a pod's settings from its environment, flags first", () => {
  const environment = {
    POD_NAMESPACE: "mesh",
    POD_NAME: "meltemi-1",
    REVISION: "one",
  };
  const settings = parseControlPlaneSettings(["--kubernetes", "--revision", "two"], environment);
  assert.ok(settings?.mode === "kubernetes");
  const { namespace, podName, revision, xdsPort, monitoringPort, plaintextPort } = settings;
  assert.deepEqual([namespace, podName, revision], ["mesh", "meltemi-1", "two"]);
  assert.deepEqual([xdsPort, monitoringPort, plaintextPort], [15012, 15014, undefined]);
});

test("parseControlPlaneSettings() throws for unknown words and wrong ports", () => {
  assert.throws(() => parseControlPlaneSettings(["--what"]), /--what/);
  assert.throws(() => parseControlPlaneSettings(["--kubernetes", "--xds-port", "x"]), /"x" isn't a port/);
});

test("parseControlPlaneSettings() reads the age at which connections end, 30 minutes by default", () => {
  const ageOf = (age?: string) => {
    const settings = parseControlPlaneSettings(["--kubernetes"], {
      KEEPALIVE_MAX_SERVER_CONNECTION_AGE: age,
    });
    return settings?.mode === "kubernetes" ? settings.maxConnectionAgeMs : undefined;
  };
  assert.equal(ageOf(), 30 * 60_000);
  assert.equal(ageOf("1h30m"), 90 * 60_000);
  for (const wrong of ["soon", "0s", "-5m", "30"])
    assert.throws(
      () => ageOf(wrong),
      /KEEPALIVE_MAX_SERVER_CONNECTION_AGE ".*" isn't a duration of at least 1s/,
    );
});

test("parseControlPlaneSettings() reads where no keys are fetched from, and stops at what isn't a range", () => {
  const countOf = (ranges?: string) => {
    const settings = parseControlPlaneSettings(["--kubernetes"], { BLOCKED_CIDRS_IN_JWKS_URIS: ranges });
    return settings?.mode === "kubernetes" ? settings.forbiddenKeyAddresses.length : undefined;
  };
  assert.equal(countOf(), 0);
  assert.equal(countOf("10.0.0.0/8, fd00::/8,"), 2);
  assert.throws(() => countOf("10.0.0.0/8,ten"), /BLOCKED_CIDRS_IN_JWKS_URIS: "ten" isn't a range/);
});

test("parseControlPlaneSettings() reads the compliance of TLS, and stops at a name that isn't known", () => {
  const complianceOf = (name?: string) =>
    parseControlPlaneSettings(["--kubernetes"], { COMPLIANCE_POLICY: name })?.tlsCompliance;
  assert.deepEqual(["", "fips-140-2", "pqc"].map(complianceOf), [undefined, "fips-140-2", "pqc"]);
  assert.throws(
    () => complianceOf("fips"),
    /COMPLIANCE_POLICY "fips" isn't known, wanted one of fips-140-2, pqc/,
  );
});
