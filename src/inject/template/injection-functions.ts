// The functions that Istio gives to templates of injection, under its names and with its meanings.

import { stringify } from "yaml";
import { fieldOf, formatValue, isMap, isNil, plain } from "./go-value.ts";
import { TemplateFault } from "./template-fault.ts";
import type { TemplateFunction, TemplateFunctions } from "./template-function.ts";
import { countOf, listOf, mapOf, ofText, ofTexts, takes, textOf } from "./template-function.ts";
import { dictOf } from "./text-functions.ts";

const ALL = Number.POSITIVE_INFINITY;

const toJson: TemplateFunction = takes(1, 1, ([value]) => JSON.stringify(plain(value) ?? {}));

export const injectionFunctions: TemplateFunctions = {
  annotation: takes(3, 3, ([meta, name, fallback]) => {
    const annotations = mapOf(fieldOf(meta, "Annotations"));
    const key = textOf(name);
    return Object.hasOwn(annotations, key) ? annotations[key] : formatValue(fallback);
  }),
  isset: takes(2, 2, ([map, key]) => !isNil(map) && Object.hasOwn(mapOf(map), textOf(key))),
  valueOrDefault: takes(2, 2, ([value, fallback]) => (isNil(value) || value === "" ? fallback : value)),
  toJSON: toJson,
  toJson,
  structToJSON: toJson,
  protoToJSON: toJson,
  toJsonMap: takes(0, ALL, (values) => JSON.stringify(plain(dictOf(values)))),
  fromJSON: ofText(parseJson),
  toYaml: takes(1, 1, ([value]) =>
    stringify(plain(value) ?? null, { indentSeq: false, sortMapEntries: true, lineWidth: 0 }),
  ),
  // Not the first line, which stands where the action does.
  indent: takes(2, 2, ([count, text]) => textOf(text).replaceAll("\n", `\n${" ".repeat(countOf(count))}`)),
  strdict: takes(0, ALL, dictOf),
  omit: takes(1, ALL, ([map, ...keys]) => without(mapOf(map), (key) => keys.includes(key))),
  omitNil: takes(1, 1, ([value]) => withoutNil(plain(value))),
  mergeMaps: takes(
    0,
    ALL,
    (maps) => Object.assign({}, ...maps.map((map) => (isNil(map) ? {} : mapOf(map)))) as object,
  ),
  directory: ofText((path) => path.slice(0, path.lastIndexOf("/") + 1)),
  env: takes(2, 2, ([name, fallback], { environment }) => environment[textOf(name)] || textOf(fallback)),
  render: takes(1, 1, ([text], { render }) => render(textOf(text))),
  formatDuration: takes(1, 1, ([value]) => formatValue(value)),
  includeInboundPorts: takes(1, 1, ([containers]) => portsOf(listOf(containers)).join(",")),
  applicationPorts: takes(1, 1, ([containers]) => {
    const own = listOf(containers).filter((container) => fieldOf(container, "Name") !== "istio-proxy");
    return portsOf(own).join(",");
  }),
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

function portsOf(containers: readonly unknown[]): string[] {
  return containers
    .flatMap((container) => listOf(fieldOf(container, "Ports")))
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
