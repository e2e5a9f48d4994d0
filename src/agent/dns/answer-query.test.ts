import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import fastCheck from "fast-check";
import { silentLogger } from "../../core/logger.ts";
import { type AnswerContext, answerQuery } from "./answer-query.ts";
import { encodeQuestion } from "./encode-question.ts";
import { resolveCaptured } from "./name-table.ts";

const host = "db.example.com";
const many = Array.from({ length: 200 }, (_, at) => `10.1.0.${at}`);
const known = {
  table: new Map([
    [host, { ipv4: ["240.240.0.5"], ipv6: [] }],
    ["many.example.com", { ipv4: many, ipv6: [] }],
    // DNS carries no label of that length.
    [`${"x".repeat(64)}.example.com`, { ipv4: ["240.240.0.6"], ipv6: [] }],
  ]),
  searchDomains: ["shop.svc.cluster.local"],
};

function context(upstreamAnswer: Buffer | undefined, change: Partial<AnswerContext> = {}) {
  return {
    resolve: (question: Parameters<typeof resolveCaptured>[0]) => resolveCaptured(question, known),
    transport: "udp" as const,
    upstream: { ask: async () => upstreamAnswer },
    rotation: 1,
    log: silentLogger,
    ...change,
  };
}

function question(name: string, type: number): Buffer {
  const bytes = encodeQuestion({ name, type }, 7);
  assert(bytes);
  return bytes;
}

function upstreamSays(code: 0 | 2 | 3, answers: Answer[] = []): Buffer {
  return encode({ type: "response", id: 7, flags: 0x180 | code, answers });
}

const types = { MX: 15, TXT: 16, SRV: 33, HTTPS: 65, ANY: 255 };

for (const [type, code] of Object.entries(types)) {
  test(`answerQuery() says that a host it knows has no ${type}, where upstream knows no such host`, async () => {
    for (const name of [host, `${host}.shop.svc.cluster.local`]) {
      const reply = await answerQuery(question(name, code), context(upstreamSays(3)));
      assert(reply);
      const { rcode, answers, id } = readReply(reply);
      assert.deepEqual([rcode, answers, id], ["NOERROR", [], 7], name);
    }
  });
}

test("answerQuery() passes on what upstream knows of a host, its failure, and that another isn't there", async () => {
  const mail = upstreamSays(0, [
    { type: "MX", name: host, data: { preference: 1, exchange: "mail.example.com" } },
  ]);
  assert.equal(await answerQuery(question(host, types.MX), context(mail)), mail);
  const failure = upstreamSays(2);
  assert.equal(await answerQuery(question(host, types.MX), context(failure)), failure);
  const absent = upstreamSays(3);
  assert.equal(await answerQuery(question("absent.example.com", types.MX), context(absent)), absent);
});

test("answerQuery() truncates what UDP can't carry, and sends it whole over TCP", async () => {
  const query = question("many.example.com", 1);
  const overUdp = await answerQuery(query, context(undefined));
  const overTcp = await answerQuery(query, context(undefined, { transport: "tcp" }));
  assert(overUdp && overTcp);
  assert(overUdp.length <= 512);
  assert.deepEqual([decode(overUdp).flag_tc, decode(overUdp).answers?.length], [true, 0]);
  assert.deepEqual([decode(overTcp).flag_tc, decode(overTcp).answers?.length], [false, 200]);
});

const edns: Answer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: 900,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
const valid = [host, `${host}.shop.svc.cluster.local`, "many.example.com", "absent.example.com", ""].flatMap(
  (name) => [
    ...[1, 28, ...Object.values(types)].map((type) => question(name, type)),
    encode({ type: "query", id: 7, questions: [{ type: "A", name }], additionals: [edns] }),
  ],
);

const anyBytes = fastCheck.uint8Array({ maxLength: 1_500 }).map((bytes) => Buffer.from(bytes));
const mutated = fastCheck
  .tuple(
    fastCheck.constantFrom(...valid),
    fastCheck.array(fastCheck.tuple(fastCheck.nat(1_500), fastCheck.nat(255)), { maxLength: 5 }),
    fastCheck.option(fastCheck.nat(60)),
  )
  .map(([query, changes, cutAt]) => {
    const bytes = Buffer.from(query);
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes.subarray(0, cutAt ?? bytes.length);
  });
// The resolver lets through nothing shorter than a header.
const anyUpstream = fastCheck.option(
  fastCheck.uint8Array({ minLength: 12, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  { nil: undefined },
);

test("answerQuery() makes an answer that can be read of whatever comes, and fits", async () => {
  const seen = { silent: 0, passed: 0, refused: 0, settled: 0 };
  const claim = async (query: Buffer, upstream: Buffer | undefined, transport: "udp" | "tcp") => {
    const reply = await answerQuery(query, context(upstream, { transport }));
    if (reply === undefined) seen.silent++;
    else if (reply === upstream) seen.passed++;
    else {
      const { id, rcode } = readReply(reply);
      assert.equal(id, query.readUInt16BE(0));
      assert(reply.length <= (transport === "udp" ? 1_232 : 65_535));
      seen[rcode === "FORMERR" || rcode === "NOTIMP" ? "refused" : "settled"]++;
    }
  };
  const transports = fastCheck.constantFrom("udp" as const, "tcp" as const);
  const queries = fastCheck.oneof(anyBytes, { arbitrary: mutated, weight: 3 });
  await fastCheck.assert(fastCheck.asyncProperty(queries, anyUpstream, transports, claim), {
    numRuns: 4_000,
  });
  for (const [outcome, count] of Object.entries(seen)) assert(count > 50, `${outcome}: ${count}`);
});

/** Throws on bytes that aren't a whole message. */
function readReply(bytes: Buffer) {
  const { id, type, answers = [], ...rest } = decode(bytes);
  assert.equal(type, "response");
  return { id, answers, rcode: String(Reflect.get(rest, "rcode")) };
}
