// What hostile clients can do to our servers: for as long as asked for, from a seed. Prints JSON; ends with 1 when a
// process ended, a bystander wasn't served or an error of ours was logged. Run: npm run bench -- fuzz --minutes 30

import { parseArgs } from "node:util";
import { fuzzNameServers } from "./fuzz-name-servers.ts";
import { fuzzServers } from "./fuzz-servers.ts";
import { fuzzWebhook } from "./fuzz-webhook.ts";

const usage = `usage: npm run bench -- fuzz [OPTION…]
  --what NAME     grpc, webhook or dns (grpc)
  --minutes N     how long to attack (10)
  --attackers N   how many connections at the same time (8)
  --seed N        for the attacks of an earlier run; another one each time unless given`;

const fuzzers = { grpc: fuzzServers, webhook: fuzzWebhook, dns: fuzzNameServers };

function parseSettings(args: readonly string[]) {
  const number = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { what: { type: "string" }, minutes: number, attackers: number, seed: number },
  });
  const { what = "grpc" } = values;
  if (!Object.hasOwn(fuzzers, what)) throw new Error(`--what must be grpc, webhook or dns: "${what}"`);
  const { minutes = "10", attackers = "8", seed = String(Date.now() % 1_000_000) } = values;
  for (const [name, value] of Object.entries({ minutes, attackers, seed }))
    if (!/^\d+(\.\d+)?$/.test(value)) throw new Error(`--${name} must be a number: "${value}"`);
  const fuzz = fuzzers[what as keyof typeof fuzzers];
  return { fuzz, seed: Number(seed), attackerCount: Number(attackers), durationMs: Number(minutes) * 60_000 };
}

try {
  const settings = parseSettings(process.argv.slice(2));
  process.stderr.write(`seed ${settings.seed}\n`);
  const figures = await settings.fuzz(settings);
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  process.exitCode = figures.errors.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 1;
}
