// A mail server that costs next to no CPU: it accepts every mail and counts them, or never answers their content.
import { parseArgs } from "node:util";

const END = "\r\n.\r\n";

/** A connection: what came of a line, or of a mail whose end has not come. */
type Talk = { buffered: string; isContent: boolean };

/** Answers what came, and returns how many mails it ended. */
export function answer(talk: Talk, data: string, isHanging: boolean, say: (line: string) => void): number {
  talk.buffered += data;
  let mails = 0;
  for (;;) {
    const end = talk.buffered.indexOf(talk.isContent ? END : "\r\n");
    // Only the end of a content that came in parts is needed.
    if (end < 0) {
      if (talk.isContent) talk.buffered = talk.buffered.slice(-END.length);
      return mails;
    }
    const line = talk.buffered.slice(0, end);
    talk.buffered = talk.buffered.slice(end + (talk.isContent ? END.length : 2));
    if (talk.isContent) {
      talk.isContent = false;
      mails += 1;
      if (!isHanging) say("250 accepted");
      continue;
    }
    talk.isContent = /^DATA$/i.test(line);
    say(talk.isContent ? "354 go on" : /^QUIT$/i.test(line) ? "221 bye" : "250 yes");
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string" }, hang: { type: "boolean" } } });
  const { port, hang: isHanging = false } = values;
  let mails = 0;
  Bun.listen<Talk>({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      open(socket) {
        socket.data = { buffered: "", isContent: false };
        socket.write("220 sink\r\n");
      },
      data(socket, data) {
        const before = mails;
        mails += answer(socket.data, data.toString("latin1"), isHanging, (line) =>
          socket.write(`${line}\r\n`),
        );
        if (mails > before) console.log(mails);
      },
    },
  });
}
