// For tests: a real OpenID Connect provider in this process, which can be stopped, started again and given other keys.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import Provider from "oidc-provider";

export interface OidcProvider {
  readonly issuer: string;
  /** A token as a client of it gets one, for the audience `urn:shop`. */
  token(): Promise<string>;
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
  /** New tokens are signed by a new key; the old one is published beside it until the next rotation. */
  rotate(): Promise<void>;
}

export async function startOidcProvider(t: TestContext): Promise<OidcProvider> {
  let keys = [await newKey("key-1")];
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  let answer = handlerOf(issuer, keys);
  server.on("request", (request, response) => void answer(request, response));
  const stop = () => closed(server);
  t.after(stop);
  return {
    issuer,
    stop,
    token: () => requestToken(issuer),
    async start() {
      server = await listen(port);
      server.on("request", (request, response) => void answer(request, response));
    },
    async rotate() {
      const number = Number(keys[0]?.kid?.split("-")[1]) + 1;
      keys = [await newKey(`key-${number}`), ...keys.slice(0, 1)];
      answer = handlerOf(issuer, keys);
    },
  };
}

function handlerOf(issuer: string, keys: readonly JWK[]) {
  const provider = new Provider(issuer, {
    jwks: { keys: [...keys] as never[] },
    clients: [
      {
        client_id: "app",
        client_secret: "app-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:shop",
        getResourceServerInfo: () => ({
          scope: "read write",
          audience: "urn:shop",
          accessTokenFormat: "jwt" as const,
        }),
      },
    },
    extraTokenClaims: () => ({ groups: ["admin", "dev"], org: { team: "blue" } }),
  });
  return provider.callback();
}

async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
}

async function requestToken(issuer: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from("app:app-secret").toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      connection: "close",
    },
    body: "grant_type=client_credentials&scope=read",
  });
  const { access_token: token } = (await response.json()) as { readonly access_token?: string };
  if (token === undefined) throw new Error(`no token: HTTP status ${response.status}`);
  return token;
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  return server;
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
