// The functions that Istio gives to templates of injection, under its names and with its meanings.

import { stringify } from "yaml";
import { indentLines } from "./bounded-text.ts";
import { fieldOf, formatValue, isMap, isNil, plain } from "./go-value.ts";
import type { RenderBudget } from "./render-budget.ts";
import { TemplateFault } from "./template-fault.ts";
import type { TemplateFunction, TemplateFunctions } from "./template-function.ts";
import {
  countOf,
  listOf,
  mapOf,
  ofText,
  ofTexts,
  surfaceOf,
  takes,
  textOf,
  weighing,
} from "./template-function.ts";
import { dictOf } from "./text-functions.ts";

const ALL = Number.POSITIVE_INFINITY;
// Measured: writing YAML and parsing a template take about this many times what JSON takes.
const YAML_WEIGHT = 8;
const PARSING_WEIGHT = 8;

const toJson: TemplateFunction = takes(1, 1, ([value]) => JSON.stringify(plain(value) ?? {}));

export const injectionFunctions: TemplateFunctions = {
  annotation: surfaceOf(
    takes(3, 3, ([meta, name, fallback], { budget }) => {
      const annotations = mapOf(fieldOf(meta, "Annotations"));
      const key = textOf(name);
      if (Object.hasOwn(annotations, key)) return annotations[key];
      budget.spendWhole(fallback);
      return formatValue(fallback);
    }),
  ),
  isset: surfaceOf(takes(2, 2, ([map, key]) => !isNil(map) && Object.hasOwn(mapOf(map), textOf(key)))),
  valueOrDefault: surfaceOf(
    takes(2, 2, ([value, fallback]) => (isNil(value) || value === "" ? fallback : value)),
  ),
  toJSON: toJson,
  toJson,
  structToJSON: toJson,
  protoToJSON: toJson,
  toJsonMap: takes(0, ALL, (values) => JSON.stringify(plain(dictOf(values)))),
  fromJSON: weighing(4, ofText(parseJson)),
  toYaml: weighing(
    YAML_WEIGHT,
    takes(1, 1, ([value]) =>
      stringify(plain(value) ?? null, { indentSeq: false, sortMapEntries: true, lineWidth: 0 }),
    ),
  ),
  // Not the first line, which stands where the action does.
  indent: takes(2, 2, ([count, text], { budget }) => indentLines(textOf(text), countOf(count), budget)),
  strdict: surfaceOf(takes(0, ALL, dictOf)),
  omit: surfaceOf(
    takes(1, ALL, ([map, ...keys]) => {
      const omitted = new Set(keys);
      return without(mapOf(map), (key) => omitted.has(key));
    }),
  ),
  omitNil: takes(1, 1, ([value]) => withoutNil(plain(value))),
  mergeMaps: surfaceOf(
    takes(
      0,
      ALL,
      (maps) => Object.assign({}, ...maps.map((map) => (isNil(map) ? {} : mapOf(map)))) as object,
    ),
  ),
  directory: ofText((path) => path.slice(0, path.lastIndexOf("/") + 1)),
  env: takes(2, 2, ([name, fallback], { environment }) => environment[textOf(name)] || textOf(fallback)),
  render: weighing(
    PARSING_WEIGHT,
    takes(1, 1, ([text], { render }) => render(textOf(text))),
  ),
  formatDuration: takes(1, 1, ([value]) => formatValue(value)),
  includeInboundPorts: surfaceOf(
    takes(1, 1, ([containers], { budget }) => portsOf(listOf(containers), budget).join(",")),
  ),
  applicationPorts: surfaceOf(
    takes(1, 1, ([containers], { budget }) => {
      const own = listOf(containers).filter((container) => fieldOf(container, "Name") !== "istio-proxy");
      return portsOf(own, budget).join(",");
    }),
  ),
  excludeInboundPort: takes(2, 2, ([port, excluded]) =>
    excludePort(formatValue(port).trim(), textOf(excluded)),
  ),
  kubevirtInterfaces: ofText((text) => text),
  excludeInterfaces: ofText((text) => text),
  appendMultusNetwork: ofTexts(appendNetwork),
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemplateFault(`fromJSON: ${(error as Error).message}`);
  }
}

function portsOf(containers: readonly unknown[], budget: RenderBudget): string[] {
  budget.spendNodes(containers.length);
  return containers
    .flatMap((container) => {
      const ports = listOf(fieldOf(container, "Ports"));
      budget.spendNodes(ports.length);
      return ports;
    })
    .filter((port) => !["UDP", "SCTP"].includes(formatValue(fieldOf(port, "Protocol"))))
    .map((port) => formatValue(fieldOf(port, "ContainerPort")));
}

function excludePort(port: string, excluded: string): string {
  const ports = excluded
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  return port === "" || port === "0" || ports.includes(port) ? excluded : [...ports, port].join(",");
}

/** Multus reads a list of names, or of objects in JSON. */
function appendNetwork(existing: string, network: string): string {
  if (existing === "") return network;
  if (!existing.includes("]")) {
    const names = existing.split(",").map((name) => name.trim());
    return names.includes(network) ? existing : `${existing}, ${network}`;
  }
  const networks = listOf(parseJson(existing));
  const isThere = networks.some((one) => isMap(one) && one.name === network);
  return isThere ? existing : JSON.stringify([...networks, { name: network }]);
}

function without(
  map: Readonly<Record<string, unknown>>,
  isLeftOut: (key: string, value: unknown) => boolean,
) {
  return Object.fromEntries(Object.entries(map).filter(([key, value]) => !isLeftOut(key, value)));
}

function withoutNil(value: unknown): unknown {
  if (!isMap(value)) return value;
  const kept = without(value, (_, inner) => isNil(inner));
  return Object.fromEntries(Object.entries(kept).map(([key, inner]) => [key, withoutNil(inner)]));
}
