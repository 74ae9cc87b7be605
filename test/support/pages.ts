/** What a page of the documentation shows: programs, files, and commands of the command line with their output. */

const COMMAND = /^\$ npx cdk8s-istio-egress ((?:\\\n|.)*?)(?: \| head -n (\d+))?(?<!\\)$/m;

/** What a page says whose commands are about the program of the README. */
const OF_README = 'manifests of the program in the [README]';

export interface ShownCommand {
  readonly args: string[];
  /** The lines that are shown, if not all. */
  readonly lines?: number;
  readonly output: string;
}

/** The programs: each block of TypeScript is one, so that it can be copied as it is. */
export function programsOf(page: string): string[] {
  return [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
}

/** Its tests, which are not apps. */
export function testsOf(page: string): string[] {
  return [...page.matchAll(/^```typescript\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
}

/** The page whose first program is what `dist` holds: this one, or the README. */
export function programPage(page: string, readme: string): string {
  return page.includes(OF_README) ? readme : page;
}

/** The files, by name: blocks that begin with it. */
export function filesOf(page: string): Map<string, string> {
  return new Map(
    [...page.matchAll(/^```yaml\n# (\S+\.yaml)\n([\s\S]*?)^```$/gm)].map(([, name, content]) => [name, content]),
  );
}

/** The commands that are shown with their output. */
export function commandsOf(page: string): ShownCommand[] {
  return [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block.split(/^(?=\$ )/m).flatMap((part) => {
      const [whole, command, head] = COMMAND.exec(part) ?? [];
      if (whole === undefined || !part.startsWith(whole)) return [];
      const lines = head === undefined ? undefined : Number(head);
      return [{ args: command.split(/[\s\\]+/), lines, output: part.slice(whole.length + 1) }];
    }),
  );
}

/** What was printed, cut as the page cuts it, which may also leave out lines: "…". */
export function asShown({ lines, output }: ShownCommand, printed: string): string {
  const out = `${printed.trimEnd().split('\n').slice(0, lines).join('\n')}\n`;
  const parts = output.split(/^…\n/m);
  return parts.length === 1 ? out : parts.filter((part) => out.includes(part)).join('…\n');
}
