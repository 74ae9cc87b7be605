/** The namespace whose objects are for the whole mesh, unless the mesh's configuration names another. */
export const DEFAULT_ROOT_NAMESPACE = 'istio-system';
