// Asks the pod's resolver for an address over TCP, as resolvers do for long answers. Arguments: NAME.

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import dnsPacket from "dns-packet";

const [, resolver] = /^nameserver (\S+)/m.exec(readFileSync("/etc/resolv.conf", "utf8"));
const query = { type: "query", id: 1, flags: dnsPacket.RECURSION_DESIRED };
const socket = connect({ host: resolver, port: 53, timeout: 5_000 });
socket.on("timeout", () => socket.destroy(new Error("no answer")));
socket.write(dnsPacket.streamEncode({ ...query, questions: [{ type: "A", name: process.argv[2] }] }));
const chunks = [];
socket.on("data", (chunk) => {
  chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
  const { answers } = dnsPacket.streamDecode(bytes);
  process.stdout.write(answers.map(({ data }) => data).join(" "));
  socket.end();
});
