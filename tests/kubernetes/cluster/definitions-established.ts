// Waits until an API server serves all custom resource definitions that it has been given.

import type { Kubectl } from "./kubectl.ts";
import { untilAnswered } from "./until-answered.ts";

const LIMIT_MS = 60_000;

/** `kubectl wait` takes a definition that has no conditions yet for a fault, and ends: it is asked again. */
export async function definitionsEstablished(kubectl: Kubectl): Promise<void> {
  await untilAnswered(
    async () => {
      try {
        await kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
        return undefined;
      } catch (error) {
        const { message } = error as Error;
        if (message.includes("accessor error")) return message;
        throw error;
      }
    },
    { limitMs: LIMIT_MS },
  );
}
