import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusedPolicy } from "../../kinds/authorization-policy/refused-policy.ts";
import { losesObjects, mergeFileStates, nextFileState } from "./file-state.ts";
import { parseManifest } from "./manifest.ts";

function namespaces(...names: string[]) {
  return names.map((name) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`).join("---\n");
}

function stateOf(file: string, text: string) {
  return nextFileState("1", parseManifest(file, text), new Map());
}

function keysOf(state: { readonly kept: ReadonlyMap<string, unknown> }) {
  return [...state.kept.keys()].sort();
}

test("nextFileState() keeps all when the text can't be read, and the last good version of an object with errors", () => {
  const good = stateOf("a.yaml", namespaces("a", "b"));
  const unreadable = nextFileState("2", parseManifest("a.yaml", "kind: ["), good.kept);
  assert.deepEqual(keysOf(unreadable), ["Namespace//a", "Namespace//b"]);
  const text = `${namespaces("a")}---\n${namespaces("b")}spc: {}\n`;
  assert.deepEqual(keysOf(nextFileState("2", parseManifest("a.yaml", text), good.kept)), keysOf(good));
});

test("nextFileState() drops what the text no longer holds, if all of it can be named", () => {
  const good = stateOf("a.yaml", namespaces("a", "b"));
  assert.deepEqual(keysOf(nextFileState("2", parseManifest("a.yaml", namespaces("b")), good.kept)), [
    "Namespace//b",
  ]);
  const unnamed = `${namespaces("b")}---\napiVersion: v1\nkind: Namespac\nmetadata: {name: a}\n`;
  assert.deepEqual(keysOf(nextFileState("2", parseManifest("a.yaml", unnamed), good.kept)), keysOf(good));
});

test("nextFileState() keeps what was there where a name can't be one", () => {
  const good = stateOf("a.yaml", namespaces("a"));
  for (const name of ["Not A Name", "a_"]) {
    const next = nextFileState("2", parseManifest("a.yaml", namespaces(name)), good.kept);
    assert.deepEqual(keysOf(next), ["Namespace//a"], name);
  }
});

test("losesObjects() tells additions and changes from losses", () => {
  const good = stateOf("a.yaml", namespaces("a"));
  assert.equal(losesObjects(good, parseManifest("a.yaml", namespaces("a", "b"))), false);
  assert.equal(losesObjects(good, parseManifest("a.yaml", "")), true);
  assert.equal(losesObjects(good, parseManifest("a.yaml", "kind: [")), true);
});

test("mergeFileStates() prefers what a file says to what another said once", () => {
  const gone = { ...stateOf("a.yaml", namespaces("a", "b")), isDoubtful: true };
  const { objects, problems } = mergeFileStates([gone, stateOf("z.yaml", namespaces("a"))]);
  assert.equal(objects.get("Namespace//a" as never)?.positions.file, "z.yaml");
  assert.equal(objects.get("Namespace//b" as never)?.positions.file, "a.yaml");
  assert.deepEqual(problems, []);
});

test("mergeFileStates() says which objects are in force though their file is broken", () => {
  const good = stateOf("a.yaml", namespaces("a"));
  const broken = nextFileState("2", parseManifest("a.yaml", "kind: ["), good.kept);
  const { objects, problems } = mergeFileStates([broken]);
  assert.deepEqual([...objects.keys()], ["Namespace//a"]);
  assert.match(problems.at(-1)?.message ?? "", /last good version of Namespace a stays in force/);
});

test("mergeFileStates() keeps every problem of a broken file while a newer state of it is in doubt", () => {
  const good = stateOf("a.yaml", namespaces("a", "b"));
  const text = `${namespaces("b", "b")}---\nkind: Namespace\nmetadata: {name: a}\n`;
  const broken = nextFileState("2", parseManifest("a.yaml", text), good.kept);
  const { problems } = mergeFileStates([broken]);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["MLT1002", "MLT1007", "MLT1012"],
  );
  assert.deepEqual(mergeFileStates([{ ...broken, isDoubtful: true }]).problems, problems);
});

function policy(name: string, spec = "{rules: [{}]}") {
  return `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`;
}
const BAD = "{selector: {matchLabels: {app: web}}, action: DENIED}";

function inForce(state: ReturnType<typeof stateOf>) {
  return Object.fromEntries(
    [...mergeFileStates([state]).objects.values()].map(({ object }) => {
      const { metadata, spec } = object as typeof object & { readonly spec: { readonly action?: string } };
      return [metadata.name, isRefusedPolicy(object) ? "closed" : (spec.action ?? "ALLOW")];
    }),
  );
}

test("nextFileState() closes what a policy with errors is for, unless its last good version is known", () => {
  const closed = stateOf("a.yaml", policy("web", BAD));
  assert.deepEqual(inForce(closed), { web: "closed" });
  assert.deepEqual(
    mergeFileStates([closed]).problems.map(({ code }) => code),
    ["MLT1005"],
  );
  const good = nextFileState(
    "2",
    parseManifest("a.yaml", policy("web", "{action: DENY, rules: [{}]}")),
    closed.kept,
  );
  assert.deepEqual(inForce(good), { web: "DENY" });
  const held = nextFileState("3", parseManifest("a.yaml", policy("web", BAD)), good.kept);
  assert.deepEqual(inForce(held), { web: "DENY" });
});

test("nextFileState() doesn't take what stands for a policy with errors for a good version", () => {
  const closed = stateOf("a.yaml", policy("web", BAD));
  const again = nextFileState("2", parseManifest("a.yaml", policy("web", "{action: DENIED}")), closed.kept);
  assert.deepEqual(inForce(again), { web: "closed" });
  const spec = [...again.kept.values()][0]?.object.spec;
  assert.deepEqual(spec, { action: "DENY", rules: [{}] });
  const audit = nextFileState(
    "3",
    parseManifest("a.yaml", policy("web", "{action: AUDIT, rule: []}")),
    closed.kept,
  );
  assert.deepEqual(inForce(audit), {});
  const unreadable = nextFileState("2", parseManifest("a.yaml", "kind: ["), closed.kept);
  assert.deepEqual(inForce(unreadable), { web: "closed" });
});

test("nextFileState() keeps a policy whose name became none, rather than close more", () => {
  const good = stateOf("a.yaml", policy("web"));
  const next = nextFileState("2", parseManifest("a.yaml", policy("Not_A_Name")), good.kept);
  assert.deepEqual(inForce(next), { web: "ALLOW" });
  assert.deepEqual(inForce(stateOf("a.yaml", policy("Not_A_Name"))), { Not_A_Name: "closed" });
});

test("mergeFileStates() takes a good policy of another file before one with errors", () => {
  const states = [stateOf("a.yaml", policy("web", BAD)), stateOf("b.yaml", policy("web"))];
  const { objects } = mergeFileStates(states);
  assert.deepEqual(
    [...objects.values()].map(({ positions }) => positions.file),
    ["b.yaml"],
  );
});

test("losesObjects() doubts no file for what stands for a policy with errors", () => {
  const closed = stateOf("a.yaml", policy("web", BAD));
  assert.equal(losesObjects(closed, parseManifest("a.yaml", policy("web", "{action: DENIED}"))), false);
  assert.equal(losesObjects(closed, parseManifest("a.yaml", "")), true);
});

test("mergeFileStates() says what a RequestAuthentication with errors leaves open", () => {
  const text = (issuer: string) =>
    policy("web", `{jwtRules: [${issuer}]}`).replace("AuthorizationPolicy", "RequestAuthentication");
  const bad = stateOf("a.yaml", text("{}"));
  const codes = (state: typeof bad) => mergeFileStates([state]).problems.map(({ code }) => code);
  assert.deepEqual(codes(bad), ["MLT1006", "MLT2035"]);
  const good = stateOf("a.yaml", text("{issuer: a}"));
  assert.deepEqual(codes(nextFileState("2", parseManifest("a.yaml", text("{}")), good.kept)), [
    "MLT1006",
    "MLT1012",
  ]);
});
