// E-mail addresses and passwords of accounts: one rule each for settings, commands and request bodies.
import { email, text } from "./field-kinds.ts";
import { brokenRuleOf } from "./fields.ts";

const PASSWORD_MIN = 8;
const PASSWORD_MAX = 128;

/** The address of an account. */
export const EMAIL = email();
/** A new password. */
export const PASSWORD = text({ min: PASSWORD_MIN, max: PASSWORD_MAX, countsCharacters: true });

/** The rule that an address breaks, as the end of a sentence; `null` when it breaks none. */
export const checkEmail = (address: string): string | null => brokenRuleOf(EMAIL, address);

/** The rule that a new password breaks, as the end of a sentence; `null` when it breaks none. */
export const checkPassword = (password: string): string | null => brokenRuleOf(PASSWORD, password);

/** The form that all spellings of an address share; it is unique among accounts. */
export const emailKey = (address: string): string => address.normalize("NFKC").toLowerCase();
