// A day's report as a sample: its numbers add up as those of a real day do.
import type { DailyReport } from "./report.ts";

/** Orders and revenue of each hour. */
const HOURS: [number, number][] = [
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [1, 94.8],
  [1, 164.8],
  [2, 274.19],
  [3, 258.59],
  [2, 199.69],
  [3, 404],
  [4, 508.89],
  [3, 602.59],
  [2, 228.79],
  [2, 153.7],
  [3, 477.9],
  [4, 719.18],
  [5, 838.09],
  [6, 708.58],
  [5, 499.18],
  [3, 523],
  [2, 124.6],
  [1, 144.4],
];

export const SAMPLE_REPORT: DailyReport = {
  date: "2026-11-27",
  timezone: "Europe/Berlin",
  currency: "USD",
  orders: 52,
  items: 62,
  revenue: 6_924.97,
  refunds: 139.5,
  newCustomers: 9,
  topShoes: [
    { productId: "samba", productName: "Adidas Samba OG", pairs: 17, revenue: 1_699.83 },
    { productId: "pegasus", productName: "Nike Pegasus 41 Road Running Shoes", pairs: 14, revenue: 1_953 },
    { productId: "suede", productName: "Puma Suede Classic", pairs: 11, revenue: 988.9 },
    { productId: "gel", productName: "ASICS Gel-Kayano 31", pairs: 9, revenue: 1_439.1 },
    { productId: "trees", productName: "Cedar shoe trees", pairs: 6, revenue: 149.4 },
  ],
  hours: HOURS.map(([orders, revenue], hour) => ({
    start: `${String(hour).padStart(2, "0")}:00`,
    orders,
    revenue,
  })),
};
