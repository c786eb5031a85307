// The report: a result as a page that any forge renders, with its charts beside it.
import { type Chart, chartsOf } from "./charts/charts.ts";
import { pairCells, pairHeads } from "./pairs.ts";
import { howText, reachedText, remarks, targetText } from "./report.ts";
import type { Beside, Result } from "./results.ts";
import { markdownTable, plain } from "./tables.ts";

/** The page, and the charts that it names. */
export type Page = { text: string; charts: Chart[] };

type ScenarioResult = Result["results"][number];

/** Writes the page; the charts are expected beside it as `<name>.svg`. */
export function pageOf(result: Result): Page {
  const charts = new Map(result.results.map((each) => [each, chartsOf(each.scenario, each.lines)]));
  const parts = [
    `# Measured ${result.setting.at.slice(0, 16).replace("T", " ")} UTC`,
    settingTable(result),
    ...(result.options.isQuick ? ["A quick run: it shows that the harness works, and judges no speed."] : []),
    ...missedPart(result),
    ...(result.beside ? [besidePart(result.beside)] : []),
    ...result.results.map((each) => scenarioPart(each, charts.get(each) ?? [])),
    "## Commands",
    `Ports stand as \`PORT\`, secrets as \`SECRET\`, and kept catalogues as \`catalogue-<shoes>\`, which \`DATA_DIR=catalogue-<shoes> bun run demo --shoes <shoes>\` makes; files of addresses (\`.urls\`) are written by the scenario. Limits and all other settings stand before a command, and what is not named has its default.`,
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
    seed: `${others.seed} (scenarios that came first have seeds of their own, which are constants)`,
    rounds: String(options.rounds),
    ...(options.url === null ? {} : { url: options.url }),
    "load before": others.load,
  };
  return markdownTable(["", ""], Object.entries(rows));
}

/** Every line that was missed or could not be measured, and every scenario that did not end well. */
function missedPart({ results, options }: Result): string[] {
  const items = results.flatMap(({ scenario, fault, lines }) => [
    ...(fault === null ? [] : [`- **${plain(scenario)}** did not end well: ${plain(fault)}`]),
    ...lines
      .filter(({ verdict }) => verdict === "missed" || verdict === "not reached")
      .map((line) => {
        const asked = line.target ? ` instead of ${plain(targetText(line))}` : "";
        const reached = line.verdict === "missed" ? `: ${plain(reachedText(line))}${asked}` : "";
        const why = remarks(line).map((remark) => `. ${plain(remark)}`);
        return `- **${plain(scenario)}**, ${plain(line.what)}${reached}${why.join("")}`;
      }),
  ]);
  if (items.length === 0 && options.isQuick) return [];
  if (items.length === 0) return ["## Missed", "Nothing."];
  return ["## Missed", "What limits them stands in `bench/README.md`.", items.join("\n")];
}

function scenarioPart(
  { scenario, boot, load, measures, fault, lines }: ScenarioResult,
  charts: Chart[],
): string {
  const told = Object.entries({ Boots: boot, Sends: load, Measures: measures });
  const table = markdownTable(
    ["what", "target", "reached: median (least to greatest)", "", "asked, and who answered"],
    lines.map((line) => [line.what, targetText(line), reachedText(line), line.verdict, howText(line.how)]),
  );
  const notes = lines.flatMap((line) =>
    remarks(line).map((remark) => `- ${plain(line.what)}: ${plain(remark)}`),
  );
  return [
    `## ${plain(scenario)}`,
    told.flatMap(([name, text]) => (text === "" ? [] : [`- ${name}: ${plain(text)}`])).join("\n"),
    ...(fault === null ? [] : [`It did not end well: ${plain(fault)}`]),
    ...(lines.length > 0 ? [table] : []),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
    ...charts.map(({ name, title }) => `![${plain(title)}](${name}.svg)`),
  ].join("\n\n");
}

function besidePart({ kind, other, differences, scenarios }: Beside): string {
  return [
    `## Beside ${plain(other)}`,
    ...(differences.length > 0 ? [differences.map((each) => `- ${plain(each)}`).join("\n")] : []),
    ...scenarios.map(
      ({ scenario, pairs }) =>
        `### ${plain(scenario)}\n\n${markdownTable(pairHeads(kind), pairs.map(pairCells))}`,
    ),
  ].join("\n\n");
}

/** Commands in a block that none of them can end. */
const commandsPart = ({ scenario, commands }: ScenarioResult): string =>
  [`### Commands of ${plain(scenario)}`, `~~~~\n${commands.join("\n")}\n~~~~`].join("\n\n");
