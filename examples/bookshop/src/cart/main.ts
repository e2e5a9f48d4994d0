// The cart: a StatefulSet of two replicas that keep nothing themselves; what is in a cart lies in Redis.

import { addressOf } from "../service/environment.ts";
import type { Answer, Request } from "../service/http-service.ts";
import { json, readBody, startHttpService } from "../service/http-service.ts";
import { createRedisClient } from "./redis-client.ts";
import type { RedisReply } from "./redis-protocol.ts";

const LIFETIME_SECONDS = 3_600;
const redis = createRedisClient(addressOf("redis", 6379));

startHttpService({
  name: "cart",
  defaultPort: 9080,
  routes: [
    { method: "GET", path: "/carts/:session", answer: readCart },
    { method: "POST", path: "/carts/:session/items", answer: addItem },
    { method: "DELETE", path: "/carts/:session", answer: emptyCart },
  ],
});

async function readCart({ params }: Pick<Request, "params">): Promise<Answer> {
  return json(countsByBook(await redis.command("HGETALL", cartKey(params))));
}

async function addItem({ params, message }: Request): Promise<Answer> {
  const bookId = bookIdOf(await readBody(message));
  if (bookId === undefined) return json({ error: 'a body like {"bookId": "odyssey"} is wanted' }, 400);
  await redis.command("HINCRBY", cartKey(params), bookId, "1");
  await redis.command("EXPIRE", cartKey(params), String(LIFETIME_SECONDS));
  return readCart({ params });
}

async function emptyCart({ params }: Request): Promise<Answer> {
  await redis.command("DEL", cartKey(params));
  return json({});
}

function cartKey(params: Request["params"]): string {
  return `cart:${params.session}`;
}

/** HGETALL answers field, value, field, value … */
function countsByBook(reply: RedisReply): Record<string, number> {
  const words = Array.isArray(reply) ? reply.map(String) : [];
  const counts: Record<string, number> = {};
  for (let position = 0; position + 1 < words.length; position += 2) {
    counts[words[position] ?? ""] = Number(words[position + 1]);
  }
  return counts;
}

function bookIdOf(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== "object" || parsed === null || !("bookId" in parsed)) return undefined;
    return typeof parsed.bookId === "string" ? parsed.bookId : undefined;
  } catch {
    return undefined;
  }
}
