import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture, objectsOf } from "../../tests/support/mesh-fixture.ts";
import { meshAround, policyText } from "../../tests/support/policy-problems-fixture.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { declareProblemIndexes } from "../model/problems/problem-indexes.ts";
import { declareProblems } from "../model/problems/problems.ts";
import { createSubmittedProblems, type SubmissionLimits } from "./submitted-policies.ts";

const ASKED = "{ name: a, envoyExtAuthzGrpc: { service: a.infra, port: 1 } }";
const MESH = `{ extensionProviders: [${ASKED}, ${ASKED.replace("name: a", "name: b")}] }`;
const custom = (provider: string) => `{ action: CUSTOM, provider: { name: ${provider} }, rules: [{}] }`;

function plane(limits?: SubmissionLimits) {
  const { graph, sources, model, put } = meshFixture();
  const indexes = declareProblemIndexes(graph, sources, model);
  const problems = declareProblems(graph, sources, model, indexes);
  const clock = new ManualClock();
  const mesh = { sources, model, indexes, clock, log: silentLogger };
  const submitted = createSubmittedProblems({ ...mesh, ...(limits && { limits }) });
  put(meshAround({ mesh: MESH }));
  return { problems, clock, put, submitted };
}

function only(text: string): KubernetesObject {
  const [object] = objectsOf(text);
  assert.ok(object !== undefined);
  return object;
}

const policies = [
  "{}",
  "{ rules: [{ from: [{ source: { namespaces: [shop] } }] }] }",
  "{ selector: { matchLabels: { app: nobody } }, action: DENY, rules: [{ from: [{ source: { principals: [cluster.local/ns/x/sa/y] } }] }] }",
  "{ action: DENY, rules: [{ to: [{ operation: { paths: ['/a/../b'], notPaths: ['/*'] } }] }] }",
  "{ targetRefs: [{ group: core, kind: Service, name: web }], rules: [{ when: [{ key: 'request.auth.claims[a]', values: [b] }] }] }",
  custom("nobody"),
  custom("a"),
];

for (const spec of policies) {
  test(`a policy that is submitted has the problems that it has when it is stored: ${spec}`, async () => {
    const { problems, put, submitted } = plane();
    const said = await submitted(only(policyText(spec)));
    put(policyText(spec));
    const stored = (problems.get("AuthorizationPolicy/shop/p") ?? []).filter(
      ({ code }) => code !== "MLT2048",
    );
    assert.deepEqual(said, stored);
    assert.equal(said.length > 0, spec !== custom("a"));
    assert.deepEqual(await submitted(only(policyText(spec))), said);
  });
}

test("a policy is judged by what is submitted of it, and not by what is stored", async () => {
  const { put, submitted } = plane();
  put(policyText(custom("a")));
  assert.deepEqual(await submitted(only(policyText(custom("b")))), []);
  const peers = (name: string, created: string, labels: string) =>
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: ${name}, namespace: shop, creationTimestamp: "${created}" }\nspec: { selector: { matchLabels: ${labels} } }\n`;
  put(
    [
      peers("new", "2026-02-01T00:00:00Z", "{ app: web }"),
      peers("old", "2026-01-01T00:00:00Z", "{ app: db }"),
    ].join("\n---\n"),
  );
  const codes = async (text: string) => (await submitted(only(text))).map(({ code }) => code);
  assert.deepEqual(await codes(peers("old", "2026-01-01T00:00:00Z", "{ app: web }")), []);
  assert.deepEqual(await codes(peers("new", "2026-02-01T00:00:00Z", "{ app: db }")), ["MLT2014"]);
  assert.deepEqual(await codes(peers("newest", "2026-03-01T00:00:00Z", "{ app: db }")), ["MLT2014"]);
});

test("other kinds have none, and keys that aren't fetched yet aren't a problem of a policy that isn't stored", async () => {
  const { submitted } = plane();
  const login = `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: { name: login, namespace: shop }\nspec: { jwtRules: [{ issuer: idp, jwksUri: "https://idp.example/keys" }] }\n`;
  assert.deepEqual(await submitted(only(login)), []);
  const service =
    "apiVersion: v1\nkind: Service\nmetadata: { name: x, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n";
  assert.deepEqual(await submitted(only(service)), []);
});

test("rows, time and how many wait are bounded, and others have their turn meanwhile", async () => {
  const policy = only(policyText(custom("nobody")));
  const limits = { maxWaiting: 2, maxMs: 100, maxRows: 1_000 };
  assert.deepEqual(await plane({ ...limits, maxRows: 0 }).submitted(policy), []);
  const { submitted, clock } = plane(limits);
  const three = [policy, policy, policy].map((each) => submitted(each));
  const found = await Promise.all(three);
  assert.deepEqual(
    found.map((each) => each.length > 0),
    [true, true, false],
  );
  const late = submitted(policy);
  clock.advance(101);
  assert.deepEqual(await late, []);
  let turnCount = 0;
  let isDone = false;
  const turn = () => {
    turnCount += 1;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  assert.ok((await submitted(policy)).length > 0);
  isDone = true;
  assert.ok(turnCount > 5, String(turnCount));
});
