// Messages as text: what is compared with the golden files of this folder. Extensions are printed in full.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type DescMessage, fromBinary, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { parse, stringify } from "yaml";
import { encode } from "../../src/envoy/encode.ts";
import { dumpedMessages as registry } from "../../src/fleet/config-dump-json.ts";

/** A builder's message as plain JSON, as Envoy gets it: what its bytes say. */
export function json<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Readonly<Record<string, unknown>> {
  const asSent = fromBinary(schema, encode(schema, message).bytes);
  return abridged(toJson(schema, asSent, { registry })) as Readonly<Record<string, unknown>>;
}

/** Compares with `NAME.yaml`; with MELTEMI_UPDATE_GOLDENS set, writes it instead. */
export function assertGolden(name: string, value: unknown): void {
  const file = new URL(`${name}.yaml`, import.meta.url);
  const text = stringify(value, {
    aliasDuplicateObjects: false,
    lineWidth: 110,
    flowCollectionPadding: true,
  });
  if (process.env.MELTEMI_UPDATE_GOLDENS !== undefined) writeFileSync(file, text);
  assert.ok(existsSync(file), `no ${name}.yaml: run once with MELTEMI_UPDATE_GOLDENS=1`);
  assert.deepEqual(value, parse(readFileSync(file, "utf8")));
  assert.ok(text.split("\n").length <= 61, `${name}.yaml is longer than 60 lines`);
}

/** So that a golden fits on a page: without type URLs, which names of extensions tell, and where secrets come from in a word. */
function abridged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(abridged);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value)
    .filter(([key, field]) => key !== "@type" && !(key === "typedConfig" && isBare(field)))
    .map(([key, field]) => [key, key === "sdsConfig" ? secretSource(field) : abridged(field)]);
  return Object.fromEntries(fields);
}

function isBare(config: unknown): boolean {
  return typeof config === "object" && config !== null && Object.keys(config).every((key) => key === "@type");
}

function secretSource(config: unknown): string {
  return JSON.stringify(config).includes('"ads"') ? "control plane" : "agent";
}
