// The settings of mail: the mail server, the addresses of the shop and its staff, and how mails name the shop.
import { checkEmail } from "./http/credentials.ts";
import { type Environment, httpUrl, refuse, text, whole } from "./settings.ts";

export type MailConfig = Readonly<{
  /** `null`: mails become files in the data folder; in production none is sent. */
  smtp: SmtpConfig | null;
  mailFrom: MailAddress;
  /** Addresses of the staff; none: the staff gets no mails. */
  alertEmails: readonly string[];
  shopName: string;
  /** How amounts and dates are written (BCP 47). */
  locale: string;
  /** The page that takes the token of a password reset. */
  resetUrl: string;
  /** Pairs of a shoe at or below which the staff gets a mail; 0: never. */
  lowStock: number;
}>;

/** A mail server; `isSecure`: by TLS from the start, else by STARTTLS where the server offers it, or always (`needsTls`). */
export type SmtpConfig = Readonly<{
  host: string;
  port: number;
  isSecure: boolean;
  needsTls: boolean;
  user: string;
  password: string;
}>;

export type MailAddress = Readonly<{ name: string; address: string }>;

const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;
const ADDRESSES_MAX = 10;
const SHOP_NAME_MAX = 60;
const LOW_STOCK = 3;
const LOW_STOCK_MAX = 1_000;
const CONTROL = /\p{Cc}/u;

/** Reads the settings of mail. Throws an error of one sentence that names the first bad one and its rule. */
export function readMailConfig(env: Environment): MailConfig {
  const smtp = smtpOf(text(env, "SMTP_URL", ""));
  const shopName = shopNameOf(env);
  return {
    smtp,
    mailFrom: sender(env, shopName, smtp !== null),
    alertEmails: addresses(env, "ADMIN_ALERT_EMAIL"),
    shopName,
    locale: localeOf(env),
    resetUrl: httpUrl(env, "RESET_URL") || `${httpUrl(env, "PUBLIC_URL")}/account/reset`,
    lowStock: whole(env, "LOW_STOCK", LOW_STOCK, 0, LOW_STOCK_MAX),
  };
}

const SMTP_RULE =
  "smtp://user:password@host:port, or smtps: for TLS from the start; in user and password / ? # @ % are written as %2F %3F %23 %40 %25";

/** What follows the last @; of a value without one, which does not say where its password begins, a plain host alone. */
const masked = (value: string): string =>
  value.includes("@") || /^[\w.-]+$/.test(value) ? value.replace(/^.*@/s, "***@") : "***";

/** Error texts never contain a password, also not of a value that is no URL because of it. */
function smtpOf(value: string): SmtpConfig | null {
  if (value === "") return null;
  const url = URL.parse(value);
  const isSecure = url?.protocol === "smtps:";
  const user = decoded(url?.username ?? "");
  const password = decoded(url?.password ?? "");
  const isServer = (isSecure || url?.protocol === "smtp:") && url.hostname !== "";
  if (!url || !isServer || /^\/./.test(url.pathname) || url.hash !== "" || user === null || password === null)
    throw new Error(`SMTP_URL is ${masked(value)}: it must be ${SMTP_RULE}`);
  const options = [...url.searchParams];
  if (options.some(([name, option]) => name !== "starttls" || option !== "required"))
    throw new Error(`SMTP_URL has an unknown option: the only one is starttls=required`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (isSecure ? SUBMISSIONS_PORT : SUBMISSION_PORT) : Number(url.port),
    isSecure,
    needsTls: options.length > 0,
    user,
    password,
  };
}

/** A part of a URL as it was before its encoding; `null` where a % does not begin an encoded character. */
function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function shopNameOf(env: Environment): string {
  const value = text(env, "SHOP_NAME", "Insole");
  return value.length <= SHOP_NAME_MAX && !CONTROL.test(value)
    ? value
    : refuse("SHOP_NAME", value, `a name of at most ${SHOP_NAME_MAX} characters on one line`);
}

function sender(env: Environment, shopName: string, isNeeded: boolean): MailAddress {
  const value = text(env, "MAIL_FROM", "");
  if (value === "" && isNeeded)
    throw new Error("MAIL_FROM is missing: SMTP_URL needs the address that mails come from");
  if (value === "") return { name: shopName, address: "shop@localhost" };
  const [, name = "", inBrackets] = /^([^<>]*)<([^<>]+)>$/.exec(value) ?? [];
  const address = (inBrackets ?? value).trim();
  if (checkEmail(address) !== null || CONTROL.test(name))
    refuse("MAIL_FROM", value, "an e-mail address, or Name <address>");
  return { name: name.trim().replace(/^"(.*)"$/, "$1") || shopName, address };
}

function addresses(env: Environment, name: string): string[] {
  const value = text(env, name, "");
  const all = value === "" ? [] : value.split(",").map((each) => each.trim());
  return all.length <= ADDRESSES_MAX && all.every((each) => checkEmail(each) === null)
    ? all
    : refuse(name, value, `an e-mail address, or up to ${ADDRESSES_MAX} separated by commas`);
}

function localeOf(env: Environment): string {
  const value = text(env, "LOCALE", "en-US");
  try {
    return new Intl.Locale(value).toString();
  } catch {
    return refuse("LOCALE", value, "a language tag such as en-US");
  }
}
