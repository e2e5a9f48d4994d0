// Asks one resolver as an application would: `node ask-dns.mjs SERVER '[["host","A","udp"]]'`. Prints a line for each answer.

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { decode, encode, streamDecode, streamEncode } from "dns-packet";

const [server = "", questions = "[]"] = process.argv.slice(2);
for (const [name, type, transport] of JSON.parse(questions)) {
  const query = { type: "query", id: 7, flags: 0x100, questions: [{ name, type }] };
  const { rcode, answers = [] } = await (transport === "tcp" ? askTcp(query) : askUdp(query));
  console.log([rcode, ...answers.map((answer) => `${answer.type} ${answer.data}`)].join(" "));
}
process.exit();

function askUdp(query) {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("message", (bytes) => resolve(decode(bytes)));
    socket.send(encode(query), 53, server);
  });
}

function askTcp(query) {
  return new Promise((resolve) => {
    const socket = connect(53, server, () => socket.write(streamEncode(query)));
    socket.once("data", (bytes) => resolve(streamDecode(bytes)));
  });
}
