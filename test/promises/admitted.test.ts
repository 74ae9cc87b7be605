import { forAll, manifestsFor, identity } from './plans';
import { checkManifests } from '../../src/rules';
import { admissionProblems } from '../support/admission';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

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

test("whatever teams declare, Kubernetes knows every field of its own kinds' objects", () => {
  forAll((plans) => {
    const own = manifestsFor(plans).filter(({ apiVersion }) => !apiVersion.includes('istio.io/'));
    expect(own.map(asKubernetesKnowsIt)).toEqual(own);
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
