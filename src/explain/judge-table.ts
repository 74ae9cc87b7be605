import { AccessRow, AccessTable } from '../access/access-table';
import { Answer, EgressModel, EgressObject, worldOf } from '../model';
import { unmetExpectations } from '../model/judge';

/** A row of an access table with the model's answer. */
export interface JudgedRow {
  readonly row: AccessRow;
  readonly answer: Answer;
  /** Where the model says something else than the row. */
  readonly wrong: readonly string[];
}

/** What the model says to every row of a table. */
export function judgeTable(objects: readonly EgressObject[], table: AccessTable): JudgedRow[] {
  const world = worldOf(table);
  const whole = EgressModel.of(objects, world);
  return table.access.map((row) => {
    const away = row.without === undefined ? undefined : new Set([row.without].flat());
    const left =
      away &&
      objects.filter(
        ({ manifest }) =>
          !away.has('manifests') &&
          !away.has(`${manifest.kind}/${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`),
      );
    const model = left ? EgressModel.of(left, world) : whole;
    const answer = model.ask(
      table.callers.find(({ name }) => name === row.from)!,
      { ...row, url: row.request },
    );
    return { row, answer, wrong: unmetExpectations(row.expect, answer) };
  });
}
