import { Answer, FieldRef, HopName } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { ConnectTimeout } from '../proxies/settings';
import { Retries } from '../routes/route';

/** How long a route waits for an answer. */
export interface Limit {
  /** Of whose route it is. */
  readonly hop: HopName;
  /** Whether it is for all tries or for each. Those begin when the proxy is connected. */
  readonly kind: 'all' | 'try';
  readonly milliseconds: number;
  /** How much of it has passed before the request reaches the host: injected delays. */
  readonly passed?: number;
  readonly cause: FieldRef;
}

/** What gives up on a connection that nobody answers, and how the request ends then. */
export interface GivingUp {
  readonly status: number;
  readonly causes: readonly FieldRef[];
  readonly says: string;
}

/** What takes this much longer or shorter than a limit is not known to be within it, in milliseconds. */
export const CLOSE = 100;

/** How long proxies try to connect where nothing says it, in milliseconds, and how often they try again. */
export const USUAL_CONNECT_TIMEOUT = 10_000;
const USUAL_RETRIES = 2;

interface Waiting {
  readonly limits: readonly Limit[];
  readonly retries: readonly Retries[];
  /** Of the proxy that connects. */
  readonly connectTimeout?: ConnectTimeout;
  /** Whether a proxy reads the request, and may try again. */
  readonly isRead: boolean;
}

/** What gives up first on a connection of a proxy that nobody answers: a route, or the proxy that connects. */
export function firstToGiveUp(
  { limits, retries, connectTimeout, isRead }: Waiting,
  by: Answer['by'],
  within: number,
): GivingUp | undefined {
  const tries = isRead ? 1 + Math.max(USUAL_RETRIES, ...retries.map(({ attempts }) => attempts)) : 1;
  const ofRoutes = limits
    .filter(({ kind, hop }) => kind === 'all' || hop !== by)
    .map(({ kind, milliseconds, passed = 0, cause }) => ({
      status: 504,
      least: milliseconds - passed,
      most: kind === 'all' ? milliseconds - passed : milliseconds * tries,
      causes: [cause],
      says: `the route waits ${milliseconds} ms`,
    }));
  const ofProxy = connectTimeout && {
    status: 503,
    least: connectTimeout.milliseconds,
    most: connectTimeout.milliseconds * tries ** (by === 'gateway' ? 2 : 1),
    causes: connectTimeout.cause ? [connectTimeout.cause] : [],
    says: `the proxy tries to connect for ${connectTimeout.milliseconds} ms`,
  };
  const all = [...ofRoutes, ...(ofProxy ? [ofProxy] : [])].sort((a, b) => a.most - b.most);
  const [first] = all;
  if (!first || Math.min(...all.map(({ least }) => least)) > within + CLOSE) return undefined;
  const other = all.find(({ status, least }) => status !== first.status && least < first.most + CLOSE);
  if (!other && first.most < within - CLOSE) return first;
  const says = [first, ...(other ? [other] : [])];
  throw new Undetermined(
    `nobody answers, and it is unknown who gives up first: ${says.map((one) => one.says).join(', and ')}`,
    says.flatMap(({ causes }) => causes),
  );
}
