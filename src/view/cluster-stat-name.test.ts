import assert from "node:assert/strict";
import { test } from "node:test";
import { type StatNameFacts, statNameOf } from "./cluster-stat-name.ts";

const REVIEWS: StatNameFacts = {
  service: { hostname: "reviews.prod.svc.cluster.local", name: "reviews", namespace: "prod" },
  port: { number: 7443, name: "grpc-svc" },
  subset: "v1",
};

const EXTERNAL: StatNameFacts = {
  ...REVIEWS,
  service: { hostname: "api.example.com", name: "api", namespace: "prod" },
};

const cases: readonly (readonly [pattern: string, facts: StatNameFacts, name: string | undefined])[] = [
  ["", REVIEWS, undefined],
  ["%SERVICE%", REVIEWS, "reviews.prod"],
  ["%SERVICE%", EXTERNAL, "api.example.com"],
  ["%SERVICE_NAME%", REVIEWS, "reviews"],
  ["%SERVICE_NAME%", EXTERNAL, "api.example.com"],
  ["%SERVICE_FQDN%_%SERVICE_PORT%", REVIEWS, "reviews.prod.svc.cluster.local_7443"],
  ["%SERVICE%_%SERVICE_PORT_NAME%_%SERVICE_PORT%", REVIEWS, "reviews.prod_grpc-svc_7443"],
  ["%SERVICE%.%SUBSET_NAME%", REVIEWS, "reviews.prod.v1"],
  ["local_%TARGET_PORT%", { ...REVIEWS, targetPort: 80 }, "local_80"],
  ["%TARGET_PORT%", REVIEWS, "%TARGET_PORT%"],
  ["100%_%OTHER%_%SERVICE%%SERVICE%", REVIEWS, "100%_%OTHER%_reviews.prodreviews.prod"],
  // What a variable stands for is no pattern, of variables or of JavaScript.
  ["%SUBSET_NAME%", { ...REVIEWS, subset: "$&%SERVICE%" }, "$&%SERVICE%"],
];

for (const [pattern, facts, name] of cases)
  test(`statNameOf() makes ${name ?? "no name"} of "${pattern}" for ${facts.service.hostname}`, () => {
    assert.equal(statNameOf(pattern, facts).statName, name);
  });
