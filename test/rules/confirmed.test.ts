import { CONFIRMED, meshOf, NOT_CONFIRMED, objectsFor, TABLE } from './confirmed';
import { EgressModel, worldOf } from '../../src/model';
import { unmetExpectations } from '../../src/model/answer/judge';
import { checkManifests, RULES } from '../../src/rules';

test('every error is confirmed by a request, or it is said why not', () => {
  const errors = RULES.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  const named = [...CONFIRMED.map(({ code }) => code), ...Object.keys(NOT_CONFIRMED)];
  expect([...new Set(named)].sort()).toEqual(errors);
});

describe.each(CONFIRMED.map((one) => [one.code, one] as const))('%s', (code, confirmation) => {
  test('is found in the bad example as an error, and not in the good one', () => {
    const errors = (example: 'bad' | 'good') =>
      checkManifests(objectsFor(confirmation, example).map((manifest, at) => ({ manifest, origin: `document ${at}` })))
        .filter((finding) => finding.code === code && finding.severity === 'error')
        .map(({ message }) => message);
    expect(errors('bad')).not.toEqual([]);
    expect(errors('good')).toEqual([]);
  });

  test.each(['bad', 'good'] as const)('the request with the %s example', (example) => {
    const manifests = objectsFor(confirmation, example);
    const world = worldOf({ ...TABLE, mesh: meshOf(code), access: [] });
    const model = EgressModel.of(
      manifests.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
      world,
    );
    const { from, request: url, expect: expected, ...more } = confirmation[example];
    const answer = model.ask(
      TABLE.callers.find(({ name }) => name === from)!,
      { url, ...more },
    );
    expect(unmetExpectations(expected, answer)).toEqual([]);
  });
});
