// Replication through the door, with a real server and real replicas: news arrives at once, and answers are shared.
import { afterEach, describe, expect, test } from "bun:test";
import { until } from "../../../../db/until.ts";
import { openReplicaProcesses, type ReplicaProcesses } from "../../../testing/replica-processes.ts";
import { openTestReplication, runOnServer, type TestReplication } from "../../../testing/replication.ts";

const MARKS = "CREATE TABLE marks (id INTEGER PRIMARY KEY)";
const mark = (id: number) => `INSERT INTO marks VALUES (${id})`;

let door: TestReplication;
let replicas: ReplicaProcesses;

async function open(flags: string[] = []): Promise<void> {
  replicas = openReplicaProcesses();
  door = await openTestReplication(flags);
  await door.write(MARKS);
}

afterEach(async () => {
  await replicas.close();
  await door.close();
});

const allHeld = (count: number) =>
  until(`${count} held requests`, () => door.metric("held_requests") === count);

describe("a request without news", () => {
  test("is held until a commit, and then brings it", async () => {
    await open();
    const replica = replicas.start(door.url);
    for (let id = 1; id <= 20; id += 1) {
      await allHeld(1);
      await door.write(mark(id));
      await replica.reaches(id);
    }
    expect(replica.state.failures).toEqual([]);
  });

  test("brings a commit that the door did not hear of within the hold", async () => {
    await open();
    const replica = replicas.start(door.url);
    await allHeld(1);
    await runOnServer(door.server.url, [mark(1)]);
    await replica.reaches(1);
    expect(replica.state.failures).toEqual([]);
  });
});

describe("replicas that ask the same", () => {
  test("share an answer", async () => {
    await open();
    const all = [1, 2, 3, 4].map(() => replicas.start(door.url));
    await Promise.all(all.map(({ reaches }) => reaches(0)));
    for (let id = 1; id <= 10; id += 1) {
      await allHeld(4);
      await door.write(mark(id));
      await Promise.all(all.map(({ reaches }) => reaches(id)));
    }
    expect(door.metric("shared_answers_total")).toBeGreaterThanOrEqual(3 * 10);
  });
});
