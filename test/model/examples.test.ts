import { examples, golden, objectsIn } from '../../examples/examples';
import { AccessRow } from '../../src/access/access-table';
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

  test.each(example.table.access.map((row, index) => [index + 1, `${row.from} ${row.request}`, row] as const))(
    'row %i: %s',
    (_index, _text, row) => {
      const caller = example.table.callers.find(({ name }) => name === row.from)!;
      const answer = model(row.without).ask(caller, { ...row, url: row.request });
      expect(unmetExpectations(row.expect, answer)).toEqual([]);
    },
  );
});
