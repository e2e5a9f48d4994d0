import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandContext } from "./command.ts";
import type { RemovalPlan } from "./install-operations.ts";
import { run } from "./uninstall.ts";

const noConsequences: RemovalPlan = { dependents: [], askingNamespaces: [], purged: undefined };
const purge: RemovalPlan = {
  ...noConsequences,
  purged: {
    definitionCount: 15,
    objects: [
      { kind: "VirtualService", count: 50 },
      { kind: "AuthorizationPolicy", count: 2 },
    ],
    namespaces: ["meltemi-system"],
  },
};
const inUse: RemovalPlan = {
  ...noConsequences,
  dependents: [{ namespace: "shop", pods: ["a", "b", "c", "d", "e", "f", "g"] }],
};

interface Trial {
  readonly plan: RemovalPlan;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Undefined: nobody is there. */
  readonly answer?: string | undefined;
}

async function uninstall({ plan, options = {}, answer }: Trial) {
  const said: string[] = [];
  const done: string[] = [];
  const verdict = { removedCount: 3, otherRevisions: [], remaining: [] };
  const context = {
    signal: new AbortController().signal,
    terminal: {
      hasColour: false,
      write: () => undefined,
      writeError: (text: string) => void said.push(text),
      ask: async (question: string) => {
        said.push(question);
        return answer;
      },
    },
    operations: {
      installation: {
        planRemoval: async () => plan,
        uninstall: async () => {
          done.push("uninstalled");
          return verdict;
        },
      },
    },
  } as unknown as CommandContext;
  const outcome = await run(context, { args: [], options }).catch((error: Error) => error.message);
  return { outcome, said: said.join(""), isDone: done.length > 0 };
}

test("uninstall doesn't ask where nothing depends on the revision and nothing of users goes", async () => {
  const { isDone, outcome, said } = await uninstall({ plan: noConsequences });
  assert.deepEqual([outcome, isDone, said], [0, true, ""]);
});

test("uninstall says whose new pods will have no sidecar, and doesn't ask for that", async () => {
  const { isDone, said } = await uninstall({ plan: { ...noConsequences, askingNamespaces: ["a", "b"] } });
  assert.equal(said, "New pods of namespace a, b will start without a sidecar.\n");
  assert.ok(isDone);
});

test("uninstall --purge says what goes, with counts, and asks", async () => {
  const { isDone, said } = await uninstall({ plan: purge, options: { purge: true }, answer: "y" });
  assert.match(said, /removes 15 definitions, .* kinds: 50 VirtualServices, 2 AuthorizationPolicies;/);
  assert.match(said, /of namespaces, with all that is in them: meltemi-system\./);
  assert.match(said, /Uninstall nonetheless\? \(y\/N\) $/);
  assert.ok(isDone);
});

for (const answer of ["n", "", "yeah"]) {
  test(`uninstall removes nothing when the answer is "${answer}"`, async () => {
    const { isDone, outcome } = await uninstall({ plan: purge, options: { purge: true }, answer });
    assert.equal(isDone, false);
    assert.match(String(outcome), /Cannot uninstall revision "default": you said no; nothing was removed/);
  });
}

test("uninstall removes nothing where nobody can be asked, unless --yes says so", async () => {
  const silent = await uninstall({ plan: purge, options: { purge: true } });
  assert.equal(silent.isDone, false);
  assert.match(String(silent.outcome), /nobody is there to be asked/);
  const forced = await uninstall({ plan: purge, options: { purge: true, yes: true } });
  assert.ok(forced.isDone);
  assert.match(forced.said, /50 VirtualServices/);
});

test("uninstall --revision says which proxies depend on it, and asks", async () => {
  const { isDone, said } = await uninstall({ plan: inUse, options: { revision: "canary" }, answer: "no" });
  assert.match(said, /Proxies of 7 pods depend on revision "canary"/);
  assert.match(said, / {2}namespace shop: a, b, c, d, e and 2 more\n/);
  assert.equal(isDone, false);
});
