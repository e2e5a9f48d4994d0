// PEM (RFC 7468), strict: base64 between matching lines, nothing else inside. Never used for anything but framing.

export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "PRIVATE KEY" | "PUBLIC KEY";

/** Ends in a newline, so that blocks can be joined as they are. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Every block of that label, in order; text around and between blocks is allowed, as in many CA files. */
export function decodePem(label: PemLabel, text: string): readonly Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  for (let start = text.indexOf(begin); start !== -1; start = text.indexOf(begin, start + 1)) {
    const stop = text.indexOf(end, start);
    if (stop === -1) break;
    const body = text.slice(start + begin.length, stop).replace(/[\r\n]/g, "");
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(body) && body.length % 4 === 0)
      blocks.push(Buffer.from(body, "base64"));
  }
  return blocks;
}
