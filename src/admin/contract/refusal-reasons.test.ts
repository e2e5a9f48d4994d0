import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeReasons, reasonsText } from "./refusal-reasons.ts";

const proxiesTo = (count: number) => Array.from({ length: count }, (_, at) => `web-${at + 1}.shop`);

test("mergeReasons() says a reason once, with every proxy that gives it once, in order", () => {
  assert.deepEqual(
    mergeReasons([
      { message: "bad route", proxies: ["web-2.shop"] },
      { message: "bad cluster", proxies: ["web-1.shop"] },
      { message: "bad route", proxies: ["web-1.shop", "web-2.shop"] },
    ]),
    [
      { message: "bad route", proxies: ["web-1.shop", "web-2.shop"] },
      { message: "bad cluster", proxies: ["web-1.shop"] },
    ],
  );
});

const texts: readonly (readonly [readonly (readonly [string, number])[], string])[] = [
  [[], ""],
  [[["bad route", 1]], "refused by web-1.shop: bad route"],
  [[["bad route", 3]], "refused by web-1.shop, web-2.shop, web-3.shop: bad route"],
  [[["bad route", 5]], "refused by web-1.shop, web-2.shop, web-3.shop, 2 others: bad route"],
  [
    [
      ["a", 1],
      ["b", 1],
      ["c", 1],
    ],
    "refused by web-1.shop: a; refused by web-1.shop: b; refused by web-1.shop: c",
  ],
  [
    [
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["d", 1],
      ["e", 1],
    ],
    "refused by web-1.shop: a; refused by web-1.shop: b; refused by web-1.shop: c; and for 2 other reasons",
  ],
];

for (const [reasons, text] of texts) {
  test(`reasonsText() of ${reasons.length} reasons is "${text}"`, () => {
    const given = reasons.map(([message, count]) => ({ message, proxies: proxiesTo(count) }));
    assert.equal(reasonsText(given), text);
  });
}
