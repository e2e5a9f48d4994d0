// Every object of every profile on a real API server, which checks them as on installation: none is refused, none has
// a field that the API server doesn't know, and none draws a warning, such as of the Pod Security level.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { profileNames, profileSettings } from "../../src/install/install-settings.ts";
import { installStages } from "../../src/install/installation-objects.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";

const skip = whyNoApiServer();
let server: ApiServer;

before(async () => {
  if (!skip) server = await startApiServer();
});
after(() => server?.close());

for (const profile of profileNames) {
  test(`the API server takes the profile ${profile} without a warning`, { skip }, async () => {
    for (const { objects, title } of installStages(profileSettings(profile, "1.2.3"))) {
      const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
      const args = ["apply", "--server-side", "--validate=strict", "--warnings-as-errors", "-f", "-"];
      await assert.doesNotReject(server.kubectl(args, { input }), title);
    }
  });
}
