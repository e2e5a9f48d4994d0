// Ways to break a manifest, as data: what is saved in place of the good one, and what must be said of it.

export interface BrokenFile {
  readonly how: string;
  readonly content: string | Uint8Array;
  readonly code: string;
  /** Where the mistake is; undefined where it is the file as a whole. */
  readonly line?: number;
  /** Part of the sentence. */
  readonly says?: RegExp;
}

/** What is in force before and after: line 9 is the whole route. */
export const goodFile = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: victim, namespace: test}
spec:
  hosts: [victim]
  http:
  - name: only
    timeout: 5s
    route: [{destination: {host: victim, subset: v1}, weight: 100}]
    headers: {response: {set: {x-edit: good}}}
`;

/** The same mistakes in every file: what is in the way of reading it, or what its kind doesn't allow. */
export const unreadableFiles: readonly BrokenFile[] = [
  { how: "bad indent", content: good("    timeout: 5s", "   timeout: 5s"), code: "MLT1001", line: 8 },
  {
    how: "duplicate key",
    content: good("timeout: 5s", "timeout: 5s\n    timeout: 6s"),
    code: "MLT1001",
    line: 9,
  },
  { how: "tabs", content: good("    timeout: 5s", "\t\ttimeout: 5s"), code: "MLT1001", line: 8 },
  { how: "unclosed quote", content: good("name: only", 'name: "only'), code: "MLT1001" },
  { how: "unclosed bracket", content: good("hosts: [victim]", "hosts: [victim"), code: "MLT1001" },
  { how: "alias to nothing", content: good("timeout: 5s", "timeout: *long"), code: "MLT1001", line: 8 },
  { how: "half written", content: goodFile.slice(0, goodFile.indexOf("subset")), code: "MLT1001" },
  { how: "not UTF-8", content: withBytes("only", [0xc3, 0x28, 0xff]), code: "MLT1008", line: 1 },
  { how: "zero bytes", content: withBytes("only", [0, 0]), code: "MLT1001", line: 7 },
  { how: "aliases that explode", content: explodingAliases(), code: "MLT1001" },
  { how: "10 MB", content: `${goodFile}# ${"x".repeat(10 * 1_048_576)}\n`, code: "MLT1008" },
  { how: "a list", content: "- one\n- two\n", code: "MLT1002", line: 1 },
  { how: "a sentence", content: "hello there\n", code: "MLT1002", line: 1 },
  {
    how: "unknown kind",
    content: good("kind: VirtualService", "kind: VirtualServise"),
    code: "MLT1002",
    line: 2,
    says: /VirtualService/,
  },
  {
    how: "unknown apiVersion",
    content: good("networking.istio.io/v1\n", "networking.istio.io/v9\n"),
    code: "MLT1002",
    line: 1,
  },
  { how: "unknown field", content: good("timeout", "timout"), code: "MLT1003", line: 8, says: /timeout/ },
  { how: "wrong type", content: good("hosts: [victim]", "hosts: {a: b}"), code: "MLT1004", line: 5 },
  {
    how: "weight not a number",
    content: good("weight: 100", "weight: lots"),
    code: "MLT1004",
    line: 9,
    says: /lots/,
  },
  {
    how: "bad duration",
    content: good("timeout: 5s", "timeout: 5 parsecs"),
    code: "MLT1005",
    line: 8,
    says: /5 parsecs/,
  },
  { how: "negative weight", content: good("weight: 100", "weight: -1"), code: "MLT1005", line: 9 },
  { how: "bad name", content: good("name: victim,", "name: Not A Name,"), code: "MLT1005", line: 3 },
  {
    how: "missing required field",
    content: good("destination: {host: victim, subset: v1}, ", ""),
    code: "MLT1006",
    line: 9,
  },
  { how: "two objects of one name", content: `${goodFile}---\n${goodFile}`, code: "MLT1007", line: 12 },
];

/** Mistakes that show only beside other objects, or in a second object of the file. */
export const danglingFiles: readonly BrokenFile[] = [
  {
    how: "dangling subset",
    content: good("subset: v1", "subset: v7"),
    code: "MLT2002",
    line: 9,
    says: /"v7"/,
  },
  {
    how: "unknown host",
    content: good("{host: victim,", "{host: nobody,"),
    code: "MLT2001",
    line: 9,
    says: /nobody/,
  },
  {
    how: "port that doesn't exist",
    content: good("host: victim,", "host: victim, port: {number: 81},"),
    code: "MLT2003",
    line: 9,
    says: /81/,
  },
];

/** Objects that are wrong and leave the good one in force. */
export const wrongCompanions: readonly BrokenFile[] = [
  {
    how: "bad CIDR",
    content: `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: test}
spec:
  hosts: [outside.example]
  addresses: [10.1.2.0/99]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
`,
    code: "MLT1005",
    line: 6,
    says: /10\.1\.2\.0\/99/,
  },
  {
    how: "cycle of delegates",
    content: `${delegate("round", "about")}---\n${delegate("about", "round")}`,
    code: "MLT2008",
  },
  {
    how: "unknown word",
    content: `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: outside, namespace: test}
spec:
  host: outside.example
  trafficPolicy: {loadBalancer: {simple: ROUNDROBIN}}
`,
    code: "MLT1005",
    line: 6,
    says: /ROUND_ROBIN/,
  },
  { how: "empty file", content: "", code: "MLT1010" },
  { how: "comments only", content: "# nothing yet\n", code: "MLT1010" },
];

function good(found: string, broken: string): string {
  if (!goodFile.includes(found)) throw new Error(`The good file has no ${found}`);
  return goodFile.replace(found, broken);
}

function withBytes(found: string, bytes: readonly number[]): Uint8Array {
  const at = goodFile.indexOf(found);
  return Buffer.concat([
    Buffer.from(goodFile.slice(0, at)),
    Buffer.from(bytes),
    Buffer.from(goodFile.slice(at)),
  ]);
}

function explodingAliases(): string {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const inner = level === 0 ? '"x"' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array.from({ length: 10 }, () => inner).join(", ")}]`;
  });
  return `${goodFile}---\n${levels.join("\n")}\n`;
}

function delegate(name: string, to: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: test}
spec:
  hosts: [${name}.example]
  http: [{delegate: {name: ${to}, namespace: test}}]
`;
}
