import { reject, repeatedIn } from './names';
import { FieldPath } from '../../../manifests/field-path';
import { Of, TrafficPolicy } from '../../../manifests/specs';
import { isDuration } from '../../../schema/durations';

type LoadBalancer = Of<TrafficPolicy, 'loadBalancer'>;

/** Istio's own labels of places, which are not a matter of choice where zones are told apart by themselves. */
const TOPOLOGY: readonly string[] = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
];

export function checkLoadBalancer(settings: LoadBalancer, field: FieldPath): void {
  const { consistentHash, localityLbSetting: locality, zoneAwareLbSetting: zones, warmup } = settings;
  if (consistentHash) checkHash(consistentHash, `${field}.consistentHash`);
  if (locality && zones) reject(field, 'only one of localityLbSetting and zoneAwareLbSetting can be set');
  if (locality) checkLocality(locality, `${field}.localityLbSetting`);
  if (zones) {
    const own: FieldPath = `${field}.zoneAwareLbSetting`;
    const label = zones.failoverPriority?.find((one) => TOPOLOGY.includes(one));
    if (label !== undefined) reject(`${own}.failoverPriority`, `${label} counts by itself`);
    checkFailover(zones.failover, own);
  }
  if (warmup?.aggression !== undefined && warmup.aggression <= 0)
    reject(`${field}.warmup.aggression`, `${warmup.aggression} is not above 0`);
}

/** The most entries of a table of Maglev, and one more. */
const TOO_MANY = 5_000_011;

function checkHash(
  { httpCookie, maglev, ringHash, minimumRingSize }: Of<LoadBalancer, 'consistentHash'>,
  field: FieldPath,
): void {
  const names = (httpCookie?.attributes ?? []).map(({ name }) => name);
  if (httpCookie?.ttl !== undefined && !isDuration(httpCookie.ttl))
    reject(`${field}.httpCookie.ttl`, `"${httpCookie.ttl}" is not a duration`);
  if (httpCookie?.name === '') reject(`${field}.httpCookie.name`, 'is missing');
  if (names.includes('') || repeatedIn(names).size > 0)
    reject(`${field}.httpCookie.attributes`, 'a name is missing, or there twice');
  if (minimumRingSize && (maglev || ringHash))
    reject(`${field}.minimumRingSize`, 'is not allowed beside maglev or ringHash');
  const { tableSize = 0 } = maglev ?? {};
  if (maglev && (tableSize >= TOO_MANY || !isPrime(tableSize)))
    reject(`${field}.maglev.tableSize`, `${tableSize} is not a prime number below ${TOO_MANY}`);
}

/** As Istio tells it, which takes 1 for one. */
function isPrime(value: number): boolean {
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return value > 0;
}

type Locality = Of<LoadBalancer, 'localityLbSetting'>;

function checkLocality({ distribute = [], failover = [], failoverPriority = [] }: Locality, field: FieldPath): void {
  if (distribute.length > 0 && failover.length > 0) reject(field, 'only one of distribute and failover can be set');
  const label = failover.length > 0 ? failoverPriority.find((one) => TOPOLOGY.includes(one)) : undefined;
  if (label !== undefined) reject(`${field}.failoverPriority`, `${label} is not allowed beside failover`);
  for (const [at, { to = {} }] of distribute.entries()) {
    const own: FieldPath = `${field}.distribute[${at}].to`;
    const sum = Object.values(to).reduce((all, weight) => all + weight, 0);
    if (sum !== 100) reject(own, `the weights make ${sum} and not 100`);
    if (Object.values(to).some((weight) => weight <= 0)) reject(own, 'a weight is not above 0');
    checkPlaces(Object.keys(to), own);
  }
  checkPlaces(
    distribute.map(({ from = '' }) => from),
    `${field}.distribute`,
  );
  checkFailover(failover, field);
}

/** Places such as `region/zone/*`, of which none may stand for a later one too. */
function checkPlaces(places: readonly string[], field: FieldPath): void {
  const taken = new Set<string>();
  for (const place of places) {
    const parts = place.split('/');
    if (!/^[^*]*\*?$/.test(place) || parts.length > 3 || parts.includes(''))
      reject(field, `"${place}" is not a place such as region/zone/*`);
    // A region alone stands for everything in it, and may not follow a part of it either.
    const wider = ['*', ...parts.map((_, at) => parts.slice(0, at + 1).join('/'))];
    const isTaken =
      wider.some((one) => taken.has(one) || (one !== place && taken.has(`${one}/*`))) ||
      (parts.length < 3 && [...taken].some((one) => one.startsWith(`${place}/`)));
    if (isTaken) reject(field, `an earlier place stands for "${place}" too`);
    taken.add(place);
  }
}

function checkFailover(failover: Locality['failover'], field: FieldPath): void {
  for (const [at, { from = '', to = '' }] of (failover ?? []).entries()) {
    const own: FieldPath = `${field}.failover[${at}]`;
    if (from === to) reject(own, 'leads from a region to itself');
    if (/[/*]/.test(from + to)) reject(own, 'names something else than regions');
  }
}
