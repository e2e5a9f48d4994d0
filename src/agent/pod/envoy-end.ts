// What an Envoy that can't go on means for its container: an exit code for kubelet, and a sentence for who reads the log.

import { constants } from "node:os";
import type { ProcessEnd } from "../envoy-process.ts";

export interface EnvoyVerdict {
  /** Envoy's own; 128 and the signal's number, as shells say it; 1 where it couldn't be started. */
  readonly exitCode: number;
  readonly sentence: string;
}

export interface EnvoyWitness {
  readonly path: string;
  /** What it last complained of; empty where it didn't. */
  readonly lastWords: string;
}

export function judgeEnvoyEnd(end: ProcessEnd, { path, lastWords }: EnvoyWitness): EnvoyVerdict {
  const { code, signal, reason } = end;
  if (code === 0) return { exitCode: 0, sentence: `Envoy "${path}" was asked to quit` };
  const said = lastWords === "" ? "" : `, and said: ${lastWords}`;
  const broken = (how: string) => `Cannot run Envoy "${path}": it ${how}${said}`;
  if (signal !== null) {
    const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0;
    return { exitCode: 128 + number, sentence: broken(`was ended by ${signal} again and again`) };
  }
  if (code !== null) return { exitCode: code, sentence: broken(`ended with code ${code}`) };
  return { exitCode: 1, sentence: `Cannot run Envoy "${path}": ${reason ?? "it could not be started"}` };
}

/** The text of a line of Envoy's log that says why it can't go on; undefined for others. */
export function parseLastWords(line: string): string | undefined {
  const [, level, , text] = line.split("\t");
  return level === "critical" ? text : undefined;
}
