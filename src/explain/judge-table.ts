import { AccessRow, AccessTable } from '../access/access-table';
import { Answer, EgressModel, EgressObject, World, worldOf } from '../model';
import { unmetExpectations } from '../model/answer/judge';

/** A row of an access table, with the model's answer to it. */
export interface JudgedRow {
  readonly row: AccessRow;
  readonly answer: Answer;
  /** Where the answer differs from what the row expects. */
  readonly wrong: readonly string[];
}

/** The model's answer to every row of a table. What a table does not say may be given with it. */
export function judgeTable(
  objects: readonly EgressObject[],
  table: AccessTable,
  assumed: Pick<World, 'undatedAge' | 'istioVersion'> = {},
): JudgedRow[] {
  const world: World = { ...worldOf(table), ...assumed };
  const whole = EgressModel.of(objects, world);
  return table.access.map((row) => {
    const omitted = row.without === undefined ? undefined : new Set([row.without].flat());
    const left =
      omitted &&
      objects.filter(
        ({ manifest }) =>
          !omitted.has('manifests') &&
          !omitted.has(`${manifest.kind}/${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`),
      );
    const model = left ? EgressModel.of(left, world) : whole;
    const answer = model.ask(
      table.callers.find(({ name }) => name === row.from)!,
      { ...row, url: row.request },
    );
    return { row, answer, wrong: unmetExpectations(row.expect, answer) };
  });
}
