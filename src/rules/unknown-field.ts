import { istioObject } from './_examples';
import { Rule } from './rule';
import { ISTIO_SPECS } from '../istio/specs';
import { describe, joinWords } from '../manifests/indexed';
import { IstioSpecs } from '../manifests/specs';
import { placesOf, UnknownField, unknownFields } from '../schema/unknown-fields';
import { Shape } from '../schema/shape';
import { groupBy } from '../values/grouping';
import { nearest } from '../values/nearest';

const example = (field: string) => `
${istioObject('ServiceEntry', 'shop/a')}
spec:
  hosts: [api.example.com]
  ${field}: ["."]
  resolution: DNS
  ports: [{ number: 443, name: tls, protocol: TLS }]
`;

const KINDS: readonly (keyof IstioSpecs)[] = [
  'AuthorizationPolicy',
  'DestinationRule',
  'Gateway',
  'ServiceEntry',
  'Sidecar',
  'VirtualService',
];

/** What every object has beside its spec. */
const OBJECT: Readonly<Record<string, Shape>> = {
  apiVersion: {},
  kind: {},
  metadata: {
    properties: Object.fromEntries(
      (
        'name generateName namespace labels annotations finalizers ownerReferences managedFields uid selfLink ' +
        'resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds'
      )
        .split(' ')
        .map((name) => [name, {}]),
    ),
  },
  status: {},
};

export const unknownField: Rule = {
  code: 'unknown-field',
  severity: 'error',
  title: 'A field that Istio does not know',
  reason:
    'kubectl refuses an object with a field that the schema of its kind does not have; others apply the object without ' +
    'the field. Either way it does not do what it says (a warning where nothing in Istio 1.32 is like it: a ' +
    'newer version may have it, and older ones had more).',
  cure: 'Write the name of a field that is there, at the place where it belongs.',
  see: 'https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation',
  good: example('exportTo'),
  bad: example('exportsTo'),
  *check(index) {
    for (const kind of KINDS) {
      const shape = { properties: { ...OBJECT, spec: ISTIO_SPECS[kind] } };
      for (const object of index.ofKind(kind)) {
        if (object.isTyped) continue;
        // What begins with $ is for a tool that builds the object, such as `$patch`.
        const unknown = unknownFields(object.manifest, shape).filter(({ name }) => !name.startsWith('$'));
        if (unknown.length === 0) continue;
        // The same mistake in several items of a list is said once, and of no certain item.
        const groups = groupBy(unknown, ({ place }) => withoutItems(place));
        for (const place of groups.keys()) {
          const [first, ...others] = groups.get(place);
          const meant = meantBy(first, shape);
          const also = others.length === 0 ? '' : ` The same is in ${others.length} more items.`;
          yield {
            message: `${describe(object)} has a field ${place}, which ${kind} does not have.`,
            cure: `${meant === undefined ? `Leave it out unless your Istio has it; the fields there are ${joinWords(first.known)}.` : `Write ${meant}.`}${also}`,
            objects: [object],
            field: first.place,
            severity: meant === undefined ? 'warning' : 'error',
          };
        }
      }
    }
  },
};

function withoutItems(place: string): string {
  return place.replace(/\[\d+\]/g, '');
}

/** What was probably meant: a name that is nearly the same, or the same one level above or below. */
function meantBy({ name, known, place }: UnknownField, shape: Shape): string | undefined {
  const near = nearest(name, known);
  if (near !== undefined) return near;
  const around = parentOf(withoutItems(place));
  const places = placesOf(name, shape, '').filter((one) => {
    const other = parentOf(one);
    return parentOf(other) === around || (around !== '' && parentOf(around) === other);
  });
  return places.length === 0 ? undefined : joinWords(places).replace(' and ', ' or ');
}

function parentOf(place: string): string {
  return place.slice(0, Math.max(place.lastIndexOf('.'), 0));
}
