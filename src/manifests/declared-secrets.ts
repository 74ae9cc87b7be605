import { Indexed, nameOf } from './indexed';
import { groupBy } from '../values/grouping';

/** A Secret that is among the manifests, or that a controller makes from one of them. */
export interface DeclaredSecret {
  readonly name: string;
  readonly namespace: string;
  /** The Secret itself, or what it is made from. */
  readonly from: Indexed;
  /** The keys under which it has something. */
  readonly keys: ReadonlySet<string>;
  /** Whether it may have a key that nothing shows. */
  readonly mayHave: (key: string) => boolean;
}

type Made = Omit<DeclaredSecret, 'namespace' | 'from'> & { readonly isAddition?: boolean };
type ObjectsOf = (group: string, kind: string) => readonly Indexed[];
type Values = Readonly<Record<string, unknown>>;

/** What is read of the objects of other projects. Nothing has checked them: any field may be null. */
type Spec<Fields> = { readonly [field in keyof Fields]?: Fields[field] | null };

type CertificateSpec = Spec<{
  secretName: string;
  issuerRef: Spec<{ group: string; kind: string; name: string }>;
}>;

type ExternalSecretSpec = Spec<{
  target: Spec<{
    name: string;
    creationPolicy: string;
    manifest: object;
    template: Spec<{ data: Values; templateFrom: readonly unknown[]; mergePolicy: string }>;
  }>;
  data: readonly Spec<{ secretKey: string }>[];
  dataFrom: readonly unknown[];
}>;

type SealedSecretSpec = Spec<{ encryptedData: Values; template: Spec<{ data: Values }> }>;

type Annotated = Spec<{ annotations: Values }>;
type Templated = Spec<{ metadata: Annotated }>;
/** Where the metadata of a Secret stand in what it is made from. */
type TemplatedSpec = Spec<{ secretTemplate: Annotated; template: Templated; target: Spec<{ template: Templated }> }>;

const CERT_MANAGER = 'cert-manager.io';
const any = (): boolean => true;
const none = (): boolean => false;

/** By group and kind, which Secret controllers make from an object. */
const MAKERS: Readonly<Record<string, (object: Indexed, all: ObjectsOf) => Made | undefined>> = {
  [`${CERT_MANAGER}/Certificate`]: ofCertificate,
  'external-secrets.io/ExternalSecret': ofExternalSecret,
  'bitnami.com/SealedSecret': ofSealedSecret,
};

const ISSUERS = ['Issuer', 'ClusterIssuer'];

/** Whether objects of a kind tell of the Secrets that controllers make. */
export function tellsOfSecrets(apiVersion: string, kind: string): boolean {
  return Object.hasOwn(MAKERS, `${apiVersion.split('/')[0]}/${kind}`) || isIssuer(apiVersion, kind);
}

function isIssuer(apiVersion: string, kind: string): boolean {
  return apiVersion.startsWith(`${CERT_MANAGER}/`) && ISSUERS.includes(kind);
}

/** The Secrets that objects are or declare, one for each name and namespace. */
export function declaredSecrets(all: ObjectsOf): DeclaredSecret[] {
  const made = Object.entries(MAKERS).flatMap(([type, read]) => {
    const [group, kind] = type.split('/');
    return all(group, kind).flatMap((from) => {
      const one = from.spec ? read(from, all) : undefined;
      return one ? [{ ...one, namespace: from.namespace, from }] : [];
    });
  });
  const declared = [...all('', 'Secret').map(asDeclared), ...made].map((one) =>
    // An empty Secret is left to be filled by another tool.
    one.keys.size === 0 ? { ...one, mayHave: any } : one,
  );
  const places = groupBy(declared, ({ namespace, name }) => `${namespace}/${name}`);
  return [...places.keys()].flatMap((place) => together(places.get(place)) ?? []);
}

/** `Secret shop/client`, or with what it is made from: `Secret shop/client, which Certificate shop/client makes,` */
export function textOfSecret({ from, namespace, name }: DeclaredSecret): string {
  return isMade(from) ? `Secret ${namespace}/${name}, which ${nameOf(from)} makes,` : nameOf(from);
}

export function isMade({ kind }: Indexed): boolean {
  return kind !== 'Secret';
}

/** The beginnings of annotations that tell Reflector, kubernetes-replicator or kubed to copy a Secret. */
const COPIERS = /^(reflector|replicator|kubed)\./;

/** Whether a Secret is copied to other namespaces, as annotations of it or of its template say. */
export function isCopied({ from }: DeclaredSecret): boolean {
  const { secretTemplate, template, target } = (from.spec ?? {}) as TemplatedSpec;
  const carriers = [from.manifest.metadata, secretTemplate, template?.metadata, target?.template?.metadata];
  return carriers.some((one) => Object.keys(one?.annotations ?? {}).some((key) => COPIERS.test(key)));
}

function asDeclared(from: Indexed): DeclaredSecret {
  const { name, namespace, manifest } = from;
  const keys = new Set(
    Object.entries({ ...manifest.data, ...manifest.stringData })
      .filter(([, value]) => value !== '')
      .map(([key]) => key),
  );
  return { name, namespace, from, keys, mayHave: none };
}

/** What is written is as it is, but others may add to it. Of several makers, who wins is not known. */
function together(several: readonly (DeclaredSecret & Made)[]): DeclaredSecret | undefined {
  const makers = several.filter(({ isAddition }) => !isAddition);
  const written = makers.find(({ from, keys }) => !isMade(from) && keys.size > 0);
  const one = written ?? makers[0];
  if (one === undefined || several.length === 1) return one;
  const keys = [...one.keys].filter((key) => written || makers.every((other) => other.keys.has(key)));
  const mayHave = (key: string): boolean => several.some((other) => other.keys.has(key) || other.mayHave(key));
  return { ...one, keys: new Set(keys), mayHave };
}

/** The CA certificates are those of the issuer, if it gives them; one that speaks ACME does not. */
function ofCertificate(from: Indexed, all: ObjectsOf): Made | undefined {
  const { secretName, issuerRef } = from.spec as CertificateSpec;
  if (!secretName) return undefined;
  const kind = issuerRef?.kind ?? 'Issuer';
  const issuer = all(issuerRef?.group ?? CERT_MANAGER, kind).find(
    ({ name, namespace }) => name === issuerRef?.name && (kind === 'ClusterIssuer' || namespace === from.namespace),
  );
  const isAcme = !!(issuer?.spec as Spec<{ acme: object }> | undefined)?.acme;
  return {
    name: secretName,
    keys: new Set(['tls.crt', 'tls.key']),
    mayHave: isAcme ? none : (key) => key === 'ca.crt',
  };
}

/** A template stands for all that is fetched, unless it says otherwise. */
function ofExternalSecret({ name, spec }: Indexed): Made | undefined {
  const { target, data, dataFrom } = spec as ExternalSecretSpec;
  const { data: own, templateFrom, mergePolicy } = target?.template ?? {};
  const policy = target?.creationPolicy ?? 'Owner';
  if (policy === 'None' || target?.manifest) return undefined;
  const templated = Object.keys(own ?? {});
  const isFromElsewhere = !!templateFrom?.length;
  const isReplaced = (templated.length > 0 || isFromElsewhere) && mergePolicy !== 'Merge';
  const fetched = isReplaced || !Array.isArray(data) ? [] : data.flatMap((one) => one?.secretKey ?? []);
  const isOpen = isFromElsewhere || (!isReplaced && !!dataFrom?.length) || !['Owner', 'Orphan'].includes(policy);
  return {
    name: target?.name || name,
    keys: new Set([...templated, ...fetched]),
    mayHave: isOpen ? any : none,
    isAddition: policy === 'Merge',
  };
}

/** Always called like the SealedSecret itself. A template can remove a key. */
function ofSealedSecret({ name, spec }: Indexed): Made {
  const { encryptedData, template } = spec as SealedSecretSpec;
  const values = { ...encryptedData, ...template?.data };
  return { name, keys: new Set(Object.keys(values).filter((key) => values[key] !== null)), mayHave: none };
}
