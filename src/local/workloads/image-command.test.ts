import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTestPod, firstContainer } from "../../../tests/support/pod-fixture.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { ImageCommands } from "./image-command.ts";
import { parseCommand, parseImages, resolveCommand } from "./image-command.ts";

const images: ImageCommands = new Map([
  [
    "shop/reviews",
    { command: ["node", "reviews.js"], args: ["--port=1"], workingDir: "/srv", env: { A: "1" } },
  ],
]);

function resolve(container: Partial<Container>, annotations: Record<string, string> = {}) {
  const pod = buildTestPod(container, { metadata: { annotations } });
  return resolveCommand(pod, firstContainer(pod), images);
}

function argvOf(outcome: ReturnType<typeof resolve>): readonly string[] | undefined {
  return outcome.kind === "resolved" ? outcome.value.argv : undefined;
}

test("resolveCommand() prefers the container's command over the image's, with the image's settings", () => {
  const outcome = resolve({ image: "shop/reviews:1", command: ["python3", "x.py"], args: ["y"] });
  assert.deepEqual(outcome, {
    kind: "resolved",
    value: { argv: ["python3", "x.py", "y"], env: { A: "1" }, workingDir: "/srv" },
  });
});

test("resolveCommand() finds an image without its tag or digest; args replace the image's", () => {
  assert.deepEqual(argvOf(resolve({ image: "shop/reviews:2.1" })), ["node", "reviews.js", "--port=1"]);
  assert.deepEqual(argvOf(resolve({ image: "shop/reviews@sha256:00" })), ["node", "reviews.js", "--port=1"]);
  assert.deepEqual(argvOf(resolve({ image: "shop/reviews", args: ["-v"] })), ["node", "reviews.js", "-v"]);
});

test("resolveCommand() reads the annotation as JSON or as shell words", () => {
  const annotation = "local.meltemi.dev/command";
  assert.deepEqual(argvOf(resolve({ args: ["z"] }, { [annotation]: '["a", "b c"]' })), ["a", "b c", "z"]);
  assert.deepEqual(argvOf(resolve({}, { [annotation]: `sh -c 'echo "x y"'` })), ["sh", "-c", 'echo "x y"']);
});

test("resolveCommand() names the three ways when nothing is known", () => {
  const outcome = resolve({ image: "registry.example:5000/a/b:v1" });
  assert.equal(outcome.kind, "unresolved");
  assert.equal(outcome.problem.code, "MLT3101");
  assert.equal(outcome.problem.path, "spec.containers[0].image");
  for (const way of [
    /local\.meltemi\.dev\/command/,
    /--image 'registry\.example:5000\/a\/b=/,
    /images\.yaml/,
  ]) {
    assert.match(outcome.problem.hint ?? "", way);
  }
});

test("parseCommand() refuses an open quote and an empty command", () => {
  assert.equal(parseCommand(`sh -c 'echo`), undefined);
  assert.equal(parseCommand("  "), undefined);
  assert.deepEqual(parseCommand(`a\\ b "" c`), ["a b", "", "c"]);
});

test("parseImages() makes paths absolute by the file's directory", () => {
  const text = `
a: {command: [./bin/a, -x], workingDir: app, env: {PORT: 80}}
b: "node server.js"
`;
  const { images: parsed, problems } = parseImages({ file: "images.yaml", directory: "/m", text });
  assert.deepEqual(problems, []);
  assert.deepEqual(parsed.get("a"), {
    command: ["/m/bin/a", "-x"],
    workingDir: "/m/app",
    env: { PORT: "80" },
  });
  assert.deepEqual(parsed.get("b"), { command: ["node", "server.js"], workingDir: "/m", env: {} });
});

test("parseImages() reports an entry without a command and keeps the others", () => {
  const text = "a: {args: [x]}\nb: x\n";
  const { images: parsed, problems } = parseImages({ file: "images.yaml", directory: "/m", text });
  assert.deepEqual([...parsed.keys()], ["b"]);
  assert.deepEqual(
    problems.map((found) => found.code),
    ["MLT3111"],
  );
});
