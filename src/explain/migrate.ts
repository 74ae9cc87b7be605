import * as fs from 'fs';
import { parseArgs } from 'util';
import { Outcome, Usage } from '../cli/outcome';
import { Migration, migrateAccessTable } from '../access/migrate-access-table';

interface Table extends Migration {
  /** The file, or `-`. */
  readonly source: string;
  readonly name: string;
}

/** Rewrites access tables that use former words. Nothing is written unless every table can be rewritten. */
export function migrate(args: readonly string[], standardInput = () => fs.readFileSync(0, 'utf8')): Outcome {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  if (positionals.length === 0)
    throw new Usage('migrate: name the access tables to rewrite; - is standard input, written to standard output');
  const tables = [...new Set(positionals)].map((source): Table => ({
    source,
    name: source === '-' ? 'standard input' : source,
    ...tableFrom(source, standardInput),
  }));
  const problems = tables.flatMap(({ name, problems: own }) => own.map((problem) => `${name}: ${problem}\n`));
  if (problems.length > 0) return { code: 3, out: '', err: `${problems.join('')}nothing was written\n` };
  const done: string[] = [];
  for (const { source, name, text, words } of tables) {
    try {
      if (source !== '-' && words > 0) fs.writeFileSync(source, text);
    } catch (error) {
      return { code: 3, out: '', err: `${done.join('')}${name}: cannot be written, ${(error as Error).message}\n` };
    }
    done.push(
      `${name}: ${words === 0 ? 'no former words, unchanged' : `${words} word${words === 1 ? '' : 's'} changed`}\n`,
    );
  }
  const input = tables.find(({ source }) => source === '-');
  return input ? { code: 0, out: input.text, err: done.join('') } : { code: 0, out: done.join(''), err: '' };
}

function tableFrom(source: string, standardInput: () => string): Migration {
  if (source === '-') return migrateAccessTable(standardInput());
  try {
    const bytes = fs.readFileSync(source);
    const text = bytes.toString('utf8');
    if (bytes.equals(Buffer.from(text))) return migrateAccessTable(text);
    return { text, words: 0, problems: ['not UTF-8'] };
  } catch (error) {
    return { text: '', words: 0, problems: [`cannot be read, ${(error as Error).message}`] };
  }
}
