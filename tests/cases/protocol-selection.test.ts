// Runs Istio's cases of how a port's protocol is chosen: by appProtocol, the port's name, its number, and by the words
// of ServiceEntries and Gateways.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  isGrpc,
  isHttp,
  isHttp2,
  isSniffed,
  isTcp,
  isTls,
  parseProtocol,
  protocolOfServicePort,
} from "../../src/core/protocol.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

const directory = caseDirectory("protocol-selection");
const deviations = deviationsOf("protocol-selection");

if (directory === undefined) {
  test("protocol-selection cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const cases = read<PortCase[]>(directory, "cases.json");
  test("protocol-selection cases are there", () => assert.ok(cases.length > 0));
  for (const each of cases) {
    test(`protocol-selection case ${each.name}`, () => judge(each.name, protocolOf(each), each.protocol));
  }
  test("protocol-selection grid", () => runGrid(directory));
  for (const each of read<WordCase[]>(directory, "parse.json")) {
    const name = `parse ${each.text}`;
    test(`protocol-selection case ${name}`, () => judge(name, classify(each.text), each));
  }
}

interface PortCase {
  readonly name: string;
  readonly portName: string;
  readonly appProtocol: string | null;
  readonly port: number;
  readonly transport: string;
  readonly protocol: string;
}

type GridRow = readonly [
  portName: string,
  appProtocol: string | null,
  port: number,
  transport: string,
  protocol: string,
];

function runGrid(folder: string): void {
  const rows = read<GridRow[]>(folder, "grid.json");
  assert.ok(rows.length > 0);
  for (const [portName, appProtocol, port, transport, protocol] of rows) {
    const name = `grid ${JSON.stringify([portName, appProtocol, port, transport])}`;
    judge(name, protocolOf({ portName, appProtocol, port, transport }), protocol);
  }
}

function protocolOf({ portName, appProtocol, port, transport }: Omit<PortCase, "name" | "protocol">): string {
  return protocolOfServicePort({ name: portName, appProtocol: appProtocol ?? undefined, port, transport });
}

interface WordCase {
  readonly text: string;
  readonly protocol: string;
  readonly [flag: `is${string}`]: boolean;
}

function classify(text: string): WordCase {
  const protocol = parseProtocol(text);
  return {
    text,
    protocol,
    isGRPC: isGrpc(protocol),
    isHTTP: isHttp(protocol),
    isHTTP2: isHttp2(protocol),
    isHTTPOrSniffed: isHttp(protocol) || isSniffed(protocol),
    isHTTPS: protocol === "HTTPS",
    isTCP: isTcp(protocol),
    isTLS: isTls(protocol),
    isUnsupported: isSniffed(protocol),
  };
}

function judge(name: string, found: unknown, wanted: unknown): void {
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted, name);
}

function read<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as T;
}
