import assert from "node:assert/strict";
import { test } from "node:test";
import { matchableNames, settleMatches } from "./chain-matches.ts";
import type { TcpChain } from "./listener-inputs.ts";

test("settleMatches() keeps a name with the chain that took it first", () => {
  assert.deepEqual(settled(chain("one", ["a.com"]), chain("two", ["A.com", "b.com"])), [
    ["one", ["a.com"], []],
    ["two", ["b.com"], []],
  ]);
});

test("settleMatches() drops a chain that has nothing left", () => {
  assert.deepEqual(settled(chain("one", []), chain("two", [])), [["one", [], []]]);
});

test("settleMatches() sees two spellings of one range", () => {
  assert.deepEqual(
    settled(chain("one", [], ["10.0.0.0/8", "10.0.0.1/8"]), chain("two", [], ["10.9.9.9/8"])),
    [["one", [], ["10.0.0.0/8"]]],
  );
});

test("settleMatches() lets a name be taken from two ranges", () => {
  assert.deepEqual(
    settled(
      chain("one", ["a.com"], ["10.0.0.0/8"]),
      chain("two", ["a.com", "b.com"], ["10.0.0.0/8", "11.0.0.0/8"]),
    ),
    [
      ["one", ["a.com"], ["10.0.0.0/8"]],
      ["two", ["b.com"], ["10.0.0.0/8"]],
      ["two", ["a.com", "b.com"], ["11.0.0.0/8"]],
    ],
  );
});

test("matchableNames() leaves out wildcards for a part of a label", () => {
  assert.deepEqual(matchableNames(["*.a.com", "*-b.com", "C.com", "c.com"]), ["*.a.com", "c.com"]);
});

function chain(
  cluster: string,
  serverNames: readonly string[],
  destinationSubnets: readonly string[] = [],
): TcpChain {
  return { serverNames, destinationSubnets, destinations: [{ cluster, weight: 1 }], provenance: [] };
}

function settled(...chains: readonly TcpChain[]) {
  return settleMatches(chains).map(({ destinations, serverNames, destinationSubnets }) => [
    destinations[0]?.cluster,
    serverNames,
    destinationSubnets,
  ]);
}
