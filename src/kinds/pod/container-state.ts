// A container's state in a status, as the one word that kubectl shows of it.

interface ContainerState {
  readonly waiting?: { readonly reason?: string };
  readonly running?: object;
  readonly terminated?: { readonly reason?: string };
}

/** `Running`, or the reason why it waits or has ended, such as `CrashLoopBackOff`. */
export function containerStateText(state: unknown): string {
  const { waiting, running, terminated } = (state ?? {}) as ContainerState;
  if (running !== undefined) return "Running";
  return waiting?.reason ?? terminated?.reason ?? "Waiting";
}
