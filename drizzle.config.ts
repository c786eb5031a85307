// For people who look at the data with drizzle-kit's studio: where the schema and the file are.
export default {
  dialect: "sqlite",
  schema: ["./db/schema/schema.ts", "./db/schema/orders.ts"],
  dbCredentials: { url: "file:./data/insole.db" },
};
