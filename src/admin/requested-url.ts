// What a request asks for. istioctl asks for `//version`, which by the rules of relative URLs would name a host.

import type { IncomingMessage } from "node:http";

export function requestedUrl({ url = "/" }: Pick<IncomingMessage, "url">): URL {
  return new URL(`http://control-plane${url.replace(/^\/*/, "/")}`);
}
