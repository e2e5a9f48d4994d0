// One RSA key for all tests of a process: a new one costs up to half a second of CPU.

import { generateKeyPairSync } from "node:crypto";

export const rsaKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
