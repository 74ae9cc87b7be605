/** The model gives the mesh's answers about what a gateway does before it routes; see `at-the-gateway.ts`. */
import { CASES, TABLE } from './at-the-gateway';
import { EgressModel, worldOf } from '../../src/model';
import { unmetExpectations } from '../../src/model/answer/judge';

describe.each(CASES)('$name', ({ mesh, objects, rows }) => {
  const model = EgressModel.of(
    objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    worldOf({ ...TABLE, mesh, access: rows }),
  );

  test.each(rows)('$from $request $headers', ({ from, request, expect: expected, ...more }) => {
    const answer = model.ask(
      TABLE.callers.find(({ name }) => name === from)!,
      { url: request, ...more },
    );
    expect(unmetExpectations(expected, answer)).toEqual([]);
  });
});
