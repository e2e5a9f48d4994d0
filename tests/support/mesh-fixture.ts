// For tests: a model on a graph of its own, filled from YAML text as a user writes it. Text that the kinds refuse is
// a mistake of the test.

import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { Graph } from "../../src/graph/graph.ts";
import { ONLY_KEY, type Read, untrackedRead } from "../../src/graph/read.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { isError, parseObject } from "../../src/kinds/parse-object.ts";
import { declareModel, type Model } from "../../src/model/model.ts";
import {
  declareSources,
  deleteObject,
  type ObjectName,
  type Sources,
  writeObject,
} from "../../src/model/sources.ts";

export interface MeshFixture {
  readonly graph: Graph;
  readonly sources: Sources;
  readonly model: Model;
  /** Commits the objects of YAML text in one go. */
  put(yaml: string): void;
  remove(...names: readonly ObjectName[]): void;
}

/** Declare what else a test needs before the first `put`: the first commit seals the graph. */
export function meshFixture(): MeshFixture {
  const graph = new Graph();
  const sources = declareSources(graph);
  const model = declareModel(graph, sources);
  return {
    graph,
    sources,
    model,
    put: (yaml) => commitObjects(graph, sources, objectsOf(yaml)),
    remove: (...names) => {
      graph.commit((transaction) => {
        for (const name of names) deleteObject(transaction, sources, name);
      });
    },
  };
}

export function commitObjects(graph: Graph, sources: Sources, objects: readonly KubernetesObject[]): void {
  const { errors } = graph.commit((transaction) => {
    for (const object of objects) writeObject(transaction, sources, object);
  });
  assert.deepEqual(errors, []);
}

/** The objects of multi-document YAML text; `MeshConfig` may be written like any other kind, named `mesh`. */
export function objectsOf(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    const value: unknown = document.toJS();
    if (value === null) return [];
    return [isMeshConfig(value) ? value : parsed(value)];
  });
}

/** The kind is of our own making, so no text of a user's holds one: it comes out of a ConfigMap. */
function isMeshConfig(value: unknown): value is KubernetesObject {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "MeshConfig";
}

function parsed(value: unknown): KubernetesObject {
  const { object, findings } = parseObject(value);
  assert.deepEqual(findings.filter(isError), []);
  assert.ok(object !== undefined, `no object: ${JSON.stringify(value)}`);
  return object;
}

/** Reads as a row function does, with nothing recorded. */
export const readNow: Read = {
  ...untrackedRead,
  one(table) {
    const value = table.get(ONLY_KEY);
    assert.ok(value !== undefined, `no row in ${table.name}: nothing was committed`);
    return value;
  },
};
