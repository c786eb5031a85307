// The e-mail address and the password of an account: one rule for settings, commands and request bodies.
import { email, text } from "./field-kinds.ts";
import { complaintOf } from "./fields.ts";

const PASSWORD_MIN = 8;
const PASSWORD_MAX = 128;

export const EMAIL = email();
/** A new password. */
export const PASSWORD = text({ min: PASSWORD_MIN, max: PASSWORD_MAX, countsCharacters: true });

/** The rule that an address breaks, as the end of a sentence; `null` where it breaks none. */
export const checkEmail = (address: string): string | null => complaintOf(EMAIL, address);

/** The rule that a new password breaks, as the end of a sentence; `null` where it breaks none. */
export const checkPassword = (password: string): string | null => complaintOf(PASSWORD, password);
