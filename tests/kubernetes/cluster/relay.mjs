// Runs in a node's network namespace: takes connections of a listening socket that it is handed (which still
// listens where it was made) and connects each to HOST PORT of its own namespace.

import { connect } from "node:net";

const [host, port] = process.argv.slice(2);

process.on("message", (_message, server) => {
  server.on("connection", (near) => {
    const far = connect({ host, port: Number(port) });
    near.pipe(far).pipe(near);
    // Either end's failure ends the other.
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
  });
  process.send?.("listening");
});
process.on("disconnect", () => process.exit());
