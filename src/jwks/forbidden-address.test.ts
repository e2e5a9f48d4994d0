import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../core/cidr.ts";
import { whyForbidden } from "./forbidden-address.ts";

const forbidden = [
  ...["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1"],
  ...["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"],
  ...["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fe80::1"],
  ...["fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
];
const allowed = ["10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"];

test("whyForbidden() forbids the control plane's own machine and clouds' metadata, however they are written", () => {
  for (const address of forbidden) assert.notEqual(whyForbidden(address, {}), undefined, address);
  for (const address of allowed) assert.equal(whyForbidden(address, {}), undefined, address);
});

test("whyForbidden() forbids what is no address", () => {
  for (const text of ["", "idp", "1.2.3", "fe80::1%eth0"])
    assert.equal(whyForbidden(text, {}), "not an IP address", text);
});

test("whyForbidden() adds an installation's own ranges, also inside IPv6", () => {
  const rules = { forbidden: [parseCidr("10.0.0.0/8") ?? assert.fail()] };
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3"])
    assert.match(whyForbidden(address, rules) ?? "", /this installation forbids/);
  assert.equal(whyForbidden("11.0.0.1", rules), undefined);
});
