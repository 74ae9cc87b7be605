/** What a page of the documentation shows: programs, files, and commands of the command line with their output. */

const COMMAND = /^\$ npx cdk8s-istio-egress (.*?)( \| head -n 1)?$/;

export interface ShownCommand {
  readonly args: string[];
  /** Whether only the first line of the output is shown. */
  readonly cut: boolean;
  readonly output: string;
}

/** The programs: blocks with imports of their own. The first one is what `dist` holds on the rest of the page. */
export function programsOf(page: string): string[] {
  return [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, code]) => code)
    .filter((code) => /^import /m.test(code));
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
    block
      .split(/^(?=\$ )/m)
      .filter((part) => COMMAND.test(part.split('\n')[0]))
      .map((part) => {
        const [first, ...rest] = part.split('\n');
        const [, command, head] = COMMAND.exec(first)!;
        return { args: command.split(' '), cut: head !== undefined, output: rest.join('\n') };
      }),
  );
}

/** What a command must have printed, cut as the page cuts it. */
export function asShown({ cut }: ShownCommand, printed: string): string {
  return cut ? `${printed.split('\n')[0]}\n` : printed;
}
