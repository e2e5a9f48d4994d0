import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { ServerTlsSettings } from "../../kinds/gateway/server.ts";
import { messageIn } from "../encode.ts";
import { gatewayServerTls } from "./downstream-tls.ts";

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

interface CommonContext {
  readonly tlsParams?: {
    readonly cipherSuites?: readonly string[];
    readonly ecdhCurves?: readonly string[];
  };
  readonly alpnProtocols?: readonly string[];
  readonly combinedValidationContext?: {
    readonly defaultValidationContext: { readonly matchTypedSubjectAltNames?: unknown };
  };
}

function common(settings: ServerTlsSettings): CommonContext {
  const socket = gatewayServerTls({ settings, secrets: ["kubernetes://a"] }, true);
  const built = messageIn(DownstreamTlsContextSchema, socket.configType?.value);
  const context = toJson(DownstreamTlsContextSchema, create(DownstreamTlsContextSchema, built));
  return (context as unknown as { readonly commonTlsContext: CommonContext }).commonTlsContext;
}
