import { hops, judge, KubeObject, rowText, seenText, up, without } from './lab';
import { AccessRow, AccessTable } from '../../src/access/access-table';

/** How the rows of one table went. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
}

/** Sends the rows of a table through a mesh that has the manifests, and prints each with its result. */
export async function runTable(table: AccessTable, manifests: KubeObject[], only: (row: AccessRow) => boolean = () => true): Promise<Result> {
  const rows = table.access.filter(only);
  let failed = 0;
  const fail = (what: string, details: string[]) => {
    failed++;
    console.log(`  FAILED ${what}`);
    details.forEach(line => console.log(`         ${line}`));
  };
  const lab = await up({ table, manifests });
  try {
    // Rows with the same objects in place stand together: a change of configuration takes longer than a request.
    const groups = new Map<string, AccessRow[]>();
    rows.forEach(row => groups.set(JSON.stringify(row.without ?? ''), [...groups.get(JSON.stringify(row.without ?? '')) ?? [], row]));
    for (const group of groups.values()) {
      const warnings = await lab.apply('manifests', without(manifests, group[0].without));
      if (warnings.length > 0) fail('admission warns', warnings.map(finding => `${finding.object}: ${finding.warnings?.join('; ')}`));
      await lab.converge();
      for (const row of group) {
        const evidence = await lab.send(row);
        const judgement = judge(evidence);
        if (judgement.passed) console.log(`  ok     ${rowText(row)}  ->  ${seenText(judgement)}`);
        else fail(`${rowText(row)}  ->  ${seenText(judgement)}`, [...judgement.differences, ...hops(evidence)]);
      }
    }
    const errors = lab.errors();
    if (errors.length > 0) fail('something was rejected or failed behind the requests', errors);
  } finally {
    lab.down();
  }
  return { passed: rows.length - Math.min(failed, rows.length), failed };
}
