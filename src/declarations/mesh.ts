import { IConstruct } from 'constructs';
import { Agreement } from './agreement';
import { perApp } from './app';
import { watch } from './conflicts';

const meshes = perApp((root) => ({
  rootNamespace: undefined as string | undefined,
  agreement: watch(
    root,
    new Agreement(
      'mesh-conflict',
      'the mesh',
      'An app is for one mesh: give the same values in both places, or write an App for each mesh.',
    ),
  ),
}));

/** Declares the namespace of the mesh's default Sidecar. An app is for one mesh, so all declarations must agree. */
export function declareRootNamespace(construct: IConstruct, rootNamespace: string): void {
  const mesh = meshes(construct);
  mesh.rootNamespace ??= rootNamespace;
  mesh.agreement.state(construct, { rootNamespace });
}

/** The namespace of the mesh's default Sidecar, if the app declares it. */
export function rootNamespaceOf(construct: IConstruct): string | undefined {
  return meshes(construct).rootNamespace;
}
