/** Broken configurations from public issues: the model gives the mesh's answer and names the cause that was found. */
import { brokenConfigurations, Cause } from './broken';
import { differences, modelOf } from './compare';
import { Answer } from '../../src/model';

describe.each(brokenConfigurations())('$name', ({ thread, objects, table, requests }) => {
  const ask = modelOf(objects, table);

  test('names its issue', () => expect(thread).toMatch(/^https:\/\/github\.com\/.+\/issues\/\d+$/));

  test.each(requests)('$from $request', ({ expect: expected, answeredBy, cause, ...request }) => {
    const answer = ask(request);
    const differs = differences(answer, { ...onlyExpected(answer), ...expected, answeredBy });
    expect({ outcome: answer.outcome, differs }).toEqual({ outcome: expected.outcome, differs: [] });
    if (cause !== undefined)
      expect({ found: names(answer, cause), named: named(answer) }).toMatchObject({ found: true });
  });
});

/** The fields of the answer, so that those without an expectation compare equal. */
function onlyExpected(answer: Answer): object {
  const { outcome: _outcome, ...rest } = answer;
  return rest;
}

function names(answer: Answer, cause: Cause): boolean {
  return [
    ...answer.causes,
    ...answer.remarks.flatMap((remark) => remark.decidedBy),
    ...(answer.outcome === 'answered' ? answer.steps.flatMap((step) => step.decidedBy) : []),
  ].some(
    (one) =>
      one.kind === cause.kind &&
      one.namespace === cause.namespace &&
      one.name === cause.name &&
      (cause.field === undefined || (one.field ?? '').startsWith(cause.field)),
  );
}

function named(answer: Answer): string[] {
  return [
    answer.reason,
    ...answer.causes.map((one) => `${one.kind} ${one.namespace}/${one.name} ${one.field ?? ''}`),
    ...answer.remarks.map((remark) => `${remark.code}: ${remark.message}`),
  ];
}
