// What ends a pod's proxy: kubelet's signal, the pod's own request to quit, or an Envoy that can't go on.

import type { EnvoyVerdict } from "../pod/envoy-end.ts";

export interface StopRequest {
  readonly cause: string;
  readonly exitCode: number;
}

export interface StopRequests {
  /** Resolves with the first one. */
  readonly requested: Promise<StopRequest>;
  /** Aborts with a second signal, or where the pod itself is done: then nobody waits for connections. */
  readonly hurried: AbortSignal;
  readonly quit: () => void;
  readonly giveUp: (verdict: EnvoyVerdict) => void;
}

/** Takes SIGTERM and SIGINT for as long as the process lives. */
export function awaitStop(): StopRequests {
  const hurry = new AbortController();
  let request: (stop: StopRequest) => void = () => undefined;
  const requested = new Promise<StopRequest>((resolve) => {
    request = resolve;
  });
  let signalCount = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      request({ cause: signal, exitCode: 0 });
      if (++signalCount > 1) hurry.abort();
    });
  }
  return {
    requested,
    hurried: hurry.signal,
    quit() {
      request({ cause: "quitquitquit", exitCode: 0 });
      hurry.abort();
    },
    giveUp: ({ exitCode, sentence }) => request({ cause: sentence, exitCode }),
  };
}
