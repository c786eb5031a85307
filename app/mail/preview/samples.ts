// A sample of each kind of mail, for the preview and the tests of what all mails have in common.

import type { OrderView } from "../../orders/orders.ts";
import { SAMPLE_REPORT } from "../daily-report/sample.ts";
import type { Mail } from "../kind.ts";
import type { KindName } from "../kinds.ts";

/** The fields of a mail that differ from those of `MAIL`. */
type Sample = Partial<Mail> & Pick<Mail, "data">;

const CREATED_AT = "2026-11-27T18:41:00.000Z";
const RECIPIENT = "grace@example.com";
const SAMPLE_USER = "01b4f0e2-7c9a-4d1e-9d53-2a6f0c8b7e15";

/** The order that the samples are about, of a guest and paid by card. */
export const SAMPLE_ORDER: OrderView = {
  id: "019ac6b1-5f3e-7000-8000-3c2f7a90d1e4",
  number: "10042",
  userId: null,
  email: RECIPIENT,
  status: "confirmed",
  items: [
    { productName: "Adidas Samba OG", size: "9.5", quantity: 1, price: 99.99 },
    { productName: "Nike Pegasus 41 Road Running Shoes", size: "8", quantity: 2, price: 139.5 },
    { productName: "Cedar shoe trees", size: "", quantity: 1, price: 24.9 },
  ],
  totals: { items: 403.89, shipping: 4.9, tax: 65.27, total: 408.79 },
  currency: "USD",
  shippingAddress: {
    name: "Grace Hopper",
    street: "Main Street 1",
    street2: null,
    city: "Berlin",
    state: null,
    zip: "10115",
    country: "DE",
    phone: "+49 30 1234567",
  },
  shippingMethod: "standard",
  paymentMethod: "card",
  payment: { status: "authorized", reference: "sandbox-7f3a91" },
  createdAt: CREATED_AT,
};

/** A sample of each kind, by its name. */
export const SAMPLES: Record<KindName, Sample> = {
  receipt: { data: SAMPLE_ORDER },
  alert: { recipient: null, data: SAMPLE_ORDER },
  shipped: {
    data: { ...SAMPLE_ORDER, trackingUrl: "https://parcels.example/track?number=00340434161094015902" },
  },
  cancelled: { data: SAMPLE_ORDER },
  refunded: {
    part: 1,
    data: {
      ...SAMPLE_ORDER,
      refund: { items: [{ ...SAMPLE_ORDER.items[1], quantity: 1 }], amount: 139.5, currency: "USD" },
    },
  },
  "void-refused": { recipient: null, data: SAMPLE_ORDER },
  "password-reset": {
    key: `${SAMPLE_USER} ${Date.parse(CREATED_AT)}`,
    data: {
      userId: SAMPLE_USER,
      updatedAt: Date.parse(CREATED_AT),
      expiresAt: Date.parse(CREATED_AT) + 30 * 60_000,
    },
  },
  "low-stock": {
    key: "samba 2026-11-27",
    recipient: null,
    data: {
      id: "samba",
      title: "Adidas Samba OG",
      href: "https://shop.example/shoes/adidas-samba-og",
      sizeSystem: "US",
      stock: 3,
      sizes: [
        { size: "9", stock: 0 },
        { size: "9.5", stock: 2 },
        { size: "10", stock: 1 },
      ],
      threshold: 3,
    },
  },
  "daily-report": { key: SAMPLE_REPORT.date, recipient: null, data: SAMPLE_REPORT },
};

/** The mail of a sample, as the sender gets it from the outbox. */
export function sampleMail(kind: KindName): Mail {
  const sample = SAMPLES[kind];
  return {
    seq: 1,
    kind,
    part: 0,
    key: null,
    orderId: sample.key === undefined ? SAMPLE_ORDER.id : null,
    recipient: RECIPIENT,
    createdAtMs: Date.parse(CREATED_AT),
    tries: 1,
    ...sample,
  };
}
