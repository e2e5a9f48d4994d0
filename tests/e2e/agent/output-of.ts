// What a program prints; its errors go where ours go.

import { spawn } from "node:child_process";

/** Rejects where it fails, or takes longer than 90 s. */
export function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], timeout: 90_000 });
  let text = "";
  child.stdout.on("data", (data) => {
    text += String(data);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`ended with ${code}`))));
  });
}
