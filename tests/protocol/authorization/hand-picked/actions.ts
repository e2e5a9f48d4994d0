// By what policies do, alone and together, and by who decides.

import { ALLOWING_HEADER, DENIED_SOURCE } from "../authorizers.ts";
import type { Written } from "../policy-set.ts";
import { ALICE, DEV, from, type HandPicked, OLD } from "./hand-picked.ts";

const DENY_ADMIN: Written = { action: "DENY", rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }] };
const ALLOW_WEB: Written = { rules: [from({ principals: ["corp/ns/shop/sa/web"] })] };

export const byAction: readonly HandPicked[] = [
  { name: "no policy", policies: [], allowed: [{}, { identity: "none" }, { transport: "tcp" }], denied: [] },
  {
    name: "DENY alone",
    policies: [DENY_ADMIN],
    allowed: [{}, { identity: "none" }],
    denied: [{ path: "/admin" }, { path: "/admin/x" }],
  },
  {
    name: "DENY before ALLOW",
    policies: [ALLOW_WEB, DENY_ADMIN],
    allowed: [{}, { identity: OLD }],
    denied: [{ path: "/admin" }, { identity: "none" }, { identity: DEV }],
  },
  { name: "ALLOW without rules", policies: [{}], allowed: [], denied: [{}, { transport: "tcp" }] },
  {
    name: "DENY without rules",
    policies: [{ action: "DENY" }],
    allowed: [{}, { transport: "tcp" }],
    denied: [],
  },
  {
    name: "DENY of all",
    policies: [{ action: "DENY", rules: [{}] }],
    allowed: [],
    denied: [{}, { transport: "tcp" }],
  },
  {
    name: "AUDIT",
    policies: [{ action: "AUDIT", rules: [{}] }],
    allowed: [{}, { transport: "tcp" }],
    denied: [],
  },
  {
    name: "AUDIT beside ALLOW",
    policies: [{ action: "AUDIT", rules: [{}] }, ALLOW_WEB],
    allowed: [{}],
    denied: [{ identity: DEV }],
  },
  { name: "one of several ALLOWs", policies: [{}, ALLOW_WEB], allowed: [{}], denied: [{ identity: DEV }] },
  {
    name: "a dry run of DENY",
    policies: [{ ...DENY_ADMIN, isDryRun: true }],
    allowed: [{ path: "/admin" }],
    denied: [],
  },
  {
    name: "a dry run of ALLOW",
    policies: [{ isDryRun: true }],
    allowed: [{}, { transport: "tcp" }],
    denied: [],
  },
  {
    name: "a dry run beside what holds",
    policies: [ALLOW_WEB, { rules: [{}], isDryRun: true }, { action: "DENY", rules: [{}], isDryRun: true }],
    allowed: [{}, { transport: "tcp" }],
    denied: [{ identity: DEV }, { identity: DEV, transport: "tcp" }],
  },
];

const ASK = { http: { [ALLOWING_HEADER.http]: "yes" }, grpc: { [ALLOWING_HEADER.grpc]: "yes" } };
const asks = (name: string, path: string): Written => ({
  action: "CUSTOM",
  provider: { name },
  rules: [{ to: [{ operation: { paths: [path] } }] }],
});

export const byProvider: readonly HandPicked[] = [
  {
    name: "a provider that is asked by HTTP",
    policies: [asks("ask-http", "/a*")],
    allowed: [{}, { path: "/a", headers: ASK.http }],
    denied: [{ path: "/a" }, { path: "/a/b", headers: ASK.grpc }],
  },
  {
    name: "a provider that is asked by gRPC",
    policies: [asks("ask-grpc", "/a*")],
    allowed: [{}, { path: "/a", headers: ASK.grpc }, { transport: "tcp" }],
    denied: [
      { path: "/a" },
      { path: "/a", headers: ASK.http },
      { transport: "tcp", sourceAddress: DENIED_SOURCE },
    ],
  },
  {
    name: "two providers, each about its own",
    policies: [asks("ask-http", "/a*"), asks("ask-grpc", "*b")],
    allowed: [
      { path: "/c" },
      { path: "/a", headers: ASK.http },
      { path: "/b", headers: ASK.grpc },
      { path: "/ab", headers: { ...ASK.http, ...ASK.grpc } },
    ],
    denied: [
      { path: "/ab", headers: ASK.http },
      { path: "/ab", headers: ASK.grpc },
      { path: "/a", headers: ASK.grpc },
    ],
  },
  {
    name: "a provider, and then DENY and ALLOW",
    policies: [asks("ask-http", "/*"), DENY_ADMIN, ALLOW_WEB],
    allowed: [{ headers: ASK.http }],
    denied: [{}, { headers: ASK.http, path: "/admin" }, { headers: ASK.http, identity: DEV }],
  },
  {
    name: "a provider, which no token is shown",
    policies: [
      { action: "CUSTOM", provider: { name: "nobody" }, rules: [from({ requestPrincipals: ["*"] })] },
    ],
    allowed: [{ claims: ALICE }, {}],
    denied: [{ transport: "tcp" }],
  },
  {
    name: "a provider that isn't there",
    policies: [asks("nobody", "/a*")],
    allowed: [{}],
    denied: [{ path: "/a" }, { path: "/a", headers: ASK.http }, { transport: "tcp" }],
  },
  {
    name: "a dry run of a provider",
    policies: [{ ...asks("ask-http", "/*"), isDryRun: true }],
    allowed: [{}, { headers: ASK.http }],
    denied: [],
  },
];
