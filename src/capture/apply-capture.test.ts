import assert from "node:assert/strict";
import { test } from "node:test";
import { applyCapture, removeCapture } from "./apply-capture.ts";
import type { CommandOutcome, RunCommand } from "./capture-command.ts";
import { defaultCaptureSettings as settings } from "./capture-settings.ts";

/** A namespace in which programs answer as told, by the beginning of their command line; others aren't there. */
function namespaceWith(answers: Readonly<Record<string, Partial<CommandOutcome>>>) {
  const lines: string[] = [];
  const run: RunCommand = async ({ command }) => {
    const line = command.join(" ");
    lines.push(line);
    const [, answer] = Object.entries(answers).find(([start]) => line.startsWith(start)) ?? [];
    const missing = { code: 127, stdout: "", stderr: "not found" };
    return answer === undefined ? missing : { code: 0, stdout: "", stderr: "", ...answer };
  };
  return { run, lines };
}

test("applyCapture() takes iptables on nf_tables where all programs work", async () => {
  const { run } = namespaceWith({ iptables: {}, nft: {} });
  assert.equal(await applyCapture(settings, { run }), "iptables-nft");
});

test("applyCapture() joins the variant whose rules are there already", async () => {
  const { run } = namespaceWith({ "iptables-legacy-save": { stdout: "-A INPUT -j ACCEPT" }, iptables: {} });
  assert.equal(await applyCapture(settings, { run }), "iptables-legacy");
});

test("applyCapture() goes on to the next program when the kernel refuses one", async () => {
  const refusal = { code: 4, stderr: "No chain/target/match by that name" };
  const { run, lines } = namespaceWith({
    "iptables-nft-restore": refusal,
    "iptables-legacy-restore": refusal,
    iptables: {},
    nft: {},
  });
  assert.equal(await applyCapture(settings, { run }), "iptables");
  assert.ok(lines.includes("iptables-nft --wait -t nat -F ISTIO_OUTPUT"), "what was begun is taken out");
});

test("applyCapture() takes native nft first where that is preferred", async () => {
  const { run, lines } = namespaceWith({ iptables: {}, nft: {} });
  assert.equal(await applyCapture(settings, { run, prefersNft: true }), "nft");
  assert.ok(!lines.some((line) => line.includes("restore")));
});

test("applyCapture() replaces rules of an earlier run", async () => {
  const { run, lines } = namespaceWith({
    "iptables-nft-save": { stdout: "-A OUTPUT -j ISTIO_OUTPUT" },
    iptables: {},
  });
  await applyCapture(settings, { run });
  const removed = lines.indexOf("iptables-nft --wait -t nat -X ISTIO_OUTPUT");
  assert.ok(removed > 0 && removed < lines.indexOf("iptables-nft-restore --noflush --wait"));
});

test("applyCapture() says what each program said when none works", async () => {
  const { run } = namespaceWith({ "nft list": {}, "nft -f": { code: 1, stderr: "Operation not permitted" } });
  await assert.rejects(applyCapture(settings, { run }), /nft -f - ended with 1: Operation not permitted/);
});

test("applyCapture() says so where there is no program at all", async () => {
  await assert.rejects(applyCapture(settings, namespaceWith({})), /neither iptables nor nft runs here/);
});

test("removeCapture() touches nothing where nothing of ours is in force", async () => {
  const { run, lines } = namespaceWith({ iptables: { stdout: "-A INPUT -j ACCEPT" }, nft: {} });
  await removeCapture(settings, run);
  assert.ok(lines.every((line) => line.endsWith("-save") || line === "nft list tables"));
});
