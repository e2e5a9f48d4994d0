// The server's side of WebSocket as far as an echo needs it: short unfragmented text frames and close.

import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;

export function acceptWebSocket(request, socket) {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n" +
      `sec-websocket-accept: ${accept}\r\n\r\n`,
  );
  let unread = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    for (let frame = readFrame(unread); frame !== undefined; frame = readFrame(unread)) {
      unread = unread.subarray(frame.length);
      socket.write(Buffer.concat([Buffer.from([0x80 | frame.opcode, frame.payload.length]), frame.payload]));
      if (frame.opcode === CLOSE) socket.end();
    }
  });
}

/** Clients mask; lengths over 125 aren't needed here. RFC 6455, section 5.2. */
function readFrame(bytes) {
  if (bytes.length < 6) return undefined;
  const opcode = bytes[0] & 0x0f;
  const size = bytes[1] & 0x7f;
  if (size > 125 || (opcode !== TEXT && opcode !== CLOSE))
    throw new Error("A frame that the test doesn't send");
  if (bytes.length < 6 + size) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, 6 + size).map((byte, index) => byte ^ mask[index % 4]));
  return { opcode, payload, length: 6 + size };
}
