// Stands in for helloworld: says on port 5000 which version it is, and which pod.

import { hostname } from "node:os";
import { serve } from "./http-stand-in.mjs";

const { SERVICE_VERSION: version = "v1" } = process.env;

serve(5000, ({ url }) =>
  url.split("?")[0] === "/hello"
    ? { status: 200, body: `Hello version: ${version}, instance: ${hostname()}\n` }
    : { status: 404 },
);
