import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { ServerTlsSettings } from "../../kinds/gateway/server.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import { messageIn } from "../encode.ts";
import { gatewayServerTls } from "./downstream-tls.ts";

const meshSettings: ListenerSettings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" };

test("gatewayServerTls() leaves out cipher suites that Envoy doesn't know, and those that repeat", () => {
  const cipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256", "NOT-A-CIPHER", "ECDHE-RSA-AES128-GCM-SHA256"];
  const { tlsParams } = common({ mode: "SIMPLE", credentialName: "a", cipherSuites });
  assert.deepEqual(tlsParams?.cipherSuites, ["ECDHE-RSA-AES128-GCM-SHA256"]);
});

test("gatewayServerTls() limits key exchange to the curves that Envoy knows", () => {
  const { tlsParams } = common({ mode: "SIMPLE", credentialName: "a", ecdhCurves: ["P-384", "P-000"] });
  assert.deepEqual(tlsParams?.ecdhCurves, ["P-384"]);
});

for (const mode of ["SIMPLE", "ISTIO_MUTUAL"] as const) {
  test(`gatewayServerTls() of mode ${mode} offers the server's own ALPN in place of HTTP's`, () => {
    assert.deepEqual(common({ mode }).alpnProtocols, ["h2", "http/1.1"]);
    assert.deepEqual(common({ mode, alpnProtocols: ["http/1.1", "", "http/1.1"] }).alpnProtocols, [
      "http/1.1",
    ]);
  });
}

test("gatewayServerTls() lets in only who an ISTIO_MUTUAL server names", () => {
  const name = "spiffe://cluster.local/ns/a/sa/b";
  const { combinedValidationContext } = common({ mode: "ISTIO_MUTUAL", subjectAltNames: [name] });
  assert.deepEqual(combinedValidationContext?.defaultValidationContext.matchTypedSubjectAltNames, [
    { sanType: "URI", matcher: { exact: name } },
  ]);
});

test("gatewayServerTls() takes MeshConfig's defaults for what the server doesn't say", () => {
  const tlsDefaults = { cipherSuites: ["ECDHE-RSA-AES256-GCM-SHA384"], ecdhCurves: ["P-256"] };
  const silent = common({ mode: "SIMPLE", credentialName: "a" }, { tlsDefaults }).tlsParams;
  assert.deepEqual([silent?.cipherSuites, silent?.ecdhCurves], [["ECDHE-RSA-AES256-GCM-SHA384"], ["P-256"]]);
  const own = common({ mode: "SIMPLE", credentialName: "a", ecdhCurves: ["P-384"] }, { tlsDefaults });
  assert.deepEqual(own.tlsParams?.ecdhCurves, ["P-384"]);
});

test("gatewayServerTls() of mode ISTIO_MUTUAL is as mutual TLS between workloads", () => {
  const meshTls = { minProtocolVersion: "TLSV1_3" } as const;
  const { tlsParams } = common({ mode: "ISTIO_MUTUAL" }, { meshTls, tlsDefaults: { ecdhCurves: ["P-256"] } });
  assert.deepEqual([tlsParams?.tlsMinimumProtocolVersion, tlsParams?.ecdhCurves], ["TLSv1_3", undefined]);
});

interface CommonContext {
  readonly tlsParams?: {
    readonly cipherSuites?: readonly string[];
    readonly ecdhCurves?: readonly string[];
    readonly tlsMinimumProtocolVersion?: string;
  };
  readonly alpnProtocols?: readonly string[];
  readonly combinedValidationContext?: {
    readonly defaultValidationContext: { readonly matchTypedSubjectAltNames?: unknown };
  };
}

function common(settings: ServerTlsSettings, mesh: Partial<ListenerSettings> = {}): CommonContext {
  const socket = gatewayServerTls(
    { settings, secrets: ["kubernetes://a"] },
    { isHttp: true, settings: { ...meshSettings, ...mesh } },
  );
  const built = messageIn(DownstreamTlsContextSchema, socket.configType?.value);
  const context = toJson(DownstreamTlsContextSchema, create(DownstreamTlsContextSchema, built));
  return (context as unknown as { readonly commonTlsContext: CommonContext }).commonTlsContext;
}
