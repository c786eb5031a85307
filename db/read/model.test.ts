// Turns under random load, checked after every step: bounded, fair, and every request gets an outcome.
import { expect, test } from "bun:test";
import { pick, random } from "../../replicas/drills/traffic/random.ts";
import { openSlowReader, settle } from "../testing/turns.ts";

const STEPS = 3_000;
const SEEDS = [1, 2, 3, 4];
const CLIENTS = ["a", "b", "c", "d"];
const [RUNNING_MAX, WAITING_MAX, MS_MAX] = [2, 12, 1_000];

test.each(SEEDS)("random load, seed %d", async (seed) => {
  let draws = 0;
  const draw = () => random(draws++, seed);
  const below = (count: number) => Math.floor(draw() * count);
  const someone = () => pick(CLIENTS, draws++, seed);
  const reader = openSlowReader({ runningMax: RUNNING_MAX, waitingMax: WAITING_MAX });
  const { turns, clock } = reader;
  const asked: {
    name: string;
    clients: string[];
    begunBefore: number;
    isLone: boolean;
    outcome: string | null;
  }[] = [];
  const leaving: { leave(): void }[] = [];

  const ask = (name: string) => {
    // Most of the load comes from one client, and a tenth of it is shared with another one.
    const client = draw() < 0.7 ? "a" : someone();
    const clients = draw() < 0.1 ? [client, someone()] : [client];
    const requesters = clients.map((each) => reader.from(each, MS_MAX));
    leaving.push(...requesters);
    const isLone = !asked.some((other) => other.outcome === null && other.clients.includes(client));
    const one = { name, clients, begunBefore: reader.begun.length, isLone, outcome: null as string | null };
    asked.push(one);
    void reader.read(requesters, name).outcomes[0]?.then((outcome) => {
      one.outcome = outcome;
    });
  };

  for (let step = 0; step < STEPS; step += 1) {
    const kind = below(10);
    if (kind < 5) ask(String(step));
    else if (kind < 9 && reader.underWay().length > 0) await reader.end();
    else if (draw() < 0.5) leaving[leaving.length - 1 - below(Math.min(20, leaving.length))]?.leave();
    else clock.pass(below(60));
    await settle();
    const { running, waiting, clients } = turns.state();
    expect(running).toBe(reader.underWay().length);
    expect(running).toBeWithin(0, RUNNING_MAX + 1);
    expect(waiting).toBeWithin(0, WAITING_MAX + 1);
    expect(clients).toBeWithin(Math.min(1, waiting), CLIENTS.length + 1);
    if (waiting > 0) expect(running).toBe(RUNNING_MAX);
  }
  while (reader.underWay().length > 0) await reader.end();
  expect(turns.state()).toMatchObject({ running: 0, waiting: 0, clients: 0 });
  expect(clock.alarms()).toBe(0);
  expect(asked.filter(({ outcome }) => outcome === null)).toEqual([]);

  const lone = asked.filter(({ isLone, outcome }) => isLone && outcome !== "the client has gone");
  expect(lone.length).toBeGreaterThan(100);
  for (const { name, outcome, begunBefore } of lone) {
    // The only one of its client is never one too many, and follows those that run and one of each other client.
    expect(outcome).not.toBe("too many are waiting");
    const place = reader.begun.indexOf(name);
    if (place !== -1) expect(place - begunBefore).toBeWithin(0, CLIENTS.length);
  }
});
