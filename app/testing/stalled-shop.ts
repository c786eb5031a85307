// A shop whose payment gateway never answers, as a program that a test can kill: its argument is the data folder.
import { must } from "../../db/must.ts";
import { readConfig } from "../config.ts";
import { main } from "../main.ts";
import { openTestGateway } from "./orders.ts";
import { quickPasswords, silentLog } from "./shop.ts";

const DATA_DIR = must(process.argv[2], "the data folder");
const { gateway } = openTestGateway(() => new Promise(() => undefined));
const config = readConfig({ DATA_DIR, PORT: "0", DEMO: "false" });
const shop = await main(config, silentLog, { instead: { gateway, passwords: quickPasswords() } });
process.stdout.write(`${shop.url}\n`);
