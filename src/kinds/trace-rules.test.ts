import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTracer, checkTraceTags } from "./trace-rules.ts";

test("checkTraceTags() wants one source of each tag, and something in it", () => {
  const found = [
    ...checkTraceTags("tags", {
      good: { header: { name: ":path" } },
      none: {},
      literal: { literal: { value: "" } },
      variable: { environment: { name: "" } },
      header: { header: { name: "a b" } },
      formatter: { formatter: { value: "" } },
    }),
  ].map(({ path }) => path);
  assert.deepEqual(found, [
    "tags",
    "tags.literal.literal.value",
    "tags.variable.environment.name",
    "tags.header.header.name",
    "tags.formatter.formatter.value",
  ]);
});

test("checkTracer() wants headers that can be sent, and quotes no value", () => {
  const secret = "s3cret\n";
  const found = [
    ...checkTracer("provider", {
      opentelemetry: {
        service: "a.b",
        port: 1,
        http: {
          timeout: "0.0001s",
          headers: [
            { name: "authorization", value: secret },
            { name: "a b", value: "c" },
          ],
        },
      },
    }),
  ];
  assert.deepEqual(
    found.map(({ path }) => path),
    ["timeout", "headers[0].value", "headers[1].name"].map((name) => `provider.opentelemetry.http.${name}`),
  );
  assert.doesNotMatch(JSON.stringify(found), /s3cret/);
});
