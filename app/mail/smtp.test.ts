// The connection to a real mail server: TLS, sign-in, letters beyond ASCII, servers that end it or never answer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { SMTPServerOptions } from "smtp-server";
import { type Certificate, openAuthority } from "../../db/testing/certificates.ts";
import { readMailConfig } from "../mail-settings.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { openSmtp, type SmtpBounds } from "./smtp.ts";
import { MailError } from "./transport.ts";

const BOUNDS = { connectMs: 5_000, silenceMs: 5_000, sendMs: 5_000 };
const FROM = "shop@shop.example";
const mailTo = (...to: string[]) => ({
  name: "a@shop.example",
  from: FROM,
  to,
  bytes: Buffer.from("A: b\r\n\r\nc"),
});
const MAIL = mailTo("ada@shop.example");

let authority: ReturnType<typeof openAuthority>;
let right: Certificate;
let foreign: Certificate;

beforeAll(() => {
  authority = openAuthority();
  right = authority.sign("IP:127.0.0.1");
  foreign = authority.sign("DNS:elsewhere.example");
});
afterAll(() => authority.remove());

/** A transport to an address of the settings. */
const transportTo = (url: string, bounds: SmtpBounds = BOUNDS, ca?: string) => {
  const { smtp } = readMailConfig({ SMTP_URL: url, MAIL_FROM: FROM });
  if (!smtp) throw new Error("the settings have no mail server");
  return openSmtp(smtp, { bounds, ...(ca ? { ca } : {}) });
};

/** The error of a mail that is not sent. */
const failureOf = (sending: Promise<unknown>): Promise<MailError> =>
  sending.then(
    () => {
      throw new Error("the mail was sent");
    },
    (thrown: MailError) => thrown,
  );

async function withServer(
  options: SMTPServerOptions,
  work: (server: MailServer) => Promise<void>,
): Promise<void> {
  const server = await openMailServer(options);
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

describe("TLS", () => {
  const urlOf = ({ port }: MailServer, scheme = "smtp", options = "") =>
    `${scheme}://127.0.0.1:${port}${options}`;
  const startTls = () => ({ hideSTARTTLS: false, key: right.key, cert: right.cert });

  test("by STARTTLS where the server offers it", () =>
    withServer(startTls(), async (server) => {
      const transport = transportTo(urlOf(server), BOUNDS, authority.pem);
      await transport.send(MAIL);
      transport.close();
      expect(server.received).toMatchObject([{ isSecure: true }]);
    }));

  test("from the start with smtps:", () =>
    withServer({ secure: true, key: right.key, cert: right.cert }, async (server) => {
      const transport = transportTo(urlOf(server, "smtps"), BOUNDS, authority.pem);
      await transport.send(MAIL);
      transport.close();
      expect(server.received).toMatchObject([{ isSecure: true }]);
    }));

  test("required of a server that does not offer it: no mail, and no password", () => {
    const seen: string[] = [];
    const onAuth: SMTPServerOptions["onAuth"] = (auth, _session, callback) => {
      seen.push(`${auth.password}`);
      callback(null, { user: "x" });
    };
    return withServer({ onAuth, allowInsecureAuth: true, disabledCommands: ["STARTTLS"] }, async (server) => {
      const url = `smtp://shop:password@127.0.0.1:${server.port}?starttls=required`;
      const { isServer, message } = await failureOf(transportTo(url).send(MAIL));
      expect([isServer, server.received, seen]).toEqual([true, [], []]);
      expect(message).toContain("STARTTLS");
    });
  });

  test.each([
    ["of an authority that is not known", () => right, undefined],
    ["for another name", () => foreign, () => authority.pem],
  ])("with a certificate %s: no mail", async (_, certificate, ca) => {
    const { key, cert } = certificate();
    for (const [scheme, options] of [
      ["smtps", { secure: true, key, cert }],
      ["smtp", { hideSTARTTLS: false, key, cert }],
    ] as const)
      await withServer(options, async (server) => {
        const failure = await failureOf(transportTo(urlOf(server, scheme), BOUNDS, ca?.()).send(MAIL));
        expect(failure).toBeInstanceOf(MailError);
        expect([failure.isServer, server.received]).toEqual([true, []]);
        expect(failure.message).toMatch(/certificate|altname|issuer/i);
      });
  });
});

describe("a sign-in", () => {
  const onAuth: SMTPServerOptions["onAuth"] = ({ username, password }, _session, callback) =>
    username === "shop" && password === "pass:word@1"
      ? callback(null, { user: username })
      : callback(Object.assign(new Error("bad credentials"), { responseCode: 535 }));
  const options: SMTPServerOptions = { authOptional: false, allowInsecureAuth: true, onAuth };
  const urlOf = (server: MailServer, password: string) => `smtp://shop:${password}@127.0.0.1:${server.port}`;

  test("with the user and the password of the settings", () =>
    withServer(options, async (server) => {
      const transport = transportTo(urlOf(server, "pass%3Aword%401"));
      await transport.send(MAIL);
      await transport.send(MAIL);
      transport.close();
      expect([server.received.length, server.connections()]).toEqual([2, 1]);
    }));

  test("that is refused concerns all mails, and its error does not contain the password", () =>
    withServer(options, async (server) => {
      const { isServer, message } = await failureOf(transportTo(urlOf(server, "wr0ng")).send(MAIL));
      expect([isServer, server.received]).toEqual([true, []]);
      expect(message).toContain("535");
      expect(message).not.toContain("wr0ng");
      expect(message).not.toContain(btoa("\0shop\0wr0ng"));
    }));

  test("that is missing concerns all mails", () =>
    withServer(options, async (server) => {
      const { isServer, message } = await failureOf(transportTo(server.url).send(MAIL));
      expect([isServer, message]).toEqual([true, expect.stringContaining("530")]);
    }));
});

describe("letters beyond ASCII before the @", () => {
  const JOERG = mailTo("jörg@bücher.example");

  test("go to a server with SMTPUTF8", () =>
    withServer({ hideSMTPUTF8: false }, async (server) => {
      const transport = transportTo(server.url);
      await transport.send(JOERG);
      transport.close();
      expect(server.received).toMatchObject([{ to: JOERG.to }]);
    }));

  test("fail alone on a server without it, which hears nothing of that mail", () =>
    withServer({ hideSMTPUTF8: true }, async (server) => {
      const transport = transportTo(server.url);
      const { isServer, message } = await failureOf(transport.send(JOERG));
      expect([isServer, server.attempts()]).toEqual([false, 0]);
      expect(message).toContain("SMTPUTF8");
      await transport.send(MAIL);
      transport.close();
      expect([server.received.length, server.connections()]).toEqual([1, 1]);
    }));
});

describe("a refused mail", () => {
  test("leaves no recipient to the next one", () =>
    withServer({}, async (server) => {
      const transport = transportTo(server.url);
      server.behave((recipient) => (recipient === "bob@shop.example" ? "reject" : "accept"));
      expect(await failureOf(transport.send(mailTo("bob@shop.example")))).toMatchObject({ isServer: false });
      await transport.send(MAIL);
      transport.close();
      expect([server.received.map(({ to }) => to), server.connections()]).toEqual([[MAIL.to], 1]);
    }));

  test("because of its sender concerns all mails", () => {
    const onMailFrom: SMTPServerOptions["onMailFrom"] = (_address, _session, callback) =>
      callback(Object.assign(new Error("not your address"), { responseCode: 550 }));
    return withServer({ onMailFrom }, async (server) => {
      expect(await failureOf(transportTo(server.url).send(MAIL))).toMatchObject({ isServer: true });
    });
  });

  test("with 421 concerns all mails, and the next one has a connection of its own", () =>
    withServer({}, async (server) => {
      const transport = transportTo(server.url);
      server.behave((_, before) => (before === 0 ? "close" : "accept"));
      const { isServer, message } = await failureOf(transport.send(MAIL));
      expect([isServer, message]).toEqual([true, expect.stringContaining("421")]);
      await transport.send(MAIL);
      transport.close();
      expect([server.received.length, server.connections()]).toEqual([1, 2]);
    }));
});

test("a connection that the server ended between two mails costs no try", () =>
  withServer({}, async (server) => {
    const transport = transportTo(server.url);
    await transport.send(MAIL);
    await server.hangUp();
    await transport.send(MAIL);
    transport.close();
    expect([server.received.length, server.connections()]).toEqual([2, 2]);
  }));

describe("a server that accepts a connection and says nothing", () => {
  let silent: Server;
  let sockets: Socket[];
  beforeAll(async () => {
    sockets = [];
    silent = createServer((socket) => void sockets.push(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const url = () => `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`;

  test.each([
    ["connectMs", /greeting/i],
    ["sendMs", /within 100 ms/],
  ])("is given up after %s", async (bound, error) => {
    const failure = await failureOf(transportTo(url(), { ...BOUNDS, [bound]: 100 }).send(MAIL));
    expect([failure.isServer, failure.message]).toEqual([true, expect.stringMatching(error)]);
  });

  test("does not keep the transport from closing, and its connection ends", async () => {
    const transport = transportTo(url(), { connectMs: 60_000, silenceMs: 60_000, sendMs: 60_000 });
    const before = sockets.length;
    const sending = failureOf(transport.send(MAIL));
    while (sockets.length === before) await Bun.sleep(1);
    const ended = new Promise((resolve) => sockets.at(-1)?.once("close", resolve).resume());
    transport.close();
    expect((await sending).message).toContain("the process ended");
    await ended;
  });
});

test.each([
  ["a port that nobody listens on", "smtp://127.0.0.1:1"],
  ["a name that does not exist", "smtp://mail.invalid"],
])("%s is a failure of the server", async (_, url) => {
  const failure = await failureOf(transportTo(url).send(MAIL));
  expect(failure).toBeInstanceOf(MailError);
  expect(failure.isServer).toBe(true);
});
