// What policies cost in real Envoys: how long an edit takes to be in force, or the CPU of a request. Prints JSON.
// Run: npm run bench -- policy [EDITS], or npm run bench -- policy cpu [REQUESTS]

import { measureEdits } from "./edit-latency.ts";
import { measureRequestCpu } from "./request-cpu.ts";

const [first = "100", second = "10000"] = process.argv.slice(2);
const isOfCpu = first === "cpu";
const count = Number(isOfCpu ? second : first);

if (!Number.isInteger(count) || count < 2) {
  console.error("usage: npm run bench -- policy [EDITS]\n       npm run bench -- policy cpu [REQUESTS]");
  process.exit(2);
}
const measured = await (isOfCpu ? measureRequestCpu(count) : measureEdits(count));
if ("whyNot" in measured) {
  console.error(`Cannot start a mesh: ${measured.whyNot}`);
  process.exit(3);
}
console.log(JSON.stringify(measured, null, 2));
