// The report: a result as a Markdown page with its charts.
import { must } from "../../db/must.ts";
import { type Chart, chartsOf } from "./charts/charts.ts";
import { pairCells, pairHeads } from "./pairs.ts";
import { howText, reachedText, remarks, targetText } from "./report.ts";
import type { Comparison, Result } from "./results.ts";
import { markdownTable, plain } from "./tables.ts";

const COMMANDS_NOTE = [
  "`PORT`, `SECRET` and `TOKEN` replace ports, secrets and tokens. `catalogue-<shoes>` is a kept catalogue, which",
  "`DATA_DIR=catalogue-<shoes> bun run demo --shoes <shoes>` builds; the scenario writes the files of addresses",
  "(`.urls`). Settings that differ from their defaults come before a command.",
].join("\n");

/** The page, and the charts that it links. */
type Page = { text: string; charts: Chart[] };

type ScenarioResult = Result["results"][number];

/** Builds the page; it links each chart as `<name>.svg` in its own folder. */
export function pageOf(result: Result): Page {
  const charts = new Map(result.results.map((each) => [each, chartsOf(each.scenario, each.lines)]));
  const parts = [
    `# Measured ${result.setting.at.slice(0, 16).replace("T", " ")} UTC`,
    settingTable(result),
    ...(result.options.isQuick ? ["A quick run: it tests the harness and judges no line."] : []),
    ...missedPart(result),
    ...(result.beside ? [comparisonPart(result.beside)] : []),
    ...result.results.map((each) => scenarioPart(each, must(charts.get(each), "the charts"))),
    "## Commands",
    COMMANDS_NOTE,
    ...result.results.filter(({ commands }) => commands.length > 0).map(commandsPart),
  ];
  return { text: `${parts.join("\n\n")}\n`, charts: [...charts.values()].flat() };
}

function settingTable({ setting, options }: Result): string {
  const { at: _, oha, sqld, nginx, node, bun, ...others } = setting;
  const rows = {
    machine: others.machine,
    kernel: others.kernel,
    versions: `bun ${bun}, oha ${oha}, sqld ${sqld}, nginx ${nginx}, node ${node}`,
    insole: `${others.insole}, commit ${others.commit}`,
    pinning: others.pinning,
    command: others.command,
    protocol: "HTTP/1.1 without TLS, for every line and every peer",
    seed: `${others.seed} (older scenarios have constants instead)`,
    rounds: String(options.rounds),
    ...(options.url === null ? {} : { url: options.url }),
    "load before": others.load,
  };
  return markdownTable(["", ""], Object.entries(rows));
}

/** Every line that was missed or not measured, and every scenario that failed. */
function missedPart({ results, options }: Result): string[] {
  const items = results.flatMap(({ scenario, fault, lines }) => [
    ...(fault === null ? [] : [`- **${plain(scenario)}** failed: ${plain(fault)}`]),
    ...lines
      .filter(({ verdict }) => verdict === "missed" || verdict === "not reached")
      .map((line) => {
        const target = line.target ? ` instead of ${plain(targetText(line))}` : "";
        const reached = line.verdict === "missed" ? `: ${plain(reachedText(line))}${target}` : "";
        const why = remarks(line).map((remark) => `. ${plain(remark)}`);
        return `- **${plain(scenario)}**, ${plain(line.what)}${reached}${why.join("")}`;
      }),
  ]);
  if (items.length === 0 && options.isQuick) return [];
  if (items.length === 0) return ["## Missed", "Nothing."];
  return ["## Missed", "`bench/README.md` names the limits.", items.join("\n")];
}

function scenarioPart(
  { scenario, boot, load, measures, fault, lines }: ScenarioResult,
  charts: Chart[],
): string {
  const texts = Object.entries({ Boots: boot, Sends: load, Measures: measures });
  const table = markdownTable(
    ["what", "target", "reached: median (least to greatest)", "", "load, and who answered"],
    lines.map((line) => [line.what, targetText(line), reachedText(line), line.verdict, howText(line.how)]),
  );
  const notes = lines.flatMap((line) =>
    remarks(line).map((remark) => `- ${plain(line.what)}: ${plain(remark)}`),
  );
  return [
    `## ${plain(scenario)}`,
    texts.flatMap(([name, text]) => (text === "" ? [] : [`- ${name}: ${plain(text)}`])).join("\n"),
    ...(fault === null ? [] : [`It failed: ${plain(fault)}`]),
    ...(lines.length > 0 ? [table] : []),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
    ...charts.map(({ name, title }) => `![${plain(title)}](${name}.svg)`),
  ].join("\n\n");
}

function comparisonPart({ kind, other, differences, scenarios }: Comparison): string {
  return [
    `## Compared with ${plain(other)}`,
    ...(differences.length > 0 ? [differences.map((each) => `- ${plain(each)}`).join("\n")] : []),
    ...scenarios.map(
      ({ scenario, pairs }) =>
        `### ${plain(scenario)}\n\n${markdownTable(pairHeads(kind), pairs.map(pairCells))}`,
    ),
  ].join("\n\n");
}

/** Commands in a fenced block; no command contains its fence. */
const commandsPart = ({ scenario, commands }: ScenarioResult): string =>
  [`### Commands of ${plain(scenario)}`, `~~~~\n${commands.join("\n")}\n~~~~`].join("\n\n");
