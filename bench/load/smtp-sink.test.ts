// The mail server of the bench: mails that come in any parts, and one that never answers.
import { expect, test } from "bun:test";
import { answer } from "./smtp-sink.ts";

const MAIL =
  "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nSubject: x\r\n\r\nDATA\r\n..\r\n.\r\nQUIT\r\n";
const ANSWERS = ["250 yes", "250 yes", "250 yes", "354 go on", "250 accepted", "221 bye"];

test("a mail is answered and counted, in whatever parts it comes", () => {
  for (let size = 1; size <= MAIL.length; size += 1) {
    const talk = { buffered: "", isContent: false };
    const said: string[] = [];
    let mails = 0;
    for (let from = 0; from < MAIL.length; from += size)
      mails += answer(talk, MAIL.slice(from, from + size), false, (line) => said.push(line));
    expect({ said, mails }).toEqual({ said: ANSWERS, mails: 1 });
  }
});

test("one that hangs does not answer the content", () => {
  const said: string[] = [];
  answer({ buffered: "", isContent: false }, MAIL.replace("QUIT\r\n", ""), true, (line) => said.push(line));
  expect(said).toEqual(ANSWERS.slice(0, 4));
});
