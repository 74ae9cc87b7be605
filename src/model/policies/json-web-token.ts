import { JwtRule } from './applying-policies';

/** The seconds that Envoy adds to the time at which a token expires. */
const CLOCK_SKEW = 60;

/** Why no key can make the token valid for a rule, in the order in which Envoy looks. */
export function problemOf(
  token: string,
  { issuer, audiences }: JwtRule,
): { status: 401 | 403; because: string } | undefined {
  const parts = token.split('.');
  const [header, claims] = parts.map(decoded);
  if (parts.length !== 3 || !/^[\w-]+$/.test(parts[2]) || !isHeader(header) || !areClaims(claims))
    return { status: 401, because: 'it is not a JWT' };
  if (issuer && claims.iss !== issuer)
    return { status: 401, because: `its issuer is ${claims.iss ?? 'not given'}, not ${issuer}` };
  const now = Date.now() / 1000;
  if (claims.nbf !== undefined && claims.nbf - CLOCK_SKEW > now) return { status: 401, because: 'it is not valid yet' };
  if (claims.exp !== undefined && claims.exp + CLOCK_SKEW < now) return { status: 401, because: 'it has expired' };
  const own = [claims.aud ?? []].flat();
  if (audiences?.length && !own.some((audience) => audiences.includes(audience)))
    return { status: 403, because: `it is for ${own.join(', ') || 'no audience'}, not for ${audiences.join(' or ')}` };
  return undefined;
}

interface Claims {
  readonly iss?: string;
  readonly nbf?: number;
  readonly exp?: number;
  readonly aud?: string | readonly string[];
}

const SIGNED = /^((ES|HS|PS|RS)(256|384|512)|EdDSA)$/;

function isHeader(header: Decoded): boolean {
  return SIGNED.test(String(header?.alg)) && isOf('string', header?.kid);
}

function areClaims(claims: Decoded): claims is Claims & Record<string, unknown> {
  return (
    claims !== undefined &&
    ['iss', 'sub', 'jti'].every((name) => isOf('string', claims[name])) &&
    ['iat', 'nbf', 'exp'].every((name) => isOf('number', claims[name])) &&
    [claims.aud].flat().every((one) => isOf('string', one))
  );
}

function isOf(type: 'string' | 'number', value: unknown): boolean {
  return value === undefined || typeof value === type;
}

type Decoded = Readonly<Record<string, unknown>> | undefined;

function decoded(part: string): Decoded {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    return value !== null && typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}
