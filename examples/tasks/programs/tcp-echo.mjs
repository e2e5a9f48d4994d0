// Stands in for tcp-echo: `tcp-echo.mjs PORT[,PORT…] PREFIX`. Sends each line back with the prefix before it.

import { createServer } from "node:net";
import { createInterface } from "node:readline";

const [ports = "9000", prefix = "echo"] = process.argv.slice(2);

for (const port of ports.split(",")) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    createInterface({ input: socket }).on("line", (line) => socket.write(`${prefix} ${line}\n`));
  });
  server.listen(Number(port));
}
process.on("SIGTERM", () => process.exit(0));
