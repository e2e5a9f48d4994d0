// Options of external providers, each with what is to become of a request by it.

import type {
  EnvoyExternalAuthorizationGrpcProvider,
  EnvoyExternalAuthorizationHttpProvider,
} from "../../../src/kinds/mesh-config/extension-provider.ts";

type HttpOptions = Partial<EnvoyExternalAuthorizationHttpProvider>;
type GrpcOptions = Partial<EnvoyExternalAuthorizationGrpcProvider>;

/** What differs between the listeners. `isDead`: nobody answers at the provider's address. */
export type AskedProvider =
  | { readonly kind: "http"; readonly options?: HttpOptions; readonly isDead?: true }
  | { readonly kind: "grpc"; readonly options?: GrpcOptions; readonly isDead?: true };

interface WantedOutcome {
  readonly status: number;
  /** Of the answer. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** As the provider, and as the server was sent them; `:path` and `:body` are the request's. */
  readonly asked?: Readonly<Record<string, string | undefined>>;
  readonly served?: Readonly<Record<string, string | undefined>>;
}

export interface ProviderCase {
  readonly name: string;
  readonly provider: AskedProvider;
  /** Its first word is what the provider does. */
  readonly path: "/allow" | "/deny" | "/hang";
  readonly body?: string;
  readonly wanted: WantedOutcome;
}

const http = (options: HttpOptions = {}) => ({ kind: "http", options }) as const;
const grpc = (options: GrpcOptions = {}) => ({ kind: "grpc", options }) as const;
const BODY = { maxRequestBytes: 4, allowPartialMessage: true };

export const providerCases: readonly ProviderCase[] = [
  {
    name: "without options the provider is told little, and server and caller nothing",
    provider: http(),
    path: "/allow",
    wanted: {
      status: 200,
      headers: { "x-reply": undefined },
      asked: { ":path": "/allow", "x-client": undefined, authorization: "secret" },
      served: { "x-user": undefined, "x-reply": undefined, "x-client": "here" },
    },
  },
  {
    name: "a refusal is the caller's answer, with all that the provider says",
    provider: http(),
    path: "/deny",
    wanted: { status: 401, headers: { "x-reply": "deny", "x-user": "ann" } },
  },
  {
    name: "pathPrefix",
    provider: http({ pathPrefix: "/check" }),
    path: "/allow",
    wanted: { status: 200, asked: { ":path": "/check/allow" } },
  },
  {
    name: "includeRequestHeadersInCheck",
    provider: http({ includeRequestHeadersInCheck: ["x-cli*"] }),
    path: "/allow",
    wanted: { status: 200, asked: { "x-client": "here", "x-other": undefined } },
  },
  {
    name: "includeHeadersInCheck, its old name",
    provider: http({ includeHeadersInCheck: ["x-other"] }),
    path: "/allow",
    wanted: { status: 200, asked: { "x-client": undefined, "x-other": "there" } },
  },
  {
    name: "includeAdditionalHeadersInCheck, over the caller's own",
    provider: http({ includeAdditionalHeadersInCheck: { "x-client": "mesh", "x-mesh": "yes" } }),
    path: "/allow",
    wanted: { status: 200, asked: { "x-client": "mesh", "x-mesh": "yes" } },
  },
  {
    name: "includeRequestBodyInCheck",
    provider: http({ includeRequestBodyInCheck: BODY }),
    path: "/allow",
    body: "much of it",
    wanted: { status: 200, asked: { ":body": "much" }, served: { ":body": "much of it" } },
  },
  {
    name: "includeRequestBodyInCheck, where a part isn't enough",
    provider: http({ includeRequestBodyInCheck: { maxRequestBytes: 4 } }),
    path: "/allow",
    body: "much of it",
    wanted: { status: 413 },
  },
  {
    name: "headersToUpstreamOnAllow",
    provider: http({ headersToUpstreamOnAllow: ["x-us*"] }),
    path: "/allow",
    wanted: { status: 200, served: { "x-user": "ann", "x-reply": undefined } },
  },
  {
    name: "headersToDownstreamOnAllow",
    provider: http({ headersToDownstreamOnAllow: ["x-reply"] }),
    path: "/allow",
    wanted: { status: 200, headers: { "x-reply": "allow", "x-user": undefined } },
  },
  {
    name: "headersToDownstreamOnDeny",
    provider: http({ headersToDownstreamOnDeny: ["x-reply"] }),
    path: "/deny",
    wanted: { status: 401, headers: { "x-reply": "deny", "x-user": undefined } },
  },
  {
    name: "clearRouteCache",
    provider: http({ headersToUpstreamOnAllow: ["x-user"], clearRouteCache: true }),
    path: "/allow",
    wanted: { status: 202 },
  },
  { name: "timeout", provider: http({ timeout: "0.2s" }), path: "/hang", wanted: { status: 403 } },
  {
    name: "statusOnError",
    provider: { ...http({ statusOnError: "503" }), isDead: true },
    path: "/allow",
    wanted: { status: 503 },
  },
  {
    name: "a provider that is away",
    provider: { ...http(), isDead: true },
    path: "/allow",
    wanted: { status: 403 },
  },
  {
    name: "failOpen",
    provider: { ...http({ failOpen: true }), isDead: true },
    path: "/deny",
    wanted: { status: 200 },
  },
  {
    name: "all headers are told by gRPC, and all that is answered is passed on",
    provider: grpc(),
    path: "/allow",
    wanted: { status: 200, asked: { "x-client": "here", ":body": "" }, served: { "x-user": "ann" } },
  },
  {
    name: "a refusal",
    provider: grpc(),
    path: "/deny",
    wanted: { status: 401, headers: { "x-reply": "deny" } },
  },
  {
    name: "includeRequestBodyInCheck",
    provider: grpc({ includeRequestBodyInCheck: BODY }),
    path: "/allow",
    body: "much of it",
    wanted: { status: 200, asked: { ":body": "much" }, served: { ":body": "much of it" } },
  },
  {
    name: "includeRequestBodyInCheck, packed as bytes",
    provider: grpc({ includeRequestBodyInCheck: { ...BODY, packAsBytes: true } }),
    path: "/allow",
    body: "much of it",
    wanted: { status: 200, asked: { ":body": "", ":raw-body": "much" } },
  },
  {
    name: "clearRouteCache",
    provider: grpc({ clearRouteCache: true }),
    path: "/allow",
    wanted: { status: 202 },
  },
  { name: "timeout", provider: grpc({ timeout: "0.2s" }), path: "/hang", wanted: { status: 403 } },
  {
    name: "statusOnError",
    provider: { ...grpc({ statusOnError: "429" }), isDead: true },
    path: "/allow",
    wanted: { status: 429 },
  },
  {
    name: "failOpen",
    provider: { ...grpc({ failOpen: true }), isDead: true },
    path: "/deny",
    wanted: { status: 200 },
  },
];
