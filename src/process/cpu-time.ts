// The CPU time that this process has used.

/** In ms, of all its threads, from its start. */
export function cpuNowMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
