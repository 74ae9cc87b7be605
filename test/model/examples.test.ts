import { exampleAsker, OF_THE_HOST } from './without-table';
import { examples, golden, objectsIn } from '../../examples/examples';
import { AccessRow } from '../../src/access/access-table';
import { isPlainYes } from '../../src/explain/as-wanted';
import { EgressModel, worldOf } from '../../src/model';
import { unmetExpectations } from '../../src/model/answer/judge';

/** The objects without those that a row leaves out. */
function without(objects: any[], omitted: AccessRow['without']): any[] {
  if (omitted === 'manifests') return [];
  const names = [omitted ?? []].flat();
  return objects.filter(
    ({ kind, metadata }) => !names.includes(`${kind}/${metadata.namespace ?? ''}/${metadata.name}`),
  );
}

describe.each(examples().map((example) => [example.name, example] as const))('%s', (_name, example) => {
  const objects = objectsIn(golden(example));
  const model = (omitted: AccessRow['without']) =>
    EgressModel.of(
      without(objects, omitted).map((manifest) => ({ manifest, origin: 'golden' })),
      worldOf(example.table),
    );

  test('asked as a reader does, without its table, there is no plain yes that the table denies', () => {
    const ask = exampleAsker(
      objects.map((manifest) => ({ manifest, origin: 'golden' })),
      example.table,
    );
    const whole = (row: AccessRow) =>
      model(undefined).ask(
        example.table.callers.find(({ name }) => name === row.from)!,
        { ...row, url: row.request },
      );
    const lies = example.table.access.filter(
      (row) =>
        row.without === undefined &&
        !row.follow && // What follows is where the host redirects to, which manifests do not say.
        row.expect.outcome !== 'answered' &&
        isPlainYes(ask(row)) &&
        !OF_THE_HOST.test(whole(row).reason),
    );
    expect(lies).toEqual([]);
  });

  test.each(example.table.access.map((row, index) => [index + 1, `${row.from} ${row.request}`, row] as const))(
    'row %i: %s',
    (_index, _text, row) => {
      const caller = example.table.callers.find(({ name }) => name === row.from)!;
      const answer = model(row.without).ask(caller, { ...row, url: row.request });
      expect(unmetExpectations(row.expect, answer)).toEqual([]);
    },
  );
});
