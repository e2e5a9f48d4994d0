import assert from "node:assert/strict";
import { test } from "node:test";
import { inputsOf, policyInputs } from "../../tests/support/authorization-fixture.ts";
import { anyRequest, httpCall, httpChain, tcpCall, tcpChain } from "../../tests/support/call-fixture.ts";
import type { AuthorizationRule } from "../kinds/authorization-policy/authorization-policy-spec.ts";
import type { AuthorizationInputs, AuthorizationPolicyInputs } from "../view/authorization-inputs.ts";
import type { Call } from "./call.ts";
import { decideCall } from "./decide-call.ts";
import type { Decision, Reason } from "./decision.ts";

const WEB = "cluster.local/ns/shop/sa/web";
const now = { nowSeconds: 1_800_000_000 };

function decide(call: Call, ...policies: readonly Partial<AuthorizationPolicyInputs>[]): Decision {
  return decideWith(call, inputsOf(policies.map(policyInputs)));
}

function decideWith(call: Call, inputs: AuthorizationInputs): Decision {
  const chain = call.request === undefined ? tcpChain(inputs) : httpChain(inputs);
  return decideCall(chain, call, now);
}

/** `denied by ns[shop]-policy[web]-rule[0]` */
function summary({ verdict, reason }: Decision): string {
  return `${verdict}: ${summaryOf(reason)}`;
}

function summaryOf(reason: Reason): string {
  switch (reason.kind) {
    case "rule":
      return `${reason.action} ${reason.rule.name}`;
    case "open":
      return `${reason.needs.join(", ")} for ${reason.rules.map(({ name }) => name).join(", ")}`;
    case "provider":
      return `${reason.provider} by ${reason.rule?.name}`;
    default:
      return reason.kind;
  }
}

const RULE = "ns[shop]-policy[web]-rule[0]";

/** By one ALLOW rule. */
function isAllowed(rule: AuthorizationRule, call: Call): boolean | "depends" {
  const { verdict } = decide(call, { rules: [rule] });
  return verdict === "depends" ? verdict : verdict === "allowed";
}

test("without policies a call is allowed, and no policy is named", () => {
  assert.equal(summary(decide(httpCall())), "allowed: no-policy");
  assert.equal(summary(decide(tcpCall({ serverName: "" }))), "allowed: no-policy");
});

test("the rule that matches is named", () => {
  const rules = [
    { to: [{ operation: { methods: ["POST"] } }] },
    { from: [{ source: { principals: [WEB] } }], to: [{ operation: { paths: ["/x*"] } }] },
  ];
  const call = httpCall({ principal: WEB, path: "/x/y?q=1" });
  assert.equal(summary(decide(call, { rules })), "allowed: ALLOW ns[shop]-policy[web]-rule[1]");
  const denied = decide(call, { rules }, { name: "no", action: "DENY", rules });
  assert.equal(summary(denied), "denied: DENY ns[shop]-policy[no]-rule[1]");
});

test("that refused callers are told why decides nothing", () => {
  const inputs = inputsOf(
    [policyInputs({ action: "DENY", rules: [{ to: [{ operation: { paths: ["/x"] } }] }] })],
    {
      explainsDenials: true,
    },
  );
  assert.equal(summary(decideWith(httpCall({ path: "/y" }), inputs)), "allowed: no-policy");
  assert.equal(summary(decideWith(httpCall({ path: "/x" }), inputs)), `denied: DENY ${RULE}`);
});

test("where ALLOW policies are there and none matches, their rules are named", () => {
  const { verdict, reason } = decide(httpCall({ method: "PUT" }), {
    rules: [{ to: [{ operation: { methods: ["GET"] } }] }],
  });
  assert.equal(verdict, "denied");
  assert.deepEqual(reason, {
    kind: "no-match",
    rules: [{ name: RULE, parsed: { policy: { namespace: "shop", name: "web" }, rule: 0 } }],
  });
});

test("each part of a source decides as Envoy decides it", () => {
  const by = (source: object, call: Call) => isAllowed({ from: [{ source }] }, call);
  const web = httpCall({ principal: WEB, sourceIp: "10.0.0.7" });
  assert.equal(by({ principals: [WEB] }, web), true);
  assert.equal(by({ principals: ["*/sa/web"] }, web), true);
  assert.equal(by({ principals: ["*"] }, httpCall()), false);
  assert.equal(by({ notPrincipals: [WEB] }, httpCall()), true);
  assert.equal(by({ namespaces: ["shop"] }, web), true);
  assert.equal(by({ namespaces: ["sho"] }, web), false);
  assert.equal(by({ serviceAccounts: ["web"] }, web), true);
  assert.equal(by({ ipBlocks: ["10.0.0.0/29"] }, web), true);
  assert.equal(by({ notIpBlocks: ["10.0.0.7"] }, web), false);
  assert.equal(by({ ipBlocks: ["10.0.0.0/29"] }, httpCall()), "depends");
  const forwarded = httpCall({ sourceIp: "10.0.0.7", headers: { "x-forwarded-for": "1.1.1.1, 8.8.8.8" } });
  assert.equal(by({ remoteIpBlocks: ["8.8.8.8"] }, forwarded), true);
  assert.equal(by({ ipBlocks: ["8.8.8.8"] }, forwarded), false);
});

test("each part of an operation decides as Envoy decides it", () => {
  const by = (operation: object, call: Call) => isAllowed({ to: [{ operation }] }, call);
  assert.equal(by({ hosts: ["WEB.shop*"] }, httpCall({ authority: "web.SHOP:80" })), true);
  assert.equal(by({ hosts: ["web"] }, httpCall({ authority: "web:80" })), false);
  assert.equal(by({ notMethods: ["GET"] }, httpCall()), false);
  assert.equal(by({ ports: ["8080"] }, httpCall()), true);
  assert.equal(by({ ports: ["80"] }, httpCall()), false);
  assert.equal(by({ paths: ["*/edit"] }, httpCall({ path: "/a/edit?x=/y" })), true);
  assert.equal(by({ paths: ["/a/{*}/edit"] }, httpCall({ path: "/a/b/edit" })), true);
  assert.equal(by({ paths: ["/a/{*}/edit"] }, httpCall({ path: "/a/b/c/edit" })), false);
  assert.equal(by({ paths: ["/a/{**}"] }, httpCall({ path: "/a/b/c/edit" })), true);
  assert.equal(by({ paths: ["/a/{**}"] }, httpCall({ path: "/ab" })), false);
});

test("conditions on headers, addresses and server names decide", () => {
  const by = (key: string, values: string[], call: Call) => isAllowed({ when: [{ key, values }] }, call);
  const call = httpCall({ headers: { "x-team": "blue" }, serverName: "web.shop" });
  assert.equal(by("request.headers[X-Team]", ["bl*"], call), true);
  assert.equal(by("request.headers[x-other]", ["*"], call), false);
  assert.equal(by("request.headers[x-request-id]", ["*"], call), "depends");
  assert.equal(by("destination.ip", ["10.0.0.0/24"], call), true);
  assert.equal(by("connection.sni", ["*.shop"], call), true);
  assert.equal(by("connection.sni", ["*.shop"], httpCall()), "depends");
  assert.equal(by("experimental.envoy.filters.network.x[y]", ["z"], call), "depends");
});

test("a path is seen as its normalization leaves it", () => {
  const rules = [{ to: [{ operation: { paths: ["/admin"] } }] }];
  for (const path of ["/admin", "/x/../admin", "/%61dmin", "/./admin?x", "/x/..;y/admin", "/.;/admin"]) {
    assert.equal(
      summary(decide(httpCall({ path }), { action: "DENY", rules })),
      `denied: DENY ${RULE}`,
      path,
    );
  }
  for (const path of ["//admin", "/x/%2e%2e;/admin", "/;/admin"])
    assert.equal(decide(httpCall({ path }), { action: "DENY", rules }).verdict, "allowed", path);
});

test("a host with a final dot is the host", () => {
  const rules = [{ to: [{ operation: { hosts: ["web", "web:80"] } }] }];
  for (const authority of ["web", "web.", "web.:80", "WEB."])
    assert.equal(decide(httpCall({ authority }), { action: "DENY", rules }).verdict, "denied", authority);
});

test("what isn't known of a call leaves open only what asks for it", () => {
  const paths = [{ to: [{ operation: { paths: ["/x"] } }] }];
  assert.equal(summary(decide(anyRequest(), { rules: paths })), `depends: the path for ${RULE}`);
  assert.equal(
    summary(decide(anyRequest(), { rules: [...paths, {}] })),
    "allowed: ALLOW ns[shop]-policy[web]-rule[1]",
  );
  const from = [{ from: [{ source: { namespaces: ["other"] } }], ...paths[0] }];
  assert.equal(decide(anyRequest({ principal: WEB }), { rules: from }).verdict, "denied");
});

test("a provider has the last word, unless rules refuse the call anyhow", () => {
  const custom = {
    name: "ask",
    action: "CUSTOM",
    provider: "opa",
    rules: [{ to: [{ operation: { paths: ["/x"] } }] }],
  } as const;
  const server = { hostname: "opa.shop", cluster: "outbound|80||opa.shop" };
  const providers = { opa: { kind: "http", settings: { service: "opa", port: 80 }, server } } as const;
  const decideCustom = (path: string, ...others: AuthorizationPolicyInputs[]) =>
    decideWith(httpCall({ path }), inputsOf([policyInputs(custom), ...others], { providers }));
  assert.equal(
    summary(decideCustom("/x")),
    "depends: opa by istio-ext-authz-opa-ns[shop]-policy[ask]-rule[0]",
  );
  assert.equal(summary(decideCustom("/y")), "allowed: no-policy");
  assert.equal(summary(decideCustom("/x", policyInputs({ action: "DENY" }))), `denied: DENY ${RULE}`);
});

test("audits and dry runs are told and decide nothing", () => {
  const decision = decide(httpCall(), { name: "log", action: "AUDIT" }, { action: "DENY", isDryRun: true });
  assert.equal(decision.verdict, "allowed");
  assert.deepEqual(
    decision.steps.map(({ action, result, isDryRun, matched }) => [
      action,
      result,
      isDryRun ?? false,
      matched,
    ]),
    [
      ["AUDIT", "passes", false, "ns[shop]-policy[log]-rule[0]"],
      ["DENY", "denies", true, RULE],
    ],
  );
});

test("connections of bytes are decided by what they show", () => {
  const from = [{ source: { principals: [WEB] } }];
  const web = tcpCall({ principal: WEB, serverName: "" });
  assert.equal(summary(decide(web, { rules: [{ from }] })), `allowed: ALLOW ${RULE}`);
  const other = tcpCall({ principal: "cluster.local/ns/shop/sa/other", serverName: "" });
  assert.equal(decide(other, { rules: [{ from }] }).reason.kind, "no-match");
  // What is of HTTP can't be said of it: the rule denies more, and allows nothing.
  const post = [{ from, to: [{ operation: { methods: ["POST"] } }] }];
  assert.equal(decide(web, { action: "DENY", rules: post }).verdict, "denied");
  assert.equal(decide(web, { rules: post }).verdict, "denied");
  assert.equal(decide(web, { rules: [{ to: [{ operation: { ports: ["8080"] } }] }] }).verdict, "allowed");
});

test("a condition that stands for rules closes what it can't say", () => {
  // CEL has no ranges of IPv6 that begin within a group.
  const rules = [{ from: [{ source: { ipBlocks: ["fd00::/9"] } }] }];
  const call = tcpCall({ principal: WEB, sourceIp: "fd01::1", serverName: "" });
  assert.equal(summary(decide(call, { rules })), "denied: closed");
});
