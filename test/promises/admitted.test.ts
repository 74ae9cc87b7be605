import { forAll, manifestsFor, identity } from './plans';
import { checkManifests } from '../../src/rules';
import { admissionProblems } from '../support/admission';

test('whatever teams declare, an API server with Istio admits every object', () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    expect(
      manifests.flatMap((manifest) =>
        admissionProblems(manifest).map((problem) => `${identity(manifest)}: ${problem}`),
      ),
    ).toEqual([]);
  });
});

test('no rule finds anything in the manifests of these constructs', () => {
  forAll((plans) => {
    const manifests = manifestsFor(plans);
    expect(checkManifests(manifests.map((manifest) => ({ manifest, origin: identity(manifest) })))).toEqual([]);
  });
});

test('no two objects have the same name', () => {
  forAll((plans) => {
    const names = manifestsFor(plans).map(identity);
    expect(new Set(names).size).toBe(names.length);
  });
});
