// The door's process: messages of the supervisor on standard input, lines for it and the operator on standard output.
import { sentenceOf } from "../../../db/message.ts";
import { openOutput } from "../../../db/output.ts";
import { openDoor } from "./door.ts";
import { linesOf, readMessage } from "./inbox.ts";
import { LISTENING } from "./messages.ts";

const print = openOutput(process.stdout);
const door = openDoor({ say: print });
void door.ended.then(() => process.exit(0));
try {
  for await (const line of linesOf(Bun.stdin.stream())) {
    const message = readMessage(line);
    door.take(message);
    if (message.kind === "open") print(LISTENING);
  }
  // The supervisor has ended.
  process.exit(0);
} catch (thrown) {
  print(`the door ends: ${sentenceOf(thrown)}`);
  process.exit(1);
}
