import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import fastCheck from "fast-check";
import { type DnsQuery, encodeReply, parseQuery } from "./dns-message.ts";
import { encodeQuestion } from "./encode-question.ts";

function queryOf(bytes: Buffer): DnsQuery {
  const parsed = parseQuery(bytes);
  assert(parsed.kind === "query");
  return parsed.query;
}

const name = "Reviews.shop.svc.cluster.local";
const reviews = encode({ type: "query", id: 7, flags: 0x100, questions: [{ type: "A", name }] });

test("parseQuery() reads what dns-packet writes, and keeps the name as written", () => {
  const query = queryOf(reviews);
  assert.deepEqual(query.question, { name: name.toLowerCase(), type: 1 });
  assert.equal(query.writtenName, name);
  assert.deepEqual([query.id, query.recursionDesired, query.maxUdpBytes], [7, true, 512]);
});

test("parseQuery() takes the client's buffer size from EDNS, within bounds", () => {
  for (const [asked, expected] of [
    [100, 512],
    [900, 900],
    [4_096, 1_232],
  ] as const) {
    const opt = {
      type: "OPT" as const,
      name: ".",
      udpPayloadSize: asked,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    } satisfies Answer;
    const bytes = encode({
      type: "query",
      questions: [{ type: "A", name: "a" }],
      additionals: [opt],
    });
    assert.equal(queryOf(bytes).maxUdpBytes, expected);
  }
});

const malformed: readonly (readonly [string, Buffer, "ignore" | "error"])[] = [
  ["nothing", Buffer.alloc(0), "ignore"],
  ["half a header", reviews.subarray(0, 11), "ignore"],
  ["an answer", patch(reviews, 2, 0x80), "ignore"],
  ["another opcode", patch(reviews, 2, 0x28), "error"],
  ["no question", patch(reviews, 5, 0), "error"],
  ["two questions", patch(reviews, 5, 2), "error"],
  ["an answer section", patch(reviews, 7, 1), "error"],
  ["a record that isn't there", patch(reviews, 11, 1), "error"],
  ["a name cut off", reviews.subarray(0, 20), "error"],
  ["a compressed name", patch(patch(reviews, 12, 0xc0), 13, 12), "error"],
  ["a dot in a label", patch(reviews, 14, 0x2e), "error"],
  ["another class", patch(reviews, reviews.length - 1, 3), "error"],
];

for (const [what, bytes, expected] of malformed) {
  test(`parseQuery() doesn't take ${what}`, () => assert.equal(parseQuery(bytes).kind, expected));
}

test("parseQuery() never throws, whatever comes", () => {
  const counts = { query: 0, error: 0, ignore: 0 };
  const mutated = fastCheck
    .array(fastCheck.tuple(fastCheck.nat(reviews.length - 1), fastCheck.nat(255)), { maxLength: 4 })
    .map((changes) => changes.reduce((bytes, [at, value]) => patch(bytes, at, value), reviews));
  const random = fastCheck.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fastCheck.assert(
    fastCheck.property(fastCheck.oneof(mutated, random), (bytes) => {
      counts[parseQuery(bytes).kind] += 1;
    }),
    { numRuns: 5_000 },
  );
  assert(counts.query > 100 && counts.error > 100 && counts.ignore > 100, JSON.stringify(counts));
});

test("encodeReply() answers with the question as it came, also of an unknown type", () => {
  const bytes = encodeQuestion({ name: "a.example", type: 65 }, 9);
  assert(bytes);
  const reply = encodeReply(
    queryOf(bytes),
    { code: "NXDOMAIN", answers: [], additionals: [], zone: "cluster.local" },
    512,
  );
  assert.deepEqual(reply.subarray(12, bytes.length), bytes.subarray(12));
  const decoded = decode(reply);
  assert.equal(decoded.id, 9);
  assert.equal(Reflect.get(decoded, "rcode"), "NXDOMAIN");
  assert.equal(decoded.authorities?.[0]?.type, "SOA");
});

test("encodeReply() marks what doesn't fit, so that the client asks over TCP", () => {
  const lower = name.toLowerCase();
  const answers = Array.from(
    { length: 100 },
    (_, at) => ({ type: "A", name: lower, data: `10.244.1.${at}` }) as const,
  );
  const reply = { code: "NOERROR", answers, additionals: [], zone: "cluster.local" } as const;
  const overUdp = decode(encodeReply(queryOf(reviews), reply, 512));
  assert.deepEqual([overUdp.flag_tc, overUdp.answers?.length], [true, 0]);
  const overTcp = decode(encodeReply(queryOf(reviews), reply, 65_535));
  assert.deepEqual([overTcp.flag_tc, overTcp.answers?.length], [false, 100]);
  assert.equal(overTcp.answers?.[0]?.name, name);
});

function patch(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
