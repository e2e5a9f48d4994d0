import assert from "node:assert/strict";
import { test } from "node:test";
import { buildServiceRules, planServiceUpdate, type ServiceVip } from "./service-rules.ts";

const none = buildServiceRules([]);

function service(targets: readonly string[], vip = "10.96.0.1"): ServiceVip {
  return { vip, ports: [{ port: 80, protocol: "TCP", targets }] };
}

test("planServiceUpdate() picks each of n endpoints with the same chance", () => {
  const rules = buildServiceRules([service(["10.244.0.2:80", "10.244.0.3:80", "10.244.0.4:80"])]);
  const text = planServiceUpdate(none, rules) ?? "";
  const chain =
    /-A MELTEMI-SERVICES -d 10\.96\.0\.1\/32 -p tcp -m tcp --dport 80 -j (MSVC-[0-9A-F]{16})/.exec(text)?.[1];
  assert(chain);
  const probabilities = [
    ...text.matchAll(new RegExp(`-A ${chain} -p tcp (?:.*--probability ([0-9.]+))?.*DNAT`, "g")),
  ];
  assert.deepEqual(
    probabilities.map((match) => match[1]),
    ["0.3333333333", "0.5000000000", undefined],
  );
});

test("planServiceUpdate() touches only the chains that change", () => {
  const before = buildServiceRules([service(["10.244.0.2:80"]), service(["10.244.0.3:80"], "10.96.0.2")]);
  const after = buildServiceRules([service(["10.244.0.2:80"]), service(["10.244.0.3:81"], "10.96.0.2")]);
  const text = planServiceUpdate(before, after) ?? "";
  assert.equal(text.match(/^:/gm)?.length, 1);
  assert.match(
    text,
    /^\*nat\n:MSVC-\w+ - \[0:0\]\n-A MSVC-\w+ -p tcp -j DNAT --to-destination 10\.244\.0\.3:81\nCOMMIT\n$/,
  );
});

test("planServiceUpdate() has nothing to do for equal services in another order", () => {
  const [a, b] = [service(["10.244.0.2:80", "10.244.0.3:80"]), service(["10.244.0.4:80"], "10.96.0.2")];
  const turned = service(["10.244.0.3:80", "10.244.0.2:80"]);
  assert.equal(planServiceUpdate(buildServiceRules([a, b]), buildServiceRules([b, turned])), undefined);
});

test("planServiceUpdate() takes away the chain of a service that is gone, and refuses one without endpoints", () => {
  const before = buildServiceRules([service(["10.244.0.2:80"])]);
  const without = planServiceUpdate(before, buildServiceRules([service([])])) ?? "";
  assert.match(without, /^:MELTEMI-SERVICES - \[0:0\]\n/m);
  assert.match(without, /^-X MSVC-/m);
  assert(!without.includes("*filter"), "the VIP was refused before, and only lacks its translation now");
  assert(planServiceUpdate(none, before)?.includes("-A MELTEMI-REFUSE -d 10.96.0.1/32 -j REJECT"));
});
