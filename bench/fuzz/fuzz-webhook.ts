// Hostile AdmissionReviews against the webhook server: of every kind that it reviews, wrong anywhere, nested without end, huge,
// null everywhere, with the names of prototypes. Each is answered, and so is a good one in between.

import { Agent, request } from "node:https";
import type { Logger } from "../../src/core/logger.ts";
import { redacted } from "../../src/core/redacted.ts";
import { defaultInjectionSettings } from "../../src/inject/injection-settings.ts";
import { kinds } from "../../src/kinds/all-kinds.ts";
import { createWebhookServer } from "../../src/webhook/webhook-server.ts";
import { createTestRoot } from "../../tests/support/certificates.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";

export interface WebhookFigures {
  readonly reviewCount: number;
  readonly countsByStatus: Readonly<Record<string, number>>;
  /** Of good reviews, asked while the others are answered. */
  readonly p99Ms: number;
  readonly slowestMs: number;
  readonly longestAnswerBytes: number;
  readonly peakRssMb: number;
  readonly errors: readonly string[];
}

/** Rejects when a review isn't answered, or a good one wrongly. */
export async function fuzzWebhook({
  seed,
  durationMs,
}: {
  readonly seed: number;
  readonly durationMs: number;
}): Promise<WebhookFigures> {
  const errors: string[] = [];
  const drop = () => undefined;
  const log: Logger = {
    debug: drop,
    info: drop,
    warn: drop,
    error: (fields, event) =>
      void errors.push(`${event}: ${String((fields as { error?: Error }).error?.stack?.slice(0, 700))}`),
  };
  const root = await createTestRoot("mesh");
  const { certificate, key } = await root.issue("spiffe://cluster.local/ns/meltemi-system/sa/meltemi");
  const server = createWebhookServer({
    log,
    certificate: { chainPem: certificate, keyPem: redacted(key) },
    injectionSettings: () => defaultInjectionSettings,
  });
  const port = await server.listen(0, "127.0.0.1");
  const agent = new Agent({ keepAlive: true, ca: root.certificate });
  const ask = (path: string, body: string) => post({ port, agent, path }, body);
  const random = createSeededRandom(seed);
  const countsByStatus: Record<string, number> = {};
  const latencies: number[] = [];
  let [reviewCount, slowestMs, longestAnswerBytes, peakRssMb] = [0, 0, 0, 0];
  const endsMs = performance.now() + durationMs;
  try {
    while (performance.now() < endsMs) {
      const { path, body } = hostileReview(random);
      const startMs = performance.now();
      const [answer, good] = await Promise.all([ask(path, body), ask("/inject", goodReview)]);
      const tookMs = performance.now() - startMs;
      latencies.push(good.tookMs);
      if (!good.text.includes('"allowed":true')) throw new Error(`A good pod was answered ${good.text}`);
      reviewCount += 1;
      countsByStatus[answer.status] = (countsByStatus[answer.status] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, Math.round(tookMs));
      longestAnswerBytes = Math.max(longestAnswerBytes, answer.text.length);
      peakRssMb = Math.max(peakRssMb, Math.round(process.memoryUsage.rss() / 2 ** 20));
    }
  } finally {
    agent.destroy();
    await server.close();
  }
  const sorted = latencies.toSorted((one, other) => one - other);
  const p99Ms = Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
  return { reviewCount, countsByStatus, p99Ms, slowestMs, longestAnswerBytes, peakRssMb, errors };
}

interface Place {
  readonly port: number;
  readonly agent: Agent;
  readonly path: string;
}

function post({ port, agent, path }: Place, body: string) {
  const startMs = performance.now();
  return new Promise<{ status: number; text: string; tookMs: number }>((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request({ host: "localhost", port, path, method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString(),
          tookMs: performance.now() - startMs,
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const goodReview = reviewOf(
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "web-", labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web" }] },
  }),
);

/** The object as text: JSON.stringify writes no prototype's name and no depth that isn't there. */
function reviewOf(object: string): string {
  const head = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":';
  return `${head}{"uid":"u1","operation":"CREATE","namespace":"shop","object":${object}}}`;
}

function hostileReview(random: SeededRandom): { readonly path: string; readonly body: string } {
  const reviewed = kinds.filter(({ group, kind }) => kind === "Pod" || group.endsWith(".istio.io"));
  const kind = reviewed[random.below(reviewed.length)] ?? reviewed[0];
  const isPod = kind?.kind === "Pod" || random.oneIn(4);
  const head = isPod
    ? '"apiVersion":"v1","kind":"Pod"'
    : `"apiVersion":"${kind?.apiVersion}","kind":"${kind?.kind}"`;
  const form = (kind?.schema ?? {}) as Form;
  const spec = textOf(form.properties?.spec ?? {}, 6, random);
  const metadata = random.oneIn(4)
    ? textOf(form.properties?.metadata ?? {}, 3, random)
    : '{"name":"a","namespace":"shop"}';
  const object = `{${head},"metadata":${metadata},"spec":${spec}}`;
  const body = reviewOf(object);
  const isCut = random.oneIn(40);
  return {
    path: isPod ? "/inject" : "/validate",
    body: isCut ? body.slice(0, random.below(body.length)) : body,
  };
}

interface Form {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly patternProperties?: Readonly<Record<string, Form>>;
  readonly items?: Form;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
}

/** JSON of the form, but where it isn't. */
function textOf(form: Form, depth: number, random: SeededRandom): string {
  if (random.oneIn(25)) return random.pick(hostileValues)(random);
  if (form.properties !== undefined) {
    const entries = Object.entries(form.properties).filter(
      ([name]) => form.required?.includes(name) || (depth > 0 && random.oneIn(3)),
    );
    const fields = entries.map(([name, child]) => `"${name}":${textOf(child, depth - 1, random)}`);
    if (random.oneIn(20)) fields.push(`${JSON.stringify(random.pick(hostileNames))}:{"a":1}`);
    return `{${fields.join(",")}}`;
  }
  if (form.patternProperties !== undefined) {
    const [item = {}] = Object.values(form.patternProperties);
    const name = random.oneIn(3) ? random.pick(hostileNames) : "app";
    return `{${JSON.stringify(name)}:${textOf(item, depth - 1, random)}}`;
  }
  if (form.items !== undefined) {
    const count = depth > 0 ? random.below(3) : 0;
    return `[${Array.from({ length: count }, () => textOf(form.items ?? {}, depth - 1, random)).join(",")}]`;
  }
  if (form.enum !== undefined) return JSON.stringify(form.enum[random.below(form.enum.length)]);
  if (form.type === "boolean") return String(random.oneIn(2));
  if (form.type === "integer" || form.type === "number")
    return String(random.pick([0, 1, 80, 65_535, -1, 1e21]));
  return JSON.stringify(
    random.pick(["a", "", "*", "*.a.com", "10.0.0.0/8", "1s", "YQ==", "[", "(a+)+$", "%", "::1"]),
  );
}

const hostileNames = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "length",
  "",
  "a/b",
  "\u0000",
  "x".repeat(60_000),
] as const;

const hostileValues: readonly [(random: SeededRandom) => string, ...((random: SeededRandom) => string)[]] = [
  () => "null",
  () => "[null,null]",
  () => '{"__proto__":{"name":"a"},"constructor":null}',
  (random) => random.pick(["true", "1", '"text"', "[]", "{}", "[[]]", "-0", "1e400"]),
  (random) => nested("[", "]", random.pick([100, 5_000, 200_000])),
  (random) => nested('{"a":', "}", random.pick([100, 5_000, 200_000])),
  (random) =>
    `[${Array.from({ length: random.pick([10, 1_000, 100_000]) }, () => '{"name":"a"}').join(",")}]`,
  (random) =>
    `[${Array.from({ length: random.pick([10, 1_000, 100_000]) }, (_, at) => `"a${at}"`).join(",")}]`,
  (random) =>
    `{${Array.from({ length: random.pick([10, 1_000, 50_000]) }, (_, at) => `"k${at}":${at % 2}`).join(",")}}`,
  (random) => JSON.stringify("x".repeat(random.pick([1_000, 1_000_000]))),
];

function nested(open: string, close: string, depth: number): string {
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}
