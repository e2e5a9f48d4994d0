import assert from "node:assert/strict";
import { test } from "node:test";
import { TlsParameters_TlsProtocol as Protocol } from "../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { tlsParameters, withTlsDefaults } from "./tls-parameters.ts";

test("tlsParameters() takes TLS 1.2 and newer where nothing is said", () => {
  assert.deepEqual(tlsParameters({}), {
    tlsMinimumProtocolVersion: Protocol.TLSv1_2,
    cipherSuites: [],
    ecdhCurves: [],
  });
});

test("tlsParameters() leaves out what Envoy doesn't know, and repetitions", () => {
  const { cipherSuites, ecdhCurves } = tlsParameters({
    cipherSuites: ["AES128-SHA", "NONE", "AES128-SHA"],
    ecdhCurves: ["P-000", "P-256"],
  });
  assert.deepEqual([cipherSuites, ecdhCurves], [["AES128-SHA"], ["P-256"]]);
});

test("tlsParameters() knows every name of each policy of compliance, which overrules what is written", () => {
  const written = { minProtocolVersion: "TLSV1_0", cipherSuites: ["AES128-SHA"], ecdhCurves: ["P-521"] };
  assert.deepEqual(tlsParameters(written, "fips-140-2"), {
    tlsMinimumProtocolVersion: Protocol.TLSv1_2,
    tlsMaximumProtocolVersion: Protocol.TLSv1_2,
    cipherSuites: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
    ],
    ecdhCurves: ["P-256"],
  });
  assert.deepEqual(tlsParameters(written, "pqc"), {
    tlsMinimumProtocolVersion: Protocol.TLSv1_3,
    tlsMaximumProtocolVersion: Protocol.TLSv1_3,
    cipherSuites: [],
    ecdhCurves: ["X25519MLKEM768"],
  });
});

test("withTlsDefaults() fills in what isn't limited", () => {
  const defaults = { cipherSuites: ["AES128-SHA"], ecdhCurves: ["P-256"] };
  const filled = withTlsDefaults({ minProtocolVersion: "TLSV1_3", ecdhCurves: ["P-384"] }, defaults);
  assert.deepEqual(filled, {
    minProtocolVersion: "TLSV1_3",
    cipherSuites: ["AES128-SHA"],
    ecdhCurves: ["P-384"],
  });
});
