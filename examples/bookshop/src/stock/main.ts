// How many copies are left: a page that asks once gets JSON, one that stays gets each change over a WebSocket.
// Other customers are made up: now and then one buys a book. `/echo` sends back what it is sent.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { books } from "../catalog/books.ts";
import type { Answer } from "../service/http-service.ts";
import { json, startHttpService } from "../service/http-service.ts";
import type { WebSocketConnection, WebSocketEvents } from "./websocket.ts";
import { acceptWebSocket } from "./websocket.ts";

const FULL_SHELF = 12;
const SALE_INTERVAL_MS = 2_500;
const GOING_AWAY = 1001;

const copiesByBook = new Map(books.map(({ id }, position) => [id, FULL_SHELF - position]));
/** All that are open, so that they can be ended. */
const connections = new Set<WebSocketConnection>();
/** Those that are told of changes. */
const watchers = new Set<WebSocketConnection>();

setInterval(sellOne, SALE_INTERVAL_MS).unref();

startHttpService({
  name: "stock",
  defaultPort: 9080,
  routes: [
    { method: "GET", path: "/stock", answer: () => json(Object.fromEntries(copiesByBook)) },
    { method: "POST", path: "/stock/:id/take", answer: ({ params }) => take(params.id ?? "") },
  ],
  upgrade,
  release: () => {
    for (const connection of connections) connection.close(GOING_AWAY);
  },
});

function upgrade(message: IncomingMessage, socket: Duplex): void {
  if (message.url?.startsWith("/echo") === true) {
    const echo = open(message, socket, { onText: (text) => echo?.send(text) });
    return;
  }
  const connection = open(message, socket, {});
  connection?.send(JSON.stringify(Object.fromEntries(copiesByBook)));
  if (connection !== undefined) watchers.add(connection);
}

function open(
  message: IncomingMessage,
  socket: Duplex,
  events: WebSocketEvents,
): WebSocketConnection | undefined {
  const connection = acceptWebSocket(message, socket, {
    ...events,
    onClose: () => {
      if (connection === undefined) return;
      connections.delete(connection);
      watchers.delete(connection);
    },
  });
  if (connection !== undefined) connections.add(connection);
  return connection;
}

function take(bookId: string): Answer {
  const copies = copiesByBook.get(bookId);
  if (copies === undefined) return json({ error: `no book "${bookId}"` }, 404);
  if (copies === 0) return json({ error: `"${bookId}" is sold out` }, 409);
  setCopies(bookId, copies - 1);
  return json({ [bookId]: copies - 1 });
}

function sellOne(): void {
  const { id } = books[Math.floor(Math.random() * books.length)] ?? { id: "" };
  const copies = copiesByBook.get(id) ?? 0;
  setCopies(id, copies === 0 ? FULL_SHELF : copies - 1);
}

function setCopies(bookId: string, copies: number): void {
  copiesByBook.set(bookId, copies);
  const change = JSON.stringify({ [bookId]: copies });
  for (const watcher of watchers) watcher.send(change);
}
