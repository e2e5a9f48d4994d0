// A run of the fuzz: attacks of every kind against every server, some at a time, while a witness is served.

import { setTimeout as sleep } from "node:timers/promises";
import { type Attack, runAttack, type Target, targets } from "./attack.ts";
import { type AttackedServers, startAttackedServers } from "./attacked-servers.ts";
import { anyCall, createRequestAttack } from "./request-attacks.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createWireAttack, sweepOf, wireAttackNames } from "./wire-attacks.ts";
import { connectWitness, type Witness } from "./witness.ts";

export interface FuzzSettings {
  readonly seed: number;
  readonly durationMs: number;
  /** How many connections attack at the same time. */
  readonly attackerCount: number;
}

export interface FuzzFigures {
  readonly seed: number;
  readonly attackCounts: Readonly<Record<string, number>>;
  readonly witness: { readonly updates: number; readonly p50Ms: number; readonly p99Ms: number };
  /** Live heap before and after, collected, and the most that the process held. */
  readonly heapMb: { readonly before: number; readonly after: number };
  readonly peakRssMb: number;
  readonly errorCount: number;
  readonly errors: readonly string[];
}

const WITNESS_DEADLINE_MS = 30_000;
const WITNESS_PAUSE_MS = 50;

/** Rejects when the process ends or the witness isn't served. */
export async function fuzzServers(settings: FuzzSettings): Promise<FuzzFigures> {
  const servers = await startAttackedServers();
  try {
    const witness = await connectWitness(servers);
    await attackFor(1_000, settings, servers);
    const before = await servers.usage();
    const [attackCounts] = await Promise.all([
      attackFor(settings.durationMs, settings, servers),
      watchWitness(settings.durationMs, witness),
    ]);
    await witness.seeChange(WITNESS_DEADLINE_MS);
    const after = await servers.usage();
    if (servers.lastWords !== undefined) throw new Error(servers.lastWords);
    const { errorCount, errors } = after;
    witness.close();
    return {
      seed: settings.seed,
      attackCounts,
      witness: figuresOf(witness.arrivalsMs),
      heapMb: { before: megabytes(before.heapBytes), after: megabytes(after.heapBytes) },
      peakRssMb: megabytes(after.peakRssBytes),
      errorCount,
      errors,
    };
  } catch (error) {
    throw new Error(`Seed ${settings.seed}: ${servers.lastWords ?? String(error)}`, { cause: error });
  } finally {
    await servers.close();
  }
}

async function watchWitness(durationMs: number, witness: Witness): Promise<void> {
  const endsMs = performance.now() + durationMs;
  while (performance.now() < endsMs) {
    await witness.seeChange(WITNESS_DEADLINE_MS);
    await sleep(WITNESS_PAUSE_MS);
  }
}

async function attackFor(
  durationMs: number,
  { seed, attackerCount }: FuzzSettings,
  servers: AttackedServers,
): Promise<Readonly<Record<string, number>>> {
  const endsMs = performance.now() + durationMs;
  const counts: Record<string, number> = {};
  let attackIndex = 0;
  const attacker = async () => {
    while (performance.now() < endsMs && servers.lastWords === undefined) {
      const { attack, target } = createAttack(seed, attackIndex++, servers);
      const name = `${target}: ${attack.name}`;
      counts[name] = (counts[name] ?? 0) + 1;
      await runAttack(attack, target, servers);
    }
  };
  await Promise.all(Array.from({ length: attackerCount }, attacker));
  if (servers.lastWords !== undefined) throw new Error(servers.lastWords);
  return counts;
}

/**
 * Every attack has dice of its own: it depends on the seed and its number alone. A third goes through the sweep as long as
 * it lasts, a third stays within the protocol, a third is anything else.
 */
function createAttack(seed: number, index: number, { token }: AttackedServers): AimedAttack {
  const random = createSeededRandom(seed + index * 7_919);
  const target: Target = random.pick(targets);
  if (index % 3 === 2) return { attack: createRequestAttack(random, target, token), target };
  const swept = index % 3 === 0 ? sweptAttack(seed, index / 3, token) : undefined;
  if (swept !== undefined) return swept;
  const call = anyCall(random, target, token);
  return { attack: createWireAttack(random.below(wireAttackNames.length), random, call), target };
}

interface AimedAttack {
  readonly attack: Attack;
  readonly target: Target;
}

/** Undefined when all servers have had all of it. */
function sweptAttack(seed: number, index: number, token: string): AimedAttack | undefined {
  const target = targets[index % targets.length] ?? "plaintext";
  const sweep = sweepOf(anyCall(createSeededRandom(seed), target, token));
  const attack = sweep[Math.floor(index / targets.length)];
  return attack === undefined ? undefined : { attack, target };
}

function figuresOf(arrivalsMs: readonly number[]): FuzzFigures["witness"] {
  const sorted = arrivalsMs.toSorted((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
  return { updates: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
