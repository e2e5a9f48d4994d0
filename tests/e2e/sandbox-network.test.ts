// Pods in their own namespaces: reach each other, VIPs, names and the machine, by real packets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutRoot, startMesh } from "./mesh-under-test.ts";

const appUser = { uid: 1_000, gid: 1_000, env: { PATH: "/usr/bin:/bin" } };

/** A program that serves its argument's text over HTTP on a port, and says so. */
function textServer(port: number, text: string) {
  const source = `require("node:http").createServer((_, response) => response.end(${JSON.stringify(text)})).listen(${port}, () => console.log("listening"))`;
  return { ...appUser, argv: [process.execPath, "-e", source] };
}

function fetchText(url: string) {
  const source = `fetch(${JSON.stringify(url)}).then((r) => r.text()).then((t) => console.log(t), (e) => { console.log(e.cause?.code ?? e.message); process.exit(1); })`;
  return { ...appUser, argv: [process.execPath, "-e", source] };
}

test("pods reach each other by address and by VIP, and names resolve", {
  skip: skipWithoutRoot,
}, async (t) => {
  const mesh = await startMesh(t);
  const dnsSearch = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"];
  const [client, v1, v2] = await Promise.all(
    ["client", "v1", "v2"].map((hostname) =>
      mesh.call("pod", { podKey: `shop/${hostname}`, hostname, dnsSearch }),
    ),
  );
  assert(client && v1 && v2);
  await Promise.all([
    mesh.call("start", { pod: "shop/v1", ...textServer(9080, "one") }),
    mesh.call("start", { pod: "shop/v2", ...textServer(9080, "two") }),
  ]);
  const get = async (url: string) =>
    (await mesh.call("run", { pod: "shop/client", ...fetchText(url) })).stdout.trim();

  await t.test("by the pod's address", async () => {
    assert.equal(await get(`http://${v1.ip}:9080/`), "one");
  });

  const vip = await mesh.call("vip", { serviceKey: "shop/reviews" });
  const service = (targets: readonly string[]) => [
    { vip, ports: [{ port: 80, protocol: "TCP" as const, targets }] },
  ];
  await t.test("by a VIP, at random over its endpoints", async () => {
    await mesh.call("services", service([`${v1.ip}:9080`, `${v2.ip}:9080`]));
    const seen = new Set<string>();
    for (let tries = 0; tries < 40 && seen.size < 2; tries += 1) seen.add(await get(`http://${vip}/`));
    assert.deepEqual([...seen].sort(), ["one", "two"]);
  });
  await t.test("a pod reaches itself by its VIP", async () => {
    await mesh.call("services", service([`${v1.ip}:9080`]));
    const outcome = await mesh.call("run", { pod: "shop/v1", ...fetchText(`http://${vip}/`) });
    assert.equal(outcome.stdout.trim(), "one");
  });
  await t.test("a VIP without endpoints refuses at once", async () => {
    await mesh.call("services", service([]));
    assert.equal(await get(`http://${vip}/`), "ECONNREFUSED");
    assert.equal(await get("http://10.96.200.200/"), "ECONNREFUSED");
  });
  await t.test("names resolve by the C library, short and long", async () => {
    await mesh.call("records", {
      services: [{ kind: "vip", namespace: "shop", name: "reviews", ip: vip, ports: [] }],
    });
    for (const name of ["reviews", "reviews.shop", "reviews.shop.svc.cluster.local"]) {
      const found = await mesh.call("run", {
        pod: "shop/client",
        ...appUser,
        argv: ["getent", "ahostsv4", name],
      });
      assert.equal(found.stdout.split(" ")[0], vip, name);
    }
    const absent = await mesh.call("run", {
      pod: "shop/client",
      ...appUser,
      argv: ["getent", "hosts", "ratings"],
    });
    assert.equal(absent.code, 2);
  });
  await t.test("a pod knows its own name", async () => {
    const found = await mesh.call("run", {
      pod: "shop/client",
      ...appUser,
      argv: ["sh", "-c", "hostname; getent hosts client; cat /etc/hostname"],
    });
    assert.match(found.stdout, new RegExp(`^client\\n${client.ip} +client\\nclient\\n$`));
  });
  await t.test("a port below 1024 is free for any user", async () => {
    const started = await mesh.call("start", { pod: "shop/client", ...textServer(80, "low") });
    assert.match(started.line, /listening/);
  });
});

test("20 pods are made within a second or two", { skip: skipWithoutRoot }, async (t) => {
  const mesh = await startMesh(t);
  const { wallMs, cpuMs } = await mesh.call("pods", 20);
  t.diagnostic(`20 pods: ${wallMs.toFixed(0)} ms, of which the supervisor's CPU ${cpuMs.toFixed(0)} ms`);
  assert(wallMs < 5_000);
});
